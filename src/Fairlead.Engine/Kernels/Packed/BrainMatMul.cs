using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Kernels.Machine;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Activations times weights that are packed as tiles of brain floats: <see cref="PackedFormat.BrainTiles"/>, <see cref="PackedFormat.BrainPairTiles"/>.</summary>
/// <remarks>
/// Activations are cut into three brain floats (<see cref="BrainFloat"/>) that add up to them: x = x₀ + x₁ + x₂. Weights that are brain floats are multiplied with all
/// three, so that every product is exact; weights in two parts, w = w₀ + w₁, give x₂·w₀ + x₁·w₀ + x₀·w₀ + x₀·w₁, which leaves out no more than 3 · 2^−17 of a product: 2^−16 for
/// x₁·w₁, and 2^−17 for what two parts leave of w. A tile adds up 32 inputs at a time for one of these, in single precision, and goes on to the next 32. Which is done in
/// the same order for any number of rows: the bits of a row do not depend on those beside it.
/// <para>
/// The error against the exact sum is at most (18 + 4 · ⌈inputs / 32⌉) · 2^−24 · Σ |input · weight|, for pairs 3 · 2^−17 · Σ |input · weight| more; and, since tiles take
/// subnormal numbers for zero, 2^−125 · Σ (1 + |input| + |weight|) more. Where an activation is infinite, an output may be no number instead.
/// </para>
/// </remarks>
internal static unsafe class BrainMatMul
{
    /// <summary>Rows of a block: two tiles, so that with two panels four products of tiles wait for nothing but themselves.</summary>
    private const int BlockRows = 2 * BrainTile.Rows;

    /// <summary>Most steps of 32 inputs that are taken together: sums go to memory and come back after so many.</summary>
    private const int PieceSteps = 32;

    /// <summary>Bytes of activations that are taken through all panels before the next: they stay in the second-level cache. Inputs too many for 32 rows of that come in pieces.</summary>
    private const int InputBytes = 1 << 20;

    /// <summary>Multiply-adds below which another thread would come too late to help: about ten microseconds of one.</summary>
    private const long WorthSharing = 1 << 20;

    /// <summary>Brain floats that an activation is cut into.</summary>
    private const int Parts = 3;

    /// <summary>Bytes of room for <paramref name="rows"/> rows.</summary>
    internal static long RoomBytes(int rows, int inputs) => (rows + BrainTile.Rows - 1L) / BrainTile.Rows * Steps(inputs) * Parts * BrainTile.Bytes;

    /// <summary>See <see cref="PackedMatMul.Multiply"/>.</summary>
    /// <param name="room"><see cref="RoomBytes"/>, overwritten.</param>
    internal static void Multiply(in PackedMatrix weight, float* input, float* output, int rows, byte* room, WorkCrew? crew)
    {
        var cut = new Cut(input, weight.Inputs, rows, room);
        int pairs = (weight.Panels + 1) / 2, tiles = (rows + BrainTile.Rows - 1) / BrainTile.Rows;
        if (crew is not { Threads: > 1 } || (long)weight.Outputs * weight.Inputs * rows < WorthSharing)
        {
            for (int tile = 0; tile < tiles; tile++)
                cut.Do(tile);
            new PanelPairs(weight, room, output, rows, pairs, 1).Do(0);
            return;
        }

        crew.Run(tiles, cut);
        int parts = Math.Min(pairs, crew.Threads * 8);
        crew.Run(parts, new PanelPairs(weight, room, output, rows, pairs, parts));
    }

    private static int Steps(int inputs) => (inputs + BrainTile.Inputs - 1) / BrainTile.Inputs;

