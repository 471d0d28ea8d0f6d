namespace Fairlead.Fleet.Isolation;

/// <summary>What keeps one worker to the memory that was set aside for it.</summary>
internal abstract class MemoryGuard
{
    /// <summary>Which of the two it is.</summary>
    public abstract SandboxLevel Level { get; }

    /// <summary>Bounds it.</summary>
    /// <param name="process">The worker.</param>
    /// <param name="setAside">Bytes that the plan has set aside; the limit is this and the guard's headroom.</param>
    /// <returns>Why it could not be bounded; null when it is.</returns>
    public abstract string? Bound(int process, long setAside);

    /// <summary>The limit that holds now, in bytes, as the system tells it; null when there is none.</summary>
    public abstract long? Limit(int process);

    /// <summary>After its end: whether the system ended it for want of memory.</summary>
    public abstract bool WasStarved { get; }

    /// <summary>Ends all that are in it.</summary>
    public abstract void Kill();

    /// <summary>After its end: nothing of it is left.</summary>
    public abstract void Release();
}
