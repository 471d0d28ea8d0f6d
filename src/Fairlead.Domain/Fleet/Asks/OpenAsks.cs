using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet.Asks;

/// <summary>An ask that waits, or has its place.</summary>
/// <param name="Waiter">Where it waits; null when it has its place.</param>
/// <param name="Worker">In which worker it is; null when it waits.</param>
/// <param name="Since">Since when.</param>
internal readonly record struct OpenAsk(Waiter? Waiter, WorkerLife? Worker, TimeSpan Since);

/// <summary>All asks that wait or have a place, by number, and the deadlines of those who wait.</summary>
internal sealed class OpenAsks
{
    private readonly Dictionary<long, OpenAsk> _asks = [];

    // Of equal deadlines the earlier ask is told first.
    private readonly PriorityQueue<Waiter, (TimeSpan At, long Ask)> _deadlines = new();

    private int _waiting;

    /// <summary>The earliest deadline of one who waits, or of one who has not waited any more since the last look; null: there is none.</summary>
    public TimeSpan? NextDeadline => _deadlines.TryPeek(out _, out (TimeSpan At, long) first) ? first.At : null;

    public bool Has(long ask) => _asks.ContainsKey(ask);

    /// <summary>One who waits; null where this one does not.</summary>
    public Waiter? Waiting(long ask) => _asks.TryGetValue(ask, out OpenAsk open) ? open.Waiter : null;

    public void Wait(Waiter waiter)
    {
        _asks.Add(waiter.Ask, new OpenAsk(waiter, null, waiter.Since));
        _deadlines.Enqueue(waiter, (waiter.Deadline, waiter.Ask));
        _waiting++;
        if (_deadlines.Count > 2 * (_waiting + 512))
            SweepDeadlines();
    }

    public void Enter(long ask, WorkerLife worker, TimeSpan now) => _asks.Add(ask, new OpenAsk(null, worker, now));

    /// <summary>It has been refused, has left, or is about to enter; null where it is not known.</summary>
    public OpenAsk? Close(long ask)
    {
        if (!_asks.Remove(ask, out OpenAsk open))
            return null;
        if (open.Waiter is not null)
            _waiting--;
        return open;
    }

    /// <summary>One who waits and whose deadline is over; null: nobody.</summary>
    public Waiter? TakeImpatient(TimeSpan now)
    {
        while (_deadlines.TryPeek(out Waiter? waiter, out (TimeSpan At, long) first) && (waiter.Place is null || first.At <= now))
        {
            _deadlines.Dequeue();
            if (waiter.Place is not null)
                return waiter;
        }
        return null;
    }

    // Whoever is served leaves his deadline behind; now and then those are swept out together, so that each costs next to nothing.
    private void SweepDeadlines()
    {
        List<(Waiter, (TimeSpan, long))> waiting = [.. _deadlines.UnorderedItems.Where(static item => item.Element.Place is not null)];
        _deadlines.Clear();
        _deadlines.EnqueueRange(waiting);
    }
}
