using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>Keys and values of one cached head at up to 256 positions, as the tiles of brain floats that <see cref="Machine.BrainTileKernel"/> takes for weights.</summary>
/// <remarks>
/// Keys are cut into two parts: a score is as exact as the queries' two parts make it. Values are rounded to one, as all activations of a prompt are. In both a pair of a tile is 16 apart, as inputs of
/// activations are: numbers r and r + 16 of a key, and positions r and r + 16 of 32.
/// </remarks>
internal readonly unsafe struct BrainPiece
{
    /// <summary>Most positions.</summary>
    internal const int Positions = 256;

    private const int BlockPositions = KvCache.BlockPositions;

    private readonly byte* _keys;
    private readonly byte* _values;
    private readonly int _keySteps;
    private readonly int _valuePanels;

    /// <param name="memory"><see cref="BytesFor"/>, aligned to 64 bytes.</param>
    public BrainPiece(byte* memory, in PromptSizes sizes)
    {
        (_keySteps, _valuePanels) = (sizes.KeySteps, sizes.ValueWidth / BrainTile.Rows);
        _keys = memory;
        _values = memory + KeyBytes(sizes);
    }

    /// <summary>For each 16 positions a panel: for each 32 numbers of a key a tile, and one of what that leaves.</summary>
    public byte* Keys => _keys;

    /// <summary>For each 16 numbers of a value a panel, an even number of them: for each 32 positions a tile.</summary>
    public byte* Values => _values;

    /// <summary>From the keys of 16 positions to those of the next.</summary>
    public long KeyPanelBytes => _keySteps * 2L * BrainTile.Bytes;

    /// <summary>From a panel of values to the next.</summary>
    public static long ValuePanelBytes => Positions / BrainTile.Inputs * BrainTile.Bytes;

    /// <summary>Bytes that a piece takes.</summary>
    public static long BytesFor(in PromptSizes sizes) => KeyBytes(sizes) + (sizes.ValueWidth / BrainTile.Rows * ValuePanelBytes);

    /// <summary>Reads the positions from 32 · <paramref name="first"/> to 32 · <paramref name="end"/> − 1 of a piece.</summary>
    /// <param name="table">The sequence's blocks.</param>
    /// <param name="piece">Which 256 positions.</param>
    /// <param name="last">The last position of the sequence that is there: behind it come zeros up to the end of its block of 16 and of the 32.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read<F>(KvCache cache, int layer, ReadOnlySpan<int> table, int kvHead, int piece, int first, int end, int last)
        where F : struct, IKvForm
    {
        KvLayout layout = cache.Layout;
        for (int step = first; step < end; step++)
        {
            int position = (piece * Positions) + (step * BrainTile.Inputs);
            byte* lower = cache.Head(layer, table[position / BlockPositions], kvHead);
            byte* upper = position + BlockPositions <= last ? cache.Head(layer, table[(position / BlockPositions) + 1], kvHead) : null;
            byte* keys = _keys + (2 * step * KeyPanelBytes);
            ReadKeys<F>(layout, lower, keys);
            if (upper is null)
                new Span<byte>(keys + KeyPanelBytes, (int)KeyPanelBytes).Clear();
            else
                ReadKeys<F>(layout, upper, keys + KeyPanelBytes);
            for (int panel = 0; panel < _valuePanels; panel++)
                ReadValues<F>(layout, lower, upper, panel, _values + (panel * ValuePanelBytes) + (step * BrainTile.Bytes));
        }
    }

    private static long KeyBytes(in PromptSizes sizes) => Positions / BrainTile.Rows * sizes.KeySteps * 2L * BrainTile.Bytes;

    /// <summary>A block's keys lie with the same number of all positions side by side, as a tile has them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadKeys<F>(in KvLayout layout, byte* head, byte* to)
        where F : struct, IKvForm
    {
        for (int start = 0; start < layout.KeyDimension; start += BrainTile.Inputs, to += 2 * BrainTile.Bytes)
        {
            Vector512<float> scale = F.HasScales ? Vector512.Load((float*)(head + layout.KeyScales) + (start / KvLayout.Group * BlockPositions)) : Vector512.Create(F.Lift * F.Lower);
            for (int row = 0; row < BrainTile.Rows; row++)
            {
                int number = start + row;
                Vector512<float> lower = number < layout.KeyDimension ? Load<F>(head + (number * BlockPositions * F.Bytes)) * scale : default;
                number += BrainTile.Rows;
                Vector512<float> upper = number < layout.KeyDimension ? Load<F>(head + (number * BlockPositions * F.Bytes)) * scale : default;
                (Vector512<uint> lowerBits, Vector512<float> lowerLeft) = Round<F>(lower);
                (Vector512<uint> upperBits, Vector512<float> upperLeft) = Round<F>(upper);
                byte* at = to + (row * BrainTile.Inputs * sizeof(ushort));
                BrainFloat.Pair(lowerBits, upperBits).Store((uint*)at);
                BrainFloat.Pair(BrainFloat.RoundUsual(lowerLeft).Bits, BrainFloat.RoundUsual(upperLeft).Bits).Store((uint*)(at + BrainTile.Bytes));
            }
        }
    }

    /// <summary>16 numbers of the values of two blocks, or of one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadValues<F>(in KvLayout layout, byte* lower, byte* upper, int panel, byte* to)
        where F : struct, IKvForm
    {
        int column = panel * BrainTile.Rows;
        if (column >= layout.ValueWidth)
        {
            new Span<byte>(to, BrainTile.Bytes).Clear();
            return;
        }

        for (int row = 0; row < BrainTile.Rows; row++, to += BrainTile.Inputs * sizeof(ushort))
        {
            Vector512<uint> upperBits = upper is null ? default : Round<F>(Value<F>(layout, upper, row, column)).Bits;
            BrainFloat.Pair(Round<F>(Value<F>(layout, lower, row, column)).Bits, upperBits).Store((uint*)to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Value<F>(in KvLayout layout, byte* head, int place, int column)
        where F : struct, IKvForm
    {
        float scale = F.HasScales ? ((float*)(head + layout.ValueScales))[(column / KvLayout.Group * BlockPositions) + place] : F.Lift * F.Lower;
        return Load<F>(head + layout.Values + (((place * layout.ValueWidth) + column) * F.Bytes)) * Vector512.Create(scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load<F>(byte* numbers)
        where F : struct, IKvForm
        => F.Load<Lanes16, Vector512<float>>(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<uint> Bits, Vector512<float> Left) Round<F>(Vector512<float> numbers)
        where F : struct, IKvForm
        => F.HasLargeNumbers ? BrainFloat.Round(numbers) : BrainFloat.RoundUsual(numbers);
}
