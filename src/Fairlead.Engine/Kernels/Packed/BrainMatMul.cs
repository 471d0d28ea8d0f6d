using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Kernels.Machine;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>
/// Activations times weights that are tiles of brain floats, or become such: <see cref="PackedFormat.BrainTiles"/>, <see cref="PackedFormat.BrainPairTiles"/>, <see cref="PackedFormat.HalfTiles"/>,
/// and the integer forms where prompts are read.
/// </summary>
/// <remarks>
/// An integer form's panels become brain floats (<see cref="ExpandedPanels"/>), and its activations are rounded to brain floats as well. The error against the exact sum is at most (2^−8 + 2^−17 + (18 + 4 · ⌈inputs / 32⌉) · 2^−24) · Σ |input · weight|, and what
/// subnormal numbers add below.
/// <para>
/// For the other forms activations are cut into three brain floats (<see cref="BrainFloat"/>) that add up to them: x = x₀ + x₁ + x₂. Weights that are brain floats are multiplied with all
/// three, so that every product is exact; weights in two parts, w = w₀ + w₁, give x₂·w₀ + x₁·w₀ + x₀·w₀ + x₀·w₁, which leaves out no more than 3 · 2^−17 of a product: 2^−16 for
/// x₁·w₁, and 2^−17 for what two parts leave of w. Of a half they leave nothing: it is kept as it is, so that it takes 16 bits of memory, and becomes two parts while it is multiplied. A tile adds up 32 inputs at a time for one of these, in single precision, and goes on to the next 32. Which is done in
/// the same order for any number of rows: the bits of a row do not depend on those beside it.
/// </para>
/// <para>
/// The error against the exact sum is at most (18 + 4 · ⌈inputs / 32⌉) · 2^−24 · Σ |input · weight|, for pairs 3 · 2^−17 and for halves 2^−16 + 2^−24 of Σ |input · weight| more; and, since tiles take
/// subnormal numbers for zero, 2^−125 · Σ (1 + |input| + |weight|) more. Where an activation is infinite, an output may be no number instead.
/// </para>
/// </remarks>
internal static unsafe class BrainMatMul
{
    /// <summary>Rows of a block: two tiles, so that with two panels four products of tiles wait for nothing but themselves.</summary>
    internal const int BlockRows = 2 * BrainTile.Rows;

    /// <summary>Most steps of 32 inputs that are taken together: sums go to memory and come back after so many.</summary>
    private const int PieceSteps = 32;

    /// <summary>Bytes of activations that are taken through all panels before the next: they stay in the second-level cache. Inputs too many for 32 rows of that come in pieces.</summary>
    private const int InputBytes = 1 << 20;

    /// <summary>Multiply-adds below which another thread would come too late to help: about ten microseconds of one.</summary>
    private const long WorthSharing = 1 << 20;

    private const int LineBytes = 64;

    private const int PairOutputs = 2 * PackedLayout.PanelOutputs;

    /// <summary>Bytes of room for <paramref name="rows"/> rows that are multiplied with weights of that form.</summary>
    internal static long RoomBytes(PackedFormat format, int rows, int inputs) =>
        (rows + BrainTile.Rows - 1L) / BrainTile.Rows * Steps(inputs) * InputParts(format) * BrainTile.Bytes;

    /// <summary>See <see cref="PackedMatMul.Multiply"/>.</summary>
    /// <param name="room">Has <see cref="RoomBytes"/> for tiles of activations, overwritten.</param>
    internal static void Multiply(in PackedMatrix weight, float* input, float* output, int rows, QuantizedRows room, WorkCrew? crew)
    {
        if (KindOf(weight.Format) != BrainWeights.Expanded)
        {
            MultiplyAll([new RowProduct(weight, output)], input, rows, room, crew);
            return;
        }

        WorkCrew? sharing = CutRows(weight, weight.Outputs, input, rows, room, crew);
        int pairs = PairsOf(weight);
        if (sharing is null)
        {
            new ExpandedPanels(weight, room, output, rows, pairs, 1).Do(0);
            return;
        }

        int parts = Math.Min(pairs, sharing.Threads * 8);
        sharing.Run(parts, new ExpandedPanels(weight, room, output, rows, pairs, parts));
    }

