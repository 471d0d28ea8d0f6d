using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>What threads that read different pieces of one text have seen of it, until it is put together.</summary>
/// <remarks>Only where fewer rows than threads would have work: a step of many rows needs none of it.</remarks>
public sealed unsafe class AttentionRoom : IDisposable
{
    /// <summary>Rows whose whole context fits: decoding of more has work for many threads without it.</summary>
    private const int Rows = 4;

    private readonly NativeBuffer<float> _memory;

    /// <summary>Room for a few rows of such a layer.</summary>
    /// <param name="context">Positions that a row may see.</param>
    public AttentionRoom(int heads, int valueDimension, int context) => _memory = new NativeBuffer<float>(Floats(heads, valueDimension, context));

    /// <summary>Singles in it.</summary>
    internal long Length => _memory.Length;

    /// <summary>The first of them, aligned to 64 bytes.</summary>
    internal float* Data => _memory.Data;

    /// <summary>Bytes that such room takes once all of it was used.</summary>
    public static long BytesFor(int heads, int valueDimension, int context) => Floats(heads, valueDimension, context) * sizeof(float);

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    /// <summary>Singles of what is known of one query after one piece: the largest score in a line of its own, sums of weights, sums of values.</summary>
    internal static int Entry(int valueWidth) => (2 * KvCache.BlockPositions) + valueWidth;

    private static long Floats(int heads, int valueDimension, int context)
    {
        long pieces = (context / CausalTiles.PiecePositions) + 2L;
        return checked(Rows * pieces * ((heads + QueryTile.Few - 1) / QueryTile.Few * QueryTile.Few) * Entry((valueDimension + 15) & ~15));
    }
}
