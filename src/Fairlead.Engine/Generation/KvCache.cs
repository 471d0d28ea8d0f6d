using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Generation;

/// <summary>Keys and values of everything that was read so far, in blocks of <see cref="BlockPositions"/> positions that sequences share.</summary>
/// <remarks>
/// A block holds its positions for all layers, <c>[layers × heads × <see cref="KvLayout.Bytes"/>]</c>: memory comes into use from its beginning, as positions do.
/// Blocks are counted: a prompt that begins like an earlier one takes that one's full blocks instead of computing them again.
/// One owner (the batch loop) takes and returns blocks; kernels read and write inside them.
/// </remarks>
public sealed unsafe class KvCache : IDisposable
{
    /// <summary>Positions in a block: one AVX-512 register of single-precision scores.</summary>
    public const int BlockPositions = 16;

    private readonly HugeBuffer _memory;
    private readonly int[] _holders;
    private readonly int[] _unsound;
    private readonly Stack<int> _free;
    private readonly long _layerSize;
    private readonly long _blockSize;

    /// <summary>Room for <paramref name="blocks"/> blocks.</summary>
    public KvCache(KvType type, int layers, int heads, int keyDimension, int valueDimension, int blocks)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blocks);
        (Layers, Heads, KeyDimension, ValueDimension, Blocks) = (layers, heads, keyDimension, valueDimension, blocks);
        Layout = new KvLayout(type, keyDimension, valueDimension);
        _layerSize = (long)Layout.Bytes * heads;
        _blockSize = _layerSize * layers;
        _memory = new HugeBuffer(checked(_blockSize * blocks));
        _holders = new int[blocks];
        _unsound = new int[blocks];
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

    /// <summary>How a head of a block lies.</summary>
    public KvLayout Layout { get; }

    /// <summary>Blocks in all.</summary>
    public int Blocks { get; }

    /// <summary>Blocks that nobody holds.</summary>
    public int FreeBlocks => _free.Count;

    /// <summary>Blocks that so many positions need.</summary>
    public static int BlocksFor(int positions) => (int)(((long)positions + BlockPositions - 1) / BlockPositions);

    /// <summary>Bytes that a cache of <paramref name="blocks"/> blocks takes once every one of them was used.</summary>
    public static long BytesFor(KvType type, int layers, int heads, int keyDimension, int valueDimension, int blocks) =>
        checked(blocks * (((long)layers * heads * new KvLayout(type, keyDimension, valueDimension).Bytes) + (3 * sizeof(int))));

    /// <summary>Keys and values of one head in one block, as <see cref="Layout"/> says.</summary>
    public byte* Head(int layer, int block, int head) => _memory.Data + (block * _blockSize) + (layer * _layerSize) + ((long)head * Layout.Bytes);

    /// <summary>Takes a block nobody holds; false when there is none. What an earlier holder wrote is still in it.</summary>
    public bool TryTake(out int block)
    {
        if (!_free.TryPop(out block))
            return false;
        _holders[block] = 1;
        _unsound[block] = 0;
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

    /// <summary>
    /// A bit for each place of a block where some layer's key or value held what is no number or infinite. Zeros stand in place of those, because a weight of zero makes
    /// neither harmless; whoever sees such a place gets no numbers, as from the key or value itself.
    /// </summary>
    public int Unsound(int block) => _unsound[block];

    /// <summary>Says whether the key and value that a layer has just written were sound. The first layer's word stands in place of what was said before.</summary>
    internal void SetSound(int layer, int block, int place, bool sound)
    {
        ref int places = ref _unsound[block];
        if (!sound)
            Interlocked.Or(ref places, 1 << place);
        else if (layer == 0 && (Volatile.Read(ref places) & (1 << place)) != 0)
            Interlocked.And(ref places, ~(1 << place));
    }

    /// <summary>
    /// What the first <paramref name="count"/> positions of a block hold becomes what those of another hold, in all layers: a text that leaves another in the middle of a
    /// block goes on in a copy of it.
    /// </summary>
    /// <remarks>The positions behind them hold the same as well; whoever holds the copy reads none that it has not written.</remarks>
    public void CopyPositions(int from, int to, int count)
    {
        ArgumentOutOfRangeException.ThrowIfZero(_holders[from]);
        ArgumentOutOfRangeException.ThrowIfNotEqual(_holders[to], 1); // nobody writes into another's
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, BlockPositions);
        Buffer.MemoryCopy(_memory.Data + (from * _blockSize), _memory.Data + (to * _blockSize), _blockSize, _blockSize);
        _unsound[to] = _unsound[from] & ((1 << count) - 1);
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
