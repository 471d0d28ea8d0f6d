using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Room for rows of activations as bytes, made anew for every multiplication and shared by all layers of a model.</summary>
/// <remarks>
/// A row is cut into blocks of 32 values. With a = the largest magnitude of a block, its values become bytes round(x · 127 / a) (to nearest, ties to even)
/// and its scale a / 127. A block whose largest magnitude is below 2^−120 counts as zeros, with scale 0; one with an infinity or a NaN has scale NaN, so that
/// nothing that is not a number is lost. With h half its block's scale a value x is otherwise off by at most
/// h + 3 · 2^−24 · (|x| + h): 127 / a, the product with it and the scale are rounded once each.
/// </remarks>
public sealed unsafe class QuantizedRows : IDisposable
{
    /// <summary>Rows whose scales lie together.</summary>
    internal const int TileRows = 16;

    /// <summary>Singles of a block in <see cref="Scales"/>: 16 scales and 16 sums.</summary>
    internal const int BlockScales = 2 * TileRows;

    private readonly NativeBuffer<sbyte> _values;
    private readonly NativeBuffer<float> _scales;
    private readonly NativeBuffer<short> _halfSums;
    private readonly NativeBuffer<short> _pairSums;
    private readonly ThreadScratch _scratch;
    private readonly NativeBuffer<byte> _brainTiles;

    /// <summary>Room for <paramref name="rows"/> rows of at most <paramref name="inputs"/> values, and for <paramref name="threads"/> threads that multiply at the same time.</summary>
    /// <param name="brainTileBytes">Room for activations that are cut into brain floats, see <see cref="BrainMatMul.RoomBytes"/>; 0: none are.</param>
    public QuantizedRows(int rows, int inputs, int threads = 1, long brainTileBytes = 0)
    {
        (Rows, Inputs) = (rows, inputs);
        _values = new NativeBuffer<sbyte>(ValuesOf(rows, inputs));
        _scales = new NativeBuffer<float>(ScalesOf(rows, inputs));
        _halfSums = new NativeBuffer<short>(HalfSumsOf(rows, inputs));
        _pairSums = new NativeBuffer<short>(2 * HalfSumsOf(rows, inputs));
        _scratch = new ThreadScratch(threads, PanelScratch.BytesFor(rows, inputs));
        _brainTiles = new NativeBuffer<byte>(brainTileBytes, hugePages: true);
    }

    /// <summary>Most rows.</summary>
    public int Rows { get; }

    /// <summary>Most values of a row.</summary>
    public int Inputs { get; }

    /// <summary>The bytes: row r begins at r · <see cref="StrideOf"/>(inputs of the matrix).</summary>
    public sbyte* Values => _values.Data;

    /// <summary>The rows in fours, with all that is needed of them, in the place of <see cref="Values"/>.</summary>
    /// <param name="inputs">Of the matrix.</param>
    internal RowBlocks Blocks(int inputs) => new((byte*)_values.Data, inputs);

    /// <summary>For each 16 rows and each block of 32 inputs: the scales of the 16 rows, then for each row the scale times the sum of the block's bytes, rounded once.</summary>
    public float* Scales => _scales.Data;

    /// <summary><c>[rows × inputs / 16]</c>: sums of 16 bytes, at most 2,032 in magnitude.</summary>
    public short* HalfSums => _halfSums.Data;

    /// <summary><c>[rows × inputs / 16 × 2]</c>: of 16 bytes the sum of the first two of every four, and that of the others. Only where the family is <see cref="KernelFamily.Avx2"/>.</summary>
    internal short* PairSums => _pairSums.Data;

    /// <summary>Tiles of brain floats, see <see cref="BrainMatMul"/>.</summary>
    internal byte* BrainTiles => _brainTiles.Data;

    /// <summary>Bytes from one row to the next: an odd number of cache lines, so that the rows of a tile do not meet in the same lines of the first-level cache.</summary>
    public static int StrideOf(int inputs) => (((inputs + 63) / 64) | 1) * 64;

    /// <summary>Bytes that such room takes.</summary>
    public static long BytesFor(int rows, int inputs, int threads, long brainTileBytes = 0) =>
        brainTileBytes + ValuesOf(rows, inputs) + (ScalesOf(rows, inputs) * sizeof(float)) + (3 * HalfSumsOf(rows, inputs) * sizeof(short)) + (threads * PanelScratch.BytesFor(rows, inputs));

    /// <summary>The scale of <paramref name="row"/>'s first block; that of the next is <see cref="BlockScales"/> further, its sum <see cref="TileRows"/>.</summary>
    internal float* ScalesOfRow(int row, int inputs) => Scales + ((long)(row / TileRows) * (inputs / PackedLayout.GroupInputs) * BlockScales) + (row % TileRows);

    /// <inheritdoc cref="ThreadScratch.Take"/>
    internal PanelScratch TakeScratch(out int number) => new(_scratch.Take(out number), Inputs);

    /// <inheritdoc cref="ThreadScratch.Return"/>
    internal void ReturnScratch(int number) => _scratch.Return(number);

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _scales.Dispose();
        _halfSums.Dispose();
        _pairSums.Dispose();
        _scratch.Dispose();
        _brainTiles.Dispose();
    }

    private static long ValuesOf(int rows, int inputs) => Math.Max(rows * (long)StrideOf(inputs), RowBlocks.BytesFor(rows, inputs));

    private static long ScalesOf(int rows, int inputs) =>
        (rows + TileRows - 1L) / TileRows * ((inputs + PackedLayout.GroupInputs - 1) / PackedLayout.GroupInputs) * BlockScales;

    private static long HalfSumsOf(int rows, int inputs) => rows * ((inputs + 15L) / 16);
}
