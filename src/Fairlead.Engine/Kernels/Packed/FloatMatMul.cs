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

    /// <summary>Rows of a tile of many rows.</summary>
    private const int TileRows = 4;

    /// <summary>Vectors of outputs of such a tile: with four rows 16 independent sums, and eight loads for 16 multiply-adds.</summary>
    private const int TileVectors = 4;

    /// <summary>Rows that are taken through all of a part's panels before the next: 256 KiB of a piece's inputs stay in the second-level cache.</summary>
    private const int BlockRows = 256;

    /// <summary>Rows from which a piece of panels of singles is copied side by side: panels of 2^n inputs are apart by a multiple of what a set of the first-level cache repeats after.</summary>
    private const int WorthCopying = 16;

    /// <summary>How far ahead the weights of one row are asked for.</summary>
    private const int PrefetchBytes = 8192;

    /// <summary>Multiply-adds below which another thread would come too late to help: about ten microseconds of one.</summary>
    private const long WorthSharing = 1 << 17;

    /// <summary>See <see cref="PackedMatMul.Multiply"/>.</summary>
    internal static void Multiply(in PackedMatrix weight, float* input, float* output, int rows, WorkCrew? crew)
    {
        // Four panels at least: a tile of 512-bit vectors takes four side by side.
        int groups = (weight.Panels + TileVectors - 1) / TileVectors;
        bool shared = crew is { Threads: > 1 } && (long)weight.Outputs * weight.Inputs * rows >= WorthSharing;
        int parts = shared ? Math.Min(groups, crew!.Threads * 8) : 1;
        var work = new Groups(weight, input, output, rows, groups, parts);
        if (shared)
            crew!.Run(parts, work);
        else
            work.Do(0);
    }

    /// <summary>A part is some groups of four panels, for all rows.</summary>
    private readonly struct Groups(PackedMatrix weight, float* input, float* output, int rows, int groups, int parts) : IWork
    {
        public void Do(int part)
        {
            int first = (int)((long)groups * part / parts) * TileVectors;
            int end = Math.Min((int)((long)groups * (part + 1) / parts) * TileVectors, weight.Panels);
            switch (Simd.Family)
            {
                case SimdFamily.Vector512: Panels<Lanes16, Vector512<float>>(first, end); break;
                case SimdFamily.Vector256: Panels<Lanes8, Vector256<float>>(first, end); break;
                case SimdFamily.Vector128: Panels<Lanes4, Vector128<float>>(first, end); break;
                default: Panels<Lanes1, float>(first, end); break;
            }
        }

        private void Panels<L, V>(int first, int end)
            where L : struct, ILanes<V>
            where V : struct
        {
            switch (weight.Format)
            {
                case PackedFormat.Single: Panels<L, V, SingleForm>(first, end); break;
                case PackedFormat.Half: Panels<L, V, HalfForm>(first, end); break;
                case PackedFormat.Brain: Panels<L, V, BrainForm>(first, end); break;
                default: throw new InvalidOperationException($"{weight.Format} is no form for vectors");
            }
        }

        private void Panels<L, V, F>(int first, int end)
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

            int together = Math.Max(1, TileVectors * L.Count / PackedLayout.PanelOutputs);
            for (int row = 0; row < rows; row += BlockRows)
            {
                for (int panel = first; panel < end; panel += together)
                    ManyRows<L, V, F>(row, Math.Min(rows, row + BlockRows), panel, Math.Min(together, end - panel));
            }
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

        /// <summary>Rows for as many panels as a tile has vectors for.</summary>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void ManyRows<L, V, F>(int firstRow, int endRow, int firstPanel, int panels)
            where L : struct, ILanes<V>
            where V : struct
            where F : struct, IFloatForm
        {
            // To a cache line's border: every second load of a vector of 512 bits would otherwise touch two lines.
            float* memory = stackalloc float[(TileVectors * PieceInputs * PackedLayout.PanelOutputs) + (TileRows * TileVectors * PackedLayout.PanelOutputs) + 16];
            float* sums = (float*)(((nuint)memory + 63) & ~(nuint)63);
            float* decoded = sums + (TileRows * TileVectors * PackedLayout.PanelOutputs);
            for (int start = 0; start < weight.Inputs; start += PieceInputs)
            {
                int inputs = Math.Min(PieceInputs, weight.Inputs - start);
                float* piece = (float*)(weight.Panel(firstPanel) + ((long)start * F.Bytes));
                long panelStride = PackedLayout.PanelBytes(weight.Format, weight.Inputs) / sizeof(float);
                if (weight.Format != PackedFormat.Single || endRow - firstRow >= WorthCopying)
                {
                    for (int p = 0; p < panels; p++)
                        Decode<L, V, F>(weight.Panel(firstPanel + p) + ((long)start * F.Bytes), inputs, decoded + (p * PieceInputs * PackedLayout.PanelOutputs));
                    piece = decoded;
                    panelStride = PieceInputs * PackedLayout.PanelOutputs;
                }

                int row = firstRow;
                for (; row + TileRows <= endRow; row += TileRows)
                {
                    Tile<L, V>(input + ((long)row * weight.Inputs) + start, weight.Inputs, piece, panelStride, panels, inputs, sums);
                    for (int r = 0; r < TileRows; r++)
                        Give(sums + (r * panels * PackedLayout.PanelOutputs), row + r, firstPanel, panels, start == 0);
                }

                for (; row < endRow; row++)
                {
                    // The same row four times over costs no more than once: the weights' loads are the limit here.
                    Tile<L, V>(input + ((long)row * weight.Inputs) + start, 0, piece, panelStride, panels, inputs, sums);
                    Give(sums, row, firstPanel, panels, start == 0);
                }
            }
        }

        /// <summary>Four rows of the panels, <paramref name="stride"/> apart, into <paramref name="sums"/> <c>[4 × panels × 16]</c>.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Tile<L, V>(float* x, long stride, float* piece, long panelStride, int panels, int inputs, float* sums)
            where L : struct, ILanes<V>
            where V : struct
        {
            int vectors = panels * PackedLayout.PanelOutputs / L.Count, perPanel = PackedLayout.PanelOutputs / L.Count;
            float* At(int vector) => piece + (vector / perPanel * panelStride) + (vector % perPanel * L.Count);
            int v = 0, row = panels * PackedLayout.PanelOutputs;
            if (L.Count != 8) // 256-bit vectors are 16 at most: no room for 16 sums
            {
                for (; v + 4 <= vectors; v += 4)
                    FourByFour<L, V>(x, stride, At(v), At(v + 1), At(v + 2), At(v + 3), inputs, sums + (v * L.Count), row);
            }

            for (; v + 2 <= vectors; v += 2)
                FourByTwo<L, V>(x, stride, At(v), At(v + 1), inputs, sums + (v * L.Count), row);
            for (; v < vectors; v++)
                FourByOne<L, V>(x, stride, At(v), inputs, sums + (v * L.Count), row);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void FourByFour<L, V>(float* x0, long stride, float* w0, float* w1, float* w2, float* w3, int inputs, float* sums, int row)
            where L : struct, ILanes<V>
            where V : struct
        {
            V s00 = L.Create(0f), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
            V s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00, s31 = s00, s32 = s00, s33 = s00;
            float* x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride;
            nint w = 0;
            for (nint i = 0; i < inputs; i++, w += PackedLayout.PanelOutputs)
            {
                V a = L.Load(w0 + w), b = L.Load(w1 + w), c = L.Load(w2 + w), d = L.Load(w3 + w);
                V x = L.Create(x0[i]);
                s00 = L.MultiplyAdd(x, a, s00);
                s01 = L.MultiplyAdd(x, b, s01);
                s02 = L.MultiplyAdd(x, c, s02);
                s03 = L.MultiplyAdd(x, d, s03);
                x = L.Create(x1[i]);
                s10 = L.MultiplyAdd(x, a, s10);
                s11 = L.MultiplyAdd(x, b, s11);
                s12 = L.MultiplyAdd(x, c, s12);
                s13 = L.MultiplyAdd(x, d, s13);
                x = L.Create(x2[i]);
                s20 = L.MultiplyAdd(x, a, s20);
                s21 = L.MultiplyAdd(x, b, s21);
                s22 = L.MultiplyAdd(x, c, s22);
                s23 = L.MultiplyAdd(x, d, s23);
                x = L.Create(x3[i]);
                s30 = L.MultiplyAdd(x, a, s30);
                s31 = L.MultiplyAdd(x, b, s31);
                s32 = L.MultiplyAdd(x, c, s32);
                s33 = L.MultiplyAdd(x, d, s33);
            }

            Store<L, V>(s00, s01, s02, s03, sums);
            Store<L, V>(s10, s11, s12, s13, sums + row);
            Store<L, V>(s20, s21, s22, s23, sums + (2 * row));
            Store<L, V>(s30, s31, s32, s33, sums + (3 * row));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void FourByTwo<L, V>(float* x0, long stride, float* w0, float* w1, int inputs, float* sums, int row)
            where L : struct, ILanes<V>
            where V : struct
        {
            V s00 = L.Create(0f), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
            float* x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride;
            nint w = 0;
            for (nint i = 0; i < inputs; i++, w += PackedLayout.PanelOutputs)
            {
                V a = L.Load(w0 + w), b = L.Load(w1 + w);
                V x = L.Create(x0[i]);
                s00 = L.MultiplyAdd(x, a, s00);
                s01 = L.MultiplyAdd(x, b, s01);
                x = L.Create(x1[i]);
                s10 = L.MultiplyAdd(x, a, s10);
                s11 = L.MultiplyAdd(x, b, s11);
                x = L.Create(x2[i]);
                s20 = L.MultiplyAdd(x, a, s20);
                s21 = L.MultiplyAdd(x, b, s21);
                x = L.Create(x3[i]);
                s30 = L.MultiplyAdd(x, a, s30);
                s31 = L.MultiplyAdd(x, b, s31);
            }

            Store<L, V>(s00, s01, sums);
            Store<L, V>(s10, s11, sums + row);
            Store<L, V>(s20, s21, sums + (2 * row));
            Store<L, V>(s30, s31, sums + (3 * row));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void FourByOne<L, V>(float* x0, long stride, float* w0, int inputs, float* sums, int row)
            where L : struct, ILanes<V>
            where V : struct
        {
            V s0 = L.Create(0f), s1 = s0, s2 = s0, s3 = s0;
            float* x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride;
            nint w = 0;
            for (nint i = 0; i < inputs; i++, w += PackedLayout.PanelOutputs)
            {
                V a = L.Load(w0 + w);
                s0 = L.MultiplyAdd(L.Create(x0[i]), a, s0);
                s1 = L.MultiplyAdd(L.Create(x1[i]), a, s1);
                s2 = L.MultiplyAdd(L.Create(x2[i]), a, s2);
                s3 = L.MultiplyAdd(L.Create(x3[i]), a, s3);
            }

            L.Store(s0, sums);
            L.Store(s1, sums + row);
            L.Store(s2, sums + (2 * row));
            L.Store(s3, sums + (3 * row));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store<L, V>(V a, V b, V c, V d, float* to)
            where L : struct, ILanes<V>
            where V : struct
        {
            Store<L, V>(a, b, to);
            Store<L, V>(c, d, to + (2 * L.Count));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store<L, V>(V a, V b, float* to)
            where L : struct, ILanes<V>
            where V : struct
        {
            L.Store(a, to);
            L.Store(b, to + L.Count);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Decode<L, V, F>(byte* from, int inputs, float* to)
            where L : struct, ILanes<V>
            where V : struct
            where F : struct, IFloatForm
        {
            for (int i = 0; i < inputs; i++, from += F.Bytes, to += PackedLayout.PanelOutputs)
            {
                if (Sse.IsSupported)
                    Sse.Prefetch0(from + PrefetchBytes);
                for (int lane = 0; lane < PackedLayout.PanelOutputs; lane += L.Count)
                    L.Store(F.Load<L, V>(from, lane), to + lane);
            }
        }

        /// <summary>Writes the sums of the first piece, or adds those of a later one.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Give(float* sums, int row, int firstPanel, int panels, bool isFirst)
        {
            for (int p = 0; p < panels; p++)
                Give(sums + (p * PackedLayout.PanelOutputs), row, firstPanel + p, isFirst);
        }

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
