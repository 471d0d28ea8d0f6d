using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Models;
using Fairlead.Fleet.Turns;

namespace Fairlead.Fleet.Asks;

/// <summary>Those who wait are told where their model stands: at once, and then in rounds as long as anybody waits. The loop's alone; what is said, <see cref="Teller"/> says.</summary>
internal sealed class ProgressRounds(FleetPlan plan, Askers askers, ServedModels models, StatusPublisher statuses, Teller teller, TimeProvider time, Mail mail) : IAsyncDisposable
{
    /// <summary>How often one who waits is told how far it is.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    private readonly ITimer _clock = mail.Clock(time, null, Pulse.Tell);
    private bool _going;

    /// <summary>One has begun to wait.</summary>
    public void Join(WaitingAsk ask)
    {
        if (ask.Waiting is null)
            return;
        statuses.Publish();
        Tell(ask);
        if (!_going)
            _going = _clock.Change(Every, Every);
    }

    /// <summary>Everybody who waits is told; the last round is the one that finds nobody.</summary>
    public void Round()
    {
        if (!teller.IsQuiet)
            return; // somebody takes long to listen: this round is left out
        statuses.AllChanged();
        statuses.Publish();
        bool any = false;
        foreach (WaitingAsk ask in askers.Requests)
            any |= Tell(ask);
        if (!any)
            _going = !_clock.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ValueTask DisposeAsync() => _clock.DisposeAsync();

    private bool Tell(WaitingAsk ask)
    {
        if (ask.Waiting is not { } waiting || plan.Ahead(ask.Asked.Ask) is not { } ahead || models.Board[ask.Asked.Model] is not { } model)
            return false;
        teller.Tell(waiting, model.Status, ahead);
        return true;
    }
}
