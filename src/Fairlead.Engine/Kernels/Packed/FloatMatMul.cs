using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Activations times weights that are packed as floating-point numbers for vectors: <see cref="PackedFormat.Single"/>, <see cref="PackedFormat.Half"/>, <see cref="PackedFormat.Brain"/>.</summary>
/// <remarks>
/// Weights become singles exactly. An output is summed over pieces of 256 inputs, <c>sum = fma(input, weight, sum)</c> in the order of the inputs from zero on, and the sums of the
/// pieces are added in their order. Every width of vector computes exactly that, since a vector holds outputs and never inputs; so the bits of an output depend neither on
/// the width nor on the rows beside it. Its error against the exact sum is at most (min(inputs, 256) + pieces) · 2^−24 · Σ |input · weight|.
/// </remarks>
internal static unsafe class FloatMatMul
{
    /// <summary>Inputs of a piece: 16 KiB of a panel's singles, and a chain of additions short enough for its rounding not to show.</summary>
    internal const int PieceInputs = 256;

    /// <summary>Panels that are multiplied together: as many as a tile of 512-bit vectors takes.</summary>
    private const int GroupPanels = FloatTile.Vectors;

    /// <summary>Rows that are taken through all of a part's panels before the next: 128 KiB of a piece's inputs stay in the second-level cache, also where rows are apart by a multiple of 4 KiB.</summary>
    private const int BlockRows = 128;

    /// <summary>The same of halves, which are made singles once for each block: the inputs of a piece are 256 KiB, and half as many weights are decoded.</summary>
    private const int HalfBlockRows = 2 * BlockRows;

    /// <summary>Rows from which on halves are made singles once and not by each tile: they take ten operations where brain floats take two.</summary>
    private const int WorthDecoding = FloatTile.MostRows + 1;

    /// <summary>How far ahead the weights of one row are asked for.</summary>
    private const int PrefetchBytes = 8192;

    /// <summary>Multiply-adds below which another thread would come too late to help: about ten microseconds of one.</summary>
    private const long WorthSharing = 1 << 17;

    /// <summary>Parts for each thread: whoever is held up leaves the rest to others.</summary>
    private const int PartsPerThread = 8;

    /// <summary>Most groups of a part: the sums of a block of rows stay in the second-level cache from piece to piece, and for what follows on them.</summary>
    private const int PartGroups = 16;

    /// <summary>See <see cref="PackedMatMul.Multiply"/>.</summary>
    internal static void Multiply(in PackedMatrix weight, float* input, float* output, int rows, WorkCrew? crew) =>
        MultiplyAll([new RowProduct(weight, output)], input, rows, crew);

    /// <summary>Several products of the same rows, and what follows on each, while it is in the cache.</summary>
    /// <param name="products">Of matrices with the same number of inputs, in any of the three forms.</param>
    internal static void MultiplyAll(ReadOnlySpan<RowProduct> products, float* input, int rows, WorkCrew? crew)
    {
        int groups = 0;
        long weights = 0;
        foreach (RowProduct product in products)
        {
            groups += GroupsOf(product.Weight);
            weights += (long)product.Weight.Outputs * product.Weight.Inputs;
        }

        bool isShared = crew is { Threads: > 1 } && weights * rows >= WorthSharing;
        int parts = Math.Min(groups, Math.Max((groups + PartGroups - 1) / PartGroups, isShared ? crew!.Threads * PartsPerThread : 1));
        var work = new Products(products, input, rows, groups, parts);
        if (isShared)
        {
            crew!.Run(parts, work);
            return;
        }

        for (int part = 0; part < parts; part++)
            work.Do(part);
    }

    private static int GroupsOf(in PackedMatrix weight) => (weight.Panels + GroupPanels - 1) / GroupPanels;

    /// <summary>A part is some groups of panels of one matrix or of several, for all rows.</summary>
    private readonly ref struct Products(ReadOnlySpan<RowProduct> products, float* input, int rows, int groups, int parts) : IWork
    {
        private readonly ReadOnlySpan<RowProduct> _products = products;

        public void Do(int part)
        {
            int first = (int)((long)groups * part / parts), end = (int)((long)groups * (part + 1) / parts);
            foreach (RowProduct product in _products)
            {
                int own = GroupsOf(product.Weight), from = Math.Max(first, 0) * GroupPanels, to = Math.Min(Math.Min(end, own) * GroupPanels, product.Weight.Panels);
                if (from < to)
                {
                    new Panels(product.Weight, input, product.Output, rows).Do(from, to);
                    product.Finish(0, rows, from * PackedLayout.PanelOutputs, Math.Min(to * PackedLayout.PanelOutputs, product.Weight.Outputs));
                }

                (first, end) = (first - own, end - own);
            }
        }
    }

