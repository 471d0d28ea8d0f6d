using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Turns;

namespace Fairlead.Fleet.Models;

/// <summary>Shows to everybody where each model stands for the plan. The loop's alone.</summary>
/// <remarks>An ask of a loaded model changes figures of that one, and only those are shown anew; whatever else happens may change any.</remarks>
/// <param name="announce">Told the name of a model that was parked, or is not any more, or of which it became known what it is.</param>
internal sealed class StatusPublisher(FleetPlan plan, PlanClock clock, ServedModels models, Action<string> announce, TimeProvider time, Mail mail) : IAsyncDisposable
{
    /// <summary>How often the figures that only time changes are published again, and the files of models that have failed are looked at.</summary>
    private static readonly TimeSpan RefreshEvery = TimeSpan.FromSeconds(1);

    private readonly ITimer _refresh = mail.Clock(time, null, Pulse.Refresh);
    private readonly HashSet<string> _changed = [];
    private bool _allChanged;
    private bool _refreshing;

    /// <summary>Figures of this model are others now.</summary>
    public void Changed(ServedModel model) => _changed.Add(model.Name);

    /// <summary>Figures of any model may be others now.</summary>
    public void AllChanged() => _allChanged = true;

    /// <summary>Shows what has changed.</summary>
    public void Publish()
    {
        if (!_allChanged && _changed.Count == 0)
            return;
        StatusBoard board = models.Board;
        FleetMoment now = clock.Now(fresh: false);
        if (_allChanged)
        {
            bool moving = false;
            foreach (ServedModel model in board.Models)
            {
                Publish(model, now);
                moving |= model.Status.State is not ModelState.Cold;
            }
            if (moving != _refreshing)
            {
                _refreshing = moving;
                TimeSpan every = moving ? RefreshEvery : Timeout.InfiniteTimeSpan;
                _refresh.Change(every, every);
            }
        }
        else
        {
            foreach (string name in _changed)
            {
                if (board[name] is { } model)
                    Publish(model, now);
            }
        }
        _allChanged = false;
        _changed.Clear();
    }

    public ValueTask DisposeAsync() => _refresh.DisposeAsync();

    private void Publish(ServedModel model, in FleetMoment now)
    {
        if (plan.Status(model.Name, now) is not { } status)
            return; // it was configured this moment, and the plan has yet to hear of it
        bool parked = status.State == ModelState.Parked;
        bool wasParked = model.Status.State == ModelState.Parked;
        model.Status = status;
        if (parked != wasParked)
            announce(model.Name);
        if (model.Notes.Facts is { } facts && model.Notes.Announce(facts))
            announce(model.Name);
    }
}
