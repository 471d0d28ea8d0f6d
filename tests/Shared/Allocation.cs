namespace Fairlead.Shared;

/// <summary>What some work allocates on its own thread.</summary>
internal static class Allocation
{
    /// <summary>How often <see cref="Of"/> goes round.</summary>
    public const int Rounds = 5;

    /// <summary>
    /// The least of five rounds, in bytes. A collection that somebody else causes in the middle of a round takes the rest of the thread's allocation
    /// buffer, up to 8 KiB, and counts it as allocated.
    /// </summary>
    public static long Of(Action round)
    {
        long least = long.MaxValue;
        for (int i = 0; i < Rounds; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
