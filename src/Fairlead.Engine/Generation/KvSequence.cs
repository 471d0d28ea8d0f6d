namespace Fairlead.Engine.Generation;

/// <summary>The blocks of one sequence in a <see cref="KvCache"/>, in order of position.</summary>
/// <remarks>Position p lies in block <c>Blocks[p / 16]</c> at place <c>p % 16</c>. Owned by the batch loop; a model's step only reads the table.</remarks>
public sealed class KvSequence
{
    private readonly List<int> _blocks = [];

    /// <summary>The blocks, in order of position.</summary>
    public IReadOnlyList<int> Blocks => _blocks;

    /// <summary>Positions for which there is room.</summary>
    public int Capacity => _blocks.Count * KvCache.BlockPositions;

    /// <summary>Makes room for <paramref name="positions"/> positions, or takes nothing at all and says false.</summary>
    public bool TryReserve(KvCache cache, int positions)
    {
        int missing = ((positions + KvCache.BlockPositions - 1) / KvCache.BlockPositions) - _blocks.Count;
        if (missing > cache.FreeBlocks)
            return false;
        for (; missing > 0 && cache.TryTake(out int block); missing--)
            _blocks.Add(block);
        return true;
    }

    /// <summary>Begins with the full blocks of an earlier sequence; only while this one is empty.</summary>
    public void BeginWith(KvCache cache, IEnumerable<int> fullBlocks)
    {
        if (_blocks.Count != 0)
            throw new InvalidOperationException("a sequence begins with shared blocks or not at all");
        foreach (int block in fullBlocks)
        {
            cache.Share(block);
            _blocks.Add(block);
        }
    }

    /// <summary>Gives every block back.</summary>
    public void Release(KvCache cache)
    {
        foreach (int block in _blocks)
            cache.Return(block);
        _blocks.Clear();
    }
}