    /// <summary>Several products of the same rows, which are cut once, and what follows on each, while it is in the cache.</summary>
    /// <param name="products">Of matrices of which each two go together, see <see cref="GoTogether"/>.</param>
    internal static void MultiplyAll(ReadOnlySpan<RowProduct> products, float* input, int rows, QuantizedRows room, WorkCrew? crew)
    {
        int pairs = 0;
        long outputs = 0;
        foreach (RowProduct product in products)
        {
            pairs += PairsOf(product.Weight);
            outputs += product.Weight.Outputs;
        }

        WorkCrew? sharing = CutRows(products[0].Weight, outputs, input, rows, room, crew);
        if (sharing is null)
        {
            new Products(products, room, rows, pairs, 1).Do(0);
            return;
        }

        int parts = Math.Min(pairs, sharing.Threads * 8);
        sharing.Run(parts, new Products(products, room, rows, pairs, parts));
    }

    /// <summary>Whether the products of two matrices may be made together: the same tiles of activations are multiplied with both.</summary>
    internal static bool GoTogether(in PackedMatrix one, in PackedMatrix other) =>
        one.Inputs == other.Inputs && KindOf(one.Format) != BrainWeights.Expanded && KindOf(other.Format) != BrainWeights.Expanded;

    /// <summary>Cuts the activations, and says who shares this and the products: null where another thread would come too late to help.</summary>
    private static WorkCrew? CutRows(in PackedMatrix weight, long outputs, float* input, int rows, QuantizedRows room, WorkCrew? crew)
    {
        var cut = new Cut(input, weight.Inputs, rows, InputParts(weight.Format), room.BrainTiles);
        int tiles = (rows + BrainTile.Rows - 1) / BrainTile.Rows;
        if (crew is { Threads: > 1 } && outputs * weight.Inputs * rows >= WorthSharing)
        {
            crew.Run(tiles, cut);
            return crew;
        }

        for (int tile = 0; tile < tiles; tile++)
            cut.Do(tile);
        return null;
    }

    private static int PairsOf(in PackedMatrix weight) => (weight.Panels + 1) / 2;

    /// <summary>Rows, whole blocks of them, whose activations stay in the second-level cache while all panels are multiplied with them.</summary>
    /// <param name="pieces">That inputs are cut into.</param>
    /// <param name="tileRowBytes">Of 16 rows, all inputs.</param>
    internal static int RowsAtOnce(int pieces, int tileRowBytes) => (int)Math.Max(1, InputBytes * (long)pieces / (tileRowBytes * 2L)) * BlockRows;

    private static BrainWeights KindOf(PackedFormat format) => format switch
    {
        PackedFormat.BrainTiles => BrainWeights.One,
        PackedFormat.BrainPairTiles => BrainWeights.Pair,
        PackedFormat.HalfTiles => BrainWeights.Half,
        _ => BrainWeights.Expanded,
    };

    private static int InputParts(PackedFormat format) => BrainTileKernel.InputParts(KindOf(format));

    private static int Steps(int inputs) => (inputs + BrainTile.Inputs - 1) / BrainTile.Inputs;

    /// <summary>A part is 16 rows of activations: for each 32 inputs a tile for each part, zeros behind the last input.</summary>
    private readonly struct Cut(float* input, int inputs, int rows, int parts, byte* room) : IWork
    {
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Do(int tile)
        {
            float* rest = stackalloc float[BrainTile.Inputs];
            int first = tile * BrainTile.Rows, count = Math.Min(BrainTile.Rows, rows - first);
            float* from = input + ((long)first * inputs);
            byte* to = room + ((long)tile * Steps(inputs) * parts * BrainTile.Bytes);
            for (int i = 0; i < inputs; i += BrainTile.Inputs, to += parts * BrainTile.Bytes)
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
            for (int part = 1; part < parts; part++)
            {
                (lowerBits, lowerLeft) = BrainFloat.RoundUsual(lowerLeft);
                (upperBits, upperLeft) = BrainFloat.RoundUsual(upperLeft);
                BrainFloat.Pair(lowerBits, upperBits).Store((uint*)(to + (part * BrainTile.Bytes)));
            }
        }
    }

    /// <summary>A part is some pairs of panels of one matrix or of several, for all rows.</summary>
    private readonly ref struct Products(ReadOnlySpan<RowProduct> products, QuantizedRows room, int rows, int pairs, int parts) : IWork
    {
        private readonly ReadOnlySpan<RowProduct> _products = products;

        public void Do(int part)
        {
            int first = (int)((long)pairs * part / parts), end = (int)((long)pairs * (part + 1) / parts);
            foreach (RowProduct product in _products)
            {
                int own = PairsOf(product.Weight), from = Math.Max(first, 0), to = Math.Min(end, own);
                if (from < to)
                {
                    new PanelPairs(product.Weight, room, product.Output, rows).Do(from, to);
                    product.Finish(0, rows, from * PairOutputs, Math.Min(to * PairOutputs, product.Weight.Outputs));
                }

                (first, end) = (first - own, end - own);
            }
        }
    }

