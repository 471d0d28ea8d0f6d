using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>Where each thread keeps some queries of a prompt, what is known of them, and a piece's keys and values as brain floats.</summary>
public sealed unsafe class PromptRoom : IDisposable
{
    private readonly ThreadScratch _scratch;

    /// <summary>Room for <paramref name="threads"/> threads and such a layer.</summary>
    public PromptRoom(int heads, int kvHeads, int keyDimension, int valueDimension, int threads)
    {
        Sizes = new PromptSizes(heads / kvHeads, keyDimension, valueDimension);
        _scratch = new ThreadScratch(threads, Sizes.Bytes);
    }

    /// <summary>Of one thread's.</summary>
    internal PromptSizes Sizes { get; }

    /// <summary>Bytes that such room takes.</summary>
    public static long BytesFor(int heads, int kvHeads, int keyDimension, int valueDimension, int threads) =>
        threads * new PromptSizes(heads / kvHeads, keyDimension, valueDimension).Bytes;

    /// <inheritdoc cref="ThreadScratch.Take"/>
    internal byte* Take(out int number) => _scratch.Take(out number);

    /// <inheritdoc cref="ThreadScratch.Return"/>
    internal void Return(int number) => _scratch.Return(number);

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();
}

/// <summary>How much a thread keeps, in bytes where nothing else is said; all of it in the second-level cache, as far as heads are not very long.</summary>
internal readonly record struct PromptSizes
{
    /// <summary>Of queries and of what is known of them.</summary>
    private const int QueryBytes = 384 << 10;

    /// <summary>For queries that share keys and values in groups of <paramref name="group"/> heads.</summary>
    public PromptSizes(int group, int keyDimension, int valueDimension)
    {
        KeySteps = (keyDimension + BrainTile.Inputs - 1) / BrainTile.Inputs;
        ValueWidth = (valueDimension + (2 * BrainTile.Rows) - 1) / (2 * BrainTile.Rows) * (2 * BrainTile.Rows);
        long perQuery = (KeySteps * BrainTile.Inputs * BrainQueries.Parts * sizeof(ushort)) + ((ValueWidth + KvCache.BlockPositions) * sizeof(float));
        int wanted = (int)Math.Max(QueryBytes / perQuery, group);
        Queries = (wanted + BrainQueries.BlockQueries - 1) / BrainQueries.BlockQueries * BrainQueries.BlockQueries;
    }

    /// <summary>Times 32 numbers of a key.</summary>
    public int KeySteps { get; }

    /// <summary>Numbers of a value, with zeros up to a multiple of 32: two panels.</summary>
    public int ValueWidth { get; }

    /// <summary>Most queries that are taken through the positions together: a multiple of 32, and room for all heads of a row.</summary>
    public int Queries { get; }

    /// <summary>Of what <see cref="BrainQueries"/> keeps.</summary>
    public long QueriesBytes => BrainQueries.BytesFor(this);

    /// <summary>Of what <see cref="BrainPiece"/> keeps.</summary>
    public long PieceBytes => BrainPiece.BytesFor(this);

    /// <summary>Of everything.</summary>
    public long Bytes => QueriesBytes + PieceBytes;
}