    /// <summary>A part is 16 rows of activations: for each 32 inputs a tile for each part, zeros behind the last input.</summary>
    private readonly struct Cut(float* input, int inputs, int rows, byte* room) : IWork
    {
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Do(int tile)
        {
            float* rest = stackalloc float[BrainTile.Inputs];
            int first = tile * BrainTile.Rows, count = Math.Min(BrainTile.Rows, rows - first);
            float* from = input + ((long)first * inputs);
            byte* to = room + ((long)tile * Steps(inputs) * Parts * BrainTile.Bytes);
            for (int i = 0; i < inputs; i += BrainTile.Inputs, to += Parts * BrainTile.Bytes)
            {
                int some = Math.Min(BrainTile.Inputs, inputs - i);
                for (int row = 0; row < count; row++)
                {
                    float* at = from + ((long)row * inputs) + i;
                    if (some < BrainTile.Inputs)
                    {
                        new Span<float>(rest, BrainTile.Inputs).Clear();
                        new ReadOnlySpan<float>(at, some).CopyTo(new Span<float>(rest, some));
                        at = rest;
                    }

                    Step(Vector512.Load(at), Vector512.Load(at + (BrainTile.Inputs / 2)), to + (row * BrainTile.Inputs * sizeof(ushort)));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Step(Vector512<float> lower, Vector512<float> upper, byte* to)
        {
            (Vector512<uint> lowerBits, Vector512<float> lowerLeft) = BrainFloat.Round(lower);
            (Vector512<uint> upperBits, Vector512<float> upperLeft) = BrainFloat.Round(upper);
            BrainFloat.Pair(lowerBits, upperBits).Store((uint*)to);
            for (int part = 1; part < Parts; part++)
            {
                (lowerBits, lowerLeft) = BrainFloat.RoundUsual(lowerLeft);
                (upperBits, upperLeft) = BrainFloat.RoundUsual(upperLeft);
                BrainFloat.Pair(lowerBits, upperBits).Store((uint*)(to + (part * BrainTile.Bytes)));
            }
        }
    }

    /// <summary>A part is some pairs of panels, for all rows.</summary>
    private readonly struct PanelPairs(PackedMatrix weight, byte* room, float* output, int rows, int pairs, int parts) : IWork
    {
        public void Do(int part)
        {
            int first = (int)((long)pairs * part / parts), end = (int)((long)pairs * (part + 1) / parts);
            int steps = Steps(weight.Inputs), pieces = rows <= BlockRows ? 1 : (steps + PieceSteps - 1) / PieceSteps; // few rows: weights are read once, and as they lie
            int rowsAtOnce = (int)Math.Max(1, InputBytes * (long)pieces / ((long)steps * Parts * BrainTile.Bytes * 2)) * BlockRows;
            for (int row = 0; row < rows; row += rowsAtOnce)
            {
                for (int piece = 0; piece < pieces; piece++)
                {
                    for (int pair = first; pair < end; pair++)
                        Rows(pair, row, Math.Min(rows, row + rowsAtOnce), (int)((long)steps * piece / pieces), (int)((long)steps * (piece + 1) / pieces));
                }
            }
        }

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Rows(int pair, int firstRow, int endRow, int firstStep, int endStep)
        {
            byte* configuration = stackalloc byte[64];
            float* apart = stackalloc float[BlockRows * 2 * PackedLayout.PanelOutputs];
            int panel = 2 * pair, panels = Math.Min(2, weight.Panels - panel), outputs = Math.Min(2 * PackedLayout.PanelOutputs, weight.Outputs - (panel * PackedLayout.PanelOutputs));
            bool isWhole = outputs == panels * PackedLayout.PanelOutputs;
            if (!isWhole)
            {
                // The last outputs go apart first, and all their inputs with the last piece.
                if (endStep < Steps(weight.Inputs))
                    return;
                firstStep = 0;
            }

            int row = firstRow;
            bool arePairs = weight.Format == PackedFormat.BrainPairTiles;
            long tileBytes = (long)Steps(weight.Inputs) * Parts * BrainTile.Bytes, weightsBefore = (long)firstStep * BrainTile.Bytes * (arePairs ? 2 : 1);
            BrainTileTask task = default;
            task.Weights = weight.Panel(panel) + weightsBefore;
            task.SecondWeights = weight.Panel(panel + panels - 1) + weightsBefore;
            task.Ahead = weight.Panel(panel + panels) + weightsBefore; // behind the last panel lies something that nobody reads
            task.SecondAhead = weight.Panel(panel + panels + 1) + weightsBefore;
            task.Steps = endStep - firstStep;
            task.InputsBlock = 2 * tileBytes;
            task.OutputStride = isWhole ? (long)weight.Outputs * sizeof(float) : 2 * PackedLayout.PanelOutputs * sizeof(float);
            task.Configuration = configuration;
            while (row < endRow)
            {
                // All whole blocks in one call; but where outputs go apart first, one at a time.
                int count = Math.Min(BlockRows, endRow - row), rowTiles = count > BrainTile.Rows ? 2 : 1, blocks = isWhole && count == BlockRows ? (endRow - row) / BlockRows : 1;
                float* to = output + ((long)row * weight.Outputs) + ((long)panel * PackedLayout.PanelOutputs);
                BrainTileKernel.Configure(configuration, count);
                task.Blocks = blocks;
                task.Inputs = room + (row / BrainTile.Rows * tileBytes) + ((long)firstStep * Parts * BrainTile.Bytes);
                task.SecondInputs = task.Inputs + tileBytes;
                task.Output = isWhole ? to : apart;
                BrainTileKernel.For(arePairs, rowTiles, panels, goesOn: firstStep > 0)(&task);
                for (int r = 0; r < count && !isWhole; r++)
                    new ReadOnlySpan<float>(apart + (r * 2 * PackedLayout.PanelOutputs), outputs).CopyTo(new Span<float>(to + ((long)r * weight.Outputs), outputs));
                row += blocks * count;
            }
        }
    }
}
