using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>Where the rows of a step stand: position and blocks of each, in native memory, so that any thread may read them by pointer.</summary>
internal sealed unsafe class StepTable : IDisposable
{
    private readonly int[] _positions;
    private readonly int[] _firstBlocks;
    private NativeBuffer<int> _blocks = new(1024);
    private int _used;

    /// <summary>A table for at most <paramref name="rows"/> rows.</summary>
    public StepTable(int rows) => (_positions, _firstBlocks) = (new int[rows], new int[rows]);

    /// <summary>Rows in the table.</summary>
    public int Rows { get; private set; }

    /// <summary>Fills the table with <paramref name="rows"/>, which have been checked.</summary>
    public void Set(ReadOnlySpan<StepRow> rows)
    {
        (Rows, _used) = (rows.Length, 0);
        for (int row = 0; row < rows.Length; row++)
        {
            _positions[row] = rows[row].Position;
            // Rows of one sequence stand together and share its list of blocks.
            _firstBlocks[row] = row > 0 && ReferenceEquals(rows[row].Sequence, rows[row - 1].Sequence) ? _firstBlocks[row - 1] : Copy(rows[row].Sequence);
        }
    }

    /// <summary>Position of the row in its sequence.</summary>
    public int PositionOf(int row) => _positions[row];

    /// <summary>The blocks of the row's sequence, in order of position.</summary>
    public int* BlocksOf(int row) => _blocks.Data + _firstBlocks[row];

    /// <summary>Block and place within it where the row's own key and value go.</summary>
    public (int Block, int Place) PlaceOf(int row) =>
        (BlocksOf(row)[_positions[row] / KvCache.BlockPositions], _positions[row] % KvCache.BlockPositions);

    /// <inheritdoc/>
    public void Dispose() => _blocks.Dispose();

    private int Copy(KvSequence sequence)
    {
        int first = _used, count = sequence.Blocks.Count;
        if (first + count > _blocks.Length)
            Grow(first + count);
        for (int i = 0; i < count; i++)
            _blocks.Data[first + i] = sequence.Blocks[i];
        _used += count;
        return first;
    }

    private void Grow(int needed)
    {
        var larger = new NativeBuffer<int>(Math.Max(needed, _blocks.Length * 2));
        _blocks.Slice(0, _used).CopyTo(larger.Slice(0, _used));
        _blocks.Dispose();
        _blocks = larger;
    }
}