    /// <summary>Some pairs of panels that are tiles already, or halves, for all rows.</summary>
    private readonly struct PanelPairs(PackedMatrix weight, QuantizedRows room, float* output, int rows)
    {
        public void Do(int first, int end)
        {
            int steps = Steps(weight.Inputs), pieces = rows <= BlockRows ? 1 : (steps + PieceSteps - 1) / PieceSteps; // few rows: weights are read once, and as they lie
            int rowsAtOnce = RowsAtOnce(pieces, steps * InputParts(weight.Format) * BrainTile.Bytes);
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
            byte* memory = stackalloc byte[(weight.Format == PackedFormat.HalfTiles ? PieceSteps * BrainTileKernel.DecodedBytes : 0) + LineBytes];
            byte* decoded = (byte*)(((nuint)memory + LineBytes - 1) & ~(nuint)(LineBytes - 1));
            int panel = 2 * pair, panels = Math.Min(2, weight.Panels - panel), outputs = Math.Min(2 * PackedLayout.PanelOutputs, weight.Outputs - (panel * PackedLayout.PanelOutputs));
            bool isWhole = outputs == panels * PackedLayout.PanelOutputs;
            if (!isWhole)
            {
                // The last outputs go apart first, and all their inputs with the last piece.
                if (endStep < Steps(weight.Inputs))
                    return;
                firstStep = 0;
            }

            // More steps than there is room for come where there is one block, or outputs go apart: these decode anew.
            bool isDecodedOnce = weight.Format == PackedFormat.HalfTiles && endRow - firstRow > BlockRows && endStep - firstStep <= PieceSteps;
            int row = firstRow;
            BrainWeights kind = isDecodedOnce ? BrainWeights.HalfKept : KindOf(weight.Format);
            long inputBytes = BrainTile.Bytes * InputParts(weight.Format), tileBytes = Steps(weight.Inputs) * inputBytes;
            long stepBytes = PackedLayout.ValueBytes(weight.Format, weight.Inputs) / Steps(weight.Inputs), before = stepBytes * firstStep;
            BrainTileTask task = default;
            task.Weights = weight.Panel(panel) + before;
            task.SecondWeights = weight.Panel(panel + panels - 1) + before;
            task.Ahead = weight.Panel(panel + panels) + before; // behind the last panel lies something that nobody reads
            task.SecondAhead = weight.Panel(panel + panels + 1) + before;
            task.Steps = endStep - firstStep;
            task.Decoded = decoded;
            task.InputsBlock = 2 * tileBytes;
            task.OutputStride = isWhole ? (long)weight.Outputs * sizeof(float) : 2 * PackedLayout.PanelOutputs * sizeof(float);
            task.Configuration = configuration;
            while (row < endRow)
            {
                // All whole blocks in one call; but where outputs go apart first, one at a time.
                int count = Math.Min(BlockRows, endRow - row), rowTiles = count > BrainTile.Rows ? 2 : 1;
                int blocks = isWhole && count == BlockRows && kind != BrainWeights.HalfKept ? (endRow - row) / BlockRows : 1;
                float* to = output + ((long)row * weight.Outputs) + ((long)panel * PackedLayout.PanelOutputs);
                BrainTileKernel.Configure(configuration, count);
                task.Blocks = blocks;
                task.Inputs = room.BrainTiles + (row / BrainTile.Rows * tileBytes) + (firstStep * inputBytes);
                task.SecondInputs = task.Inputs + tileBytes;
                task.Output = isWhole ? to : apart;
                task.OutputBlock = BlockRows * task.OutputStride;
                BrainTileKernel.For(kind, rowTiles, panels, goesOn: firstStep > 0)(&task);
                for (int r = 0; r < count && !isWhole; r++)
                    new ReadOnlySpan<float>(apart + (r * 2 * PackedLayout.PanelOutputs), outputs).CopyTo(new Span<float>(to + ((long)r * weight.Outputs), outputs));
                row += blocks * count;
                if (isDecodedOnce)
                {
                    kind = BrainWeights.Decoded;
                    task.Weights = decoded;
                    task.SecondWeights = decoded + (BrainTileKernel.DecodedBytes / 2);
                }
            }
        }
    }
}
