namespace Fairlead.Fleet.Isolation;

/// <summary>One worker's process and all that came of it, reached by its number for as long as that is its own.</summary>
/// <remarks>When a process was waited for the system may give its number to another, so nothing is done to it from then on; the number of its group is taken as long as one of the group lives.</remarks>
internal sealed class WorkerTree
{
    /// <summary>Between two looks whether what was killed is gone: a process that ends gives back gigabytes, which takes the system a moment.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private readonly MemoryGuard? _guard;
    private bool _reaped;

    /// <param name="id">A process that runs.</param>
    /// <param name="unguarded">Told why it could have no control group of its own, where there can be some.</param>
    public WorkerTree(int id, Action<string> unguarded)
    {
        Id = id;
        _guard = Guard(id, unguarded);
    }

    /// <summary>Its process id.</summary>
    public int Id { get; }

    /// <summary>After <see cref="Release"/>: whether the system ended it for want of memory.</summary>
    public bool WasStarved => _guard?.WasStarved == true;

    /// <summary>Bounds its memory.</summary>
    /// <param name="setAside">Bytes that were set aside for it; null: nothing bounds it.</param>
    /// <param name="confined">See <see cref="BoundsNow"/>.</param>
    /// <param name="why">Why it could not be bounded; null: it could, or was not to be.</param>
    /// <returns>What bounds it then; null: it has ended.</returns>
    public Sandbox? Bound(long? setAside, bool confined, out string? why)
    {
        lock (_gate)
        {
            why = null;
            if (_reaped)
                return null;
            if (setAside is { } bytes)
                why = _guard?.Bound(Id, bytes);
            return BoundsNow(confined);
        }
    }

    /// <summary>What bounds it now.</summary>
    /// <param name="confined">Whether the thread that started it had given up writing and calling.</param>
    public Sandbox BoundsNow(bool confined) => Sandbox.Of(Id, _guard, confined);

    /// <summary>Sends a signal to the process alone.</summary>
    public void Signal(int signal)
    {
        lock (_gate)
        {
            if (!_reaped)
                _ = Libc.Kill(Id, signal); // ending already is as good
        }
    }

    /// <summary>Ends all of it at once.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            if (_reaped)
                return; // what it left behind is ended already
            _guard?.Kill();
            ProcessTree.Kill(Id);
        }
    }

    /// <summary>The process was waited for.</summary>
    public void Reaped()
    {
        lock (_gate)
            _reaped = true;
    }

    /// <summary>Ends what the process started and left behind, and sees it gone within a patience: its memory and its port are the next one's.</summary>
    public async Task EndWhatIsLeftAsync(TimeSpan patience, TimeProvider time)
    {
        if (!ProcessTree.IsAnyLeft(Id))
            return;
        ProcessTree.KillGroup(Id);
        using var poll = new PeriodicTimer(Poll, time);
        for (TimeSpan waited = TimeSpan.Zero; waited < patience && ProcessTree.IsAnyLeft(Id); waited += Poll)
            await poll.WaitForNextTickAsync();
    }

    /// <summary>Nothing of it is left.</summary>
    public void Release() => _guard?.Release();

    /// <summary>A control group of its own where there can be one; it is in it before it does anything worth counting.</summary>
    private static MemoryGuard? Guard(int id, Action<string> unguarded)
    {
        if (ControlGroups.OfThisProcess.Groups is { } groups)
        {
            try
            {
                ControlGroup group = groups.Make();
                group.Add(id);
                return group;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                unguarded(e.Message);
            }
        }
        return OperatingSystem.IsLinux() ? new DataLimit() : null;
    }
}
