using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Tensors;

/// <summary>What the piece of work after this one reads: so many units of memory, one after the other, of which each thread takes a run of its own as <see cref="WorkCrew"/> shares them out.</summary>
/// <remarks>
/// A guess: whoever is wrong has asked for memory in vain, and no result depends on it. Without it memory stands still wherever threads wait for each other and one of them does what is
/// between two matrices, and every matrix begins with waiting for its first lines.
/// </remarks>
/// <param name="first">The first unit; null: nothing is known.</param>
/// <param name="units">How many.</param>
/// <param name="unitBytes">Of each.</param>
internal readonly unsafe struct ReadAhead(byte* first, int units, long unitBytes)
{
    /// <summary>Bytes of a thread's run that are asked for at most: an eighth of a second-level cache of 1 MiB, about what comes from memory in the time between two matrices.</summary>
    private const int MostBytes = 128 << 10;

    /// <summary>Lines that are asked for before a thread looks again whether there is work: some 10 ns of memory's time.</summary>
    private const int LinesAtOnce = 4;

    private const int LineBytes = 64;

    /// <summary>Where the run of <paramref name="thread"/> of <paramref name="threads"/> begins.</summary>
    public byte* StartOf(int thread, int threads) => first + (WorkCrew.FirstOf(units, thread, threads) * unitBytes);

    /// <summary>Bytes of it that are worth asking for.</summary>
    public long BytesOf(int thread, int threads) =>
        first is null ? 0 : Math.Min(MostBytes, (WorkCrew.FirstOf(units, thread + 1, threads) - WorkCrew.FirstOf(units, thread, threads)) * unitBytes);

    /// <summary>Asks for the next few lines from <paramref name="at"/> bytes on, and gives how far it is then.</summary>
    public static long Ask(byte* start, long at)
    {
        for (int line = 0; line < LinesAtOnce && Sse.IsSupported; line++)
            Sse.Prefetch1(start + at + (line * LineBytes));
        return at + (LinesAtOnce * LineBytes);
    }
}
