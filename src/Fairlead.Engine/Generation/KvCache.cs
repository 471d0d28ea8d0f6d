using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Generation;

/// <summary>Keys and values of everything that was read so far, in blocks of <see cref="BlockPositions"/> positions that sequences share.</summary>
/// <remarks>
/// A block holds its positions for all layers. Keys lie transposed, <c>[head × dimension × 16]</c>, so that attention over a block is a sum of
/// broadcasts and needs no sum across a vector; values lie row-major, <c>[head × 16 × dimension]</c>.
/// Blocks are counted: a prompt that begins like an earlier one takes that one's full blocks instead of computing them again.
/// One owner (the batch loop) takes and returns blocks; kernels read and write inside them.
/// </remarks>
public sealed unsafe class KvCache : IDisposable
{
    /// <summary>Positions in a block: one AVX-512 register of single-precision scores.</summary>
    public const int BlockPositions = 16;

    private readonly NativeBuffer<float> _memory;
    private readonly int[] _holders;
    private readonly Stack<int> _free;
    private readonly long _headSize;
    private readonly long _layerSize;
    private readonly long _blockSize;

    /// <summary>Room for <paramref name="blocks"/> blocks.</summary>
    public KvCache(int layers, int heads, int keyDimension, int valueDimension, int blocks)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blocks);
        (Layers, Heads, KeyDimension, ValueDimension, Blocks) = (layers, heads, keyDimension, valueDimension, blocks);
        _headSize = (long)(keyDimension + valueDimension) * BlockPositions;
        _layerSize = _headSize * heads;
        _blockSize = _layerSize * layers;
        _memory = new NativeBuffer<float>(checked(_blockSize * blocks));
        _holders = new int[blocks];
        _free = new Stack<int>(blocks);
        for (int block = blocks - 1; block >= 0; block--)
            _free.Push(block);
    }

    /// <summary>Layers that keep keys and values.</summary>
    public int Layers { get; }

    /// <summary>Key/value heads of a layer.</summary>
    public int Heads { get; }

    /// <summary>Length of a key.</summary>
    public int KeyDimension { get; }

    /// <summary>Length of a value.</summary>
    public int ValueDimension { get; }

    /// <summary>Blocks in all.</summary>
    public int Blocks { get; }

    /// <summary>Blocks that nobody holds.</summary>
    public int FreeBlocks => _free.Count;

    /// <summary>Blocks that so many positions need.</summary>
    public static int BlocksFor(int positions) => (int)(((long)positions + BlockPositions - 1) / BlockPositions);

    /// <summary>Bytes that a cache of <paramref name="blocks"/> blocks takes once every one of them was used.</summary>
    public static long BytesFor(int layers, int heads, int keyDimension, int valueDimension, int blocks) =>
        checked(blocks * (((long)layers * heads * (keyDimension + valueDimension) * BlockPositions * sizeof(float)) + (2 * sizeof(int))));

    /// <summary>Keys of one head in one block: <c>[KeyDimension × 16]</c>.</summary>
    public float* Keys(int layer, int block, int head) => _memory.Data + (block * _blockSize) + (layer * _layerSize) + (head * _headSize);

    /// <summary>Values of one head in one block: <c>[16 × ValueDimension]</c>.</summary>
    public float* Values(int layer, int block, int head) => Keys(layer, block, head) + ((long)KeyDimension * BlockPositions);

    /// <summary>Takes a block nobody holds; false when there is none. What an earlier holder wrote is still in it.</summary>
    public bool TryTake(out int block)
    {
        if (!_free.TryPop(out block))
            return false;
        _holders[block] = 1;
        return true;
    }

    /// <summary>One more holder of a block that is held: only full blocks are shared, for nobody may write into another's.</summary>
    public void Share(int block)
    {
        ArgumentOutOfRangeException.ThrowIfZero(_holders[block]);
        _holders[block]++;
    }

    /// <summary>One holder less; the block is free when the last one leaves.</summary>
    public void Return(int block)
    {
        ArgumentOutOfRangeException.ThrowIfZero(_holders[block]);
        if (--_holders[block] == 0)
            _free.Push(block);
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