    /// <summary>Some panels of a matrix, for all rows.</summary>
    private readonly struct Panels(PackedMatrix weight, float* input, float* output, int rows)
    {
        public void Do(int first, int end)
        {
            switch (Simd.Family)
            {
                case SimdFamily.Vector512: Do<Lanes16, Vector512<float>>(first, end); break;
                case SimdFamily.Vector256: Do<Lanes8, Vector256<float>>(first, end); break;
                case SimdFamily.Vector128: Do<Lanes4, Vector128<float>>(first, end); break;
                default: Do<Lanes1, float>(first, end); break;
            }
        }

        private void Do<L, V>(int first, int end)
            where L : struct, ILanes<V>
            where V : struct
        {
            switch (weight.Format)
            {
                case PackedFormat.Single: Do<L, V, SingleForm>(first, end); break;
                case PackedFormat.Half: Do<L, V, HalfForm>(first, end); break;
                case PackedFormat.Brain: Do<L, V, BrainForm>(first, end); break;
                default: throw new InvalidOperationException($"{weight.Format} is no form for vectors");
            }
        }

        private void Do<L, V, F>(int first, int end)
            where L : struct, ILanes<V>
            where V : struct
            where F : struct, IFloatForm
        {
            if (rows == 1)
            {
                for (int panel = first; panel < end; panel++)
                    OneRow<L, V, F>(panel);
                return;
            }

            int block = typeof(F) == typeof(HalfForm) ? HalfBlockRows : BlockRows;
            for (int row = 0; row < rows; row += block)
                ManyRows<L, V, F>(row, Math.Min(rows, row + block), first, end);
        }

        /// <summary>One row, from the weights as they lie: each is used once, and memory is the limit. A single stream: four at a time were slower.</summary>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void OneRow<L, V, F>(int panel)
            where L : struct, ILanes<V>
            where V : struct
            where F : struct, IFloatForm
        {
            float* sums = stackalloc float[PackedLayout.PanelOutputs];
            byte* from = weight.Panel(panel);
            for (int start = 0; start < weight.Inputs; start += PieceInputs, from += PieceInputs * F.Bytes)
            {
                float* x = input + start, last = input + Math.Min(start + PieceInputs, weight.Inputs);
                for (int lane = 0; lane < PackedLayout.PanelOutputs; lane += L.Count)
                {
                    V sum = L.Create(0f);
                    byte* at = from;
                    for (float* i = x; i < last; i++, at += F.Bytes)
                    {
                        if (Sse.IsSupported)
                            Sse.Prefetch0(at + PrefetchBytes);
                        sum = L.MultiplyAdd(L.Create(*i), F.Load<L, V>(at, lane), sum);
                    }

                    L.Store(sum, sums + lane);
                }

                Give(sums, 0, panel, start == 0);
            }
        }

        /// <summary>A block of rows: piece by piece, as many panels at a time as a tile has vectors for.</summary>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void ManyRows<L, V, F>(int firstRow, int endRow, int first, int end)
            where L : struct, ILanes<V>
            where V : struct
            where F : struct, IFloatForm
        {
            // To a cache line's border: every second load of a vector of 512 bits would otherwise touch two lines.
            float* memory = stackalloc float[(GroupPanels * PieceInputs * PackedLayout.PanelOutputs) + PackedLayout.PanelOutputs];
            float* decoded = (float*)(((nuint)memory + 63) & ~(nuint)63);
            bool decodes = typeof(F) == typeof(HalfForm) && endRow - firstRow >= WorthDecoding;
            int together = Math.Max(1, GroupPanels * L.Count / PackedLayout.PanelOutputs);
            long panelBytes = PackedLayout.PanelBytes(weight.Format, weight.Inputs);
            for (int start = 0; start < weight.Inputs; start += PieceInputs)
            {
                for (int panel = first; panel < end; panel += together)
                {
                    int panels = Math.Min(together, end - panel);
                    byte* piece = weight.Panel(panel) + ((long)start * F.Bytes);
                    byte* next = panel + together < end ? weight.Panel(panel + together) + ((long)start * F.Bytes) : weight.Panel(first) + ((start + PieceInputs) * (long)F.Bytes);
                    if (!decodes)
                    {
                        Piece<L, V, F>(firstRow, endRow, panel, panels, start, piece, panelBytes, next);
                        continue;
                    }

                    for (int p = 0; p < panels; p++)
                        Decode<L, V, F>(piece + (p * panelBytes), Math.Min(PieceInputs, weight.Inputs - start), decoded + (p * PieceInputs * PackedLayout.PanelOutputs));
                    Piece<L, V, SingleForm>(firstRow, endRow, panel, panels, start, (byte*)decoded, PieceInputs * PackedLayout.PanelOutputs * sizeof(float), next);
                }
            }
        }

        /// <summary>The inputs from <paramref name="start"/> on, up to the end of their piece, for some rows and panels.</summary>
        /// <param name="piece">Weights of the first panel for these inputs.</param>
        /// <param name="panelStride">Bytes to those of the next panel.</param>
        /// <param name="next">Weights of the first panel of what comes next.</param>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Piece<L, V, F>(int firstRow, int endRow, int firstPanel, int panels, int start, byte* piece, long panelStride, byte* next)
            where L : struct, ILanes<V>
            where V : struct
            where F : struct, IFloatForm
        {
            int width = panels * PackedLayout.PanelOutputs;
            float* sums = stackalloc float[FloatTile.MostRows * GroupPanels * PackedLayout.PanelOutputs];
            bool isWhole = (firstPanel + panels) * PackedLayout.PanelOutputs <= weight.Outputs;
            FloatTile tile = default;
            tile.InputStride = weight.Inputs;
            tile.Inputs = Math.Min(PieceInputs, weight.Inputs - start);
            tile.Weights = piece;
            tile.PanelStride = (nint)panelStride;
            tile.Panels = panels;

            // All tiles together ask for all of what comes next. Behind the last weights lies something that nobody reads.
            long panelBytes = PackedLayout.PanelBytes(weight.Format, weight.Inputs), nextBytes = PackedLayout.ValueBytes(weight.Format, tile.Inputs), asked = 0;
            int turns = Math.Max(1, (endRow - firstRow) / FloatTile.MostRows / panels), share = (int)((nextBytes + turns - 1) / turns);
            tile.AheadStep = (share + tile.Inputs - 1) / tile.Inputs;
            for (int row = firstRow; row < endRow;)
            {
                // 7, 8 and 11 rows are less work in fours.
                int left = endRow - row;
                bool six = left >= FloatTile.MostRows && left is not (7 or 8 or 11);
                tile.Rows = six ? FloatTile.MostRows : Math.Min(FloatTile.FewRows, left);
                tile.Input = input + ((long)row * weight.Inputs) + start;
                bool isApart = !isWhole || tile.Rows < FloatTile.FewRows;
                tile.Output = isApart ? sums : output + ((long)row * weight.Outputs) + ((long)firstPanel * PackedLayout.PanelOutputs);
                tile.OutputStride = isApart ? width : weight.Outputs;
                tile.Adds = !isApart && start > 0;
                if (six)
                {
                    tile.Ahead = next + asked;
                    tile.Six<L, V, F>();
                    asked += share;
                    if (asked >= nextBytes)
                    {
                        next += panelBytes;
                        asked = 0;
                    }
                }
                else
                {
                    tile.Four<L, V, F>();
                }

                for (int r = 0; r < tile.Rows && isApart; r++)
                {
                    for (int p = 0; p < panels; p++)
                        Give(sums + (r * width) + (p * PackedLayout.PanelOutputs), row + r, firstPanel + p, start == 0);
                }

                row += tile.Rows;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Decode<L, V, F>(byte* from, int inputs, float* to)
            where L : struct, ILanes<V>
            where V : struct
            where F : struct, IFloatForm
        {
            for (int i = 0; i < inputs; i++, from += F.Bytes, to += PackedLayout.PanelOutputs)
            {
                for (int lane = 0; lane < PackedLayout.PanelOutputs; lane += L.Count)
                    L.Store(F.Load<L, V>(from, lane), to + lane);
            }
        }

        /// <summary>Writes the sums of the first piece, or adds those of a later one.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Give(float* sums, int row, int panel, bool isFirst)
        {
            int outputs = Math.Min(PackedLayout.PanelOutputs, weight.Outputs - (panel * PackedLayout.PanelOutputs));
            float* to = output + ((long)row * weight.Outputs) + ((long)panel * PackedLayout.PanelOutputs);
            if (outputs == PackedLayout.PanelOutputs && Vector128.IsHardwareAccelerated)
            {
                for (int o = 0; o < PackedLayout.PanelOutputs; o += 4)
                    (isFirst ? Vector128.Load(sums + o) : Vector128.Load(to + o) + Vector128.Load(sums + o)).Store(to + o);
                return;
            }

            for (int o = 0; o < outputs; o++)
                to[o] = isFirst ? sums[o] : to[o] + sums[o];
        }
    }
}
