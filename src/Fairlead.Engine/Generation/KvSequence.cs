using System.Runtime.InteropServices;

namespace Fairlead.Engine.Generation;

/// <summary>The blocks of one sequence in a <see cref="KvCache"/>, in order of position.</summary>
/// <remarks>Position p lies in block <c>Blocks[p / 16]</c> at place <c>p % 16</c>. Owned by the batch loop; a model's step only reads the table.</remarks>
/// <param name="positions">How long it may become, if that is known: it then never makes room for more block numbers.</param>
public sealed class KvSequence(int positions = 0)
{
    private readonly List<int> _blocks = new(KvCache.BlocksFor(positions));

    /// <summary>The blocks, in order of position.</summary>
    public IReadOnlyList<int> Blocks => _blocks;

    /// <summary>The same, as it lies; until the next change.</summary>
    internal ReadOnlySpan<int> Table => CollectionsMarshal.AsSpan(_blocks);

    /// <summary>Positions for which there is room.</summary>
    public int Capacity => _blocks.Count * KvCache.BlockPositions;

    /// <summary>Makes room for <paramref name="positions"/> positions, or takes nothing at all and says false.</summary>
    public bool TryReserve(KvCache cache, int positions)
    {
        int missing = KvCache.BlocksFor(positions) - _blocks.Count;
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

    /// <summary>Takes another block that holds the same in place of the one at <paramref name="index"/>, which it gives back.</summary>
    public void Exchange(KvCache cache, int index, int block)
    {
        cache.Share(block);
        cache.Return(_blocks[index]);
        _blocks[index] = block;
    }

    /// <summary>Gives every block back.</summary>
    public void Release(KvCache cache)
    {
        foreach (int block in _blocks)
            cache.Return(block);
        _blocks.Clear();
    }
}
