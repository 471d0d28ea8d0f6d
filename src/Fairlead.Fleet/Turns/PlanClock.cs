using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet.Turns;

/// <summary>What the plan cannot see itself: the time, the machine's free memory, and that its time to wake has come. The loop's alone.</summary>
internal sealed class PlanClock(TimeProvider time, Mail mail) : IAsyncDisposable
{
    /// <summary>A clock is not set more finely: what fires a little early is set again.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    /// <summary>How old a reading of the machine's memory may be where nothing has freed or taken any that we know of.</summary>
    private static readonly TimeSpan MemoryAge = TimeSpan.FromMilliseconds(250);

    private readonly ITimer _wake = mail.Clock(time, FleetEvent.Ticked.Instance);
    private readonly long _began = time.GetTimestamp();
    private TimeSpan? _wakeAt;
    private TimeSpan _memoryReadAt;
    private long _available = MachineMemory.Available;

    /// <param name="fresh">True: memory may have been freed or taken just now.</param>
    public FleetMoment Now(bool fresh)
    {
        TimeSpan now = time.GetElapsedTime(_began);
        if (fresh || now - _memoryReadAt > MemoryAge)
        {
            _available = MachineMemory.Available;
            _memoryReadAt = now;
        }
        return new FleetMoment(now, _available);
    }

    /// <summary>Posts <see cref="FleetEvent.Ticked"/> then at the latest; null: no wish.</summary>
    public void Wake(TimeSpan? at)
    {
        if (at is not { } wakeAt || wakeAt >= _wakeAt)
            return; // one that has become later is not set anew: the early call changes nothing and costs less than a clock set for every request
        _wakeAt = wakeAt;
        TimeSpan due = wakeAt - time.GetElapsedTime(_began);
        _wake.Change(due < Tick ? Tick : due, Timeout.InfiniteTimeSpan);
    }

    /// <summary>It has rung, and is not set any more.</summary>
    public void Rang() => _wakeAt = null;

    public ValueTask DisposeAsync() => _wake.DisposeAsync();
}
