using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels;

/// <summary>Activations times weights: the operation that takes nine tenths of the time.</summary>
/// <remarks>
/// Weights of every type become single precision, exactly (see <see cref="Dequantize"/>), and are multiplied in single precision. Each output is
/// its own sum in the order that <see cref="Simd"/> describes: it does not depend on how many rows are computed together, on their order, on the number of
/// threads or on the width of the vectors. The error of an output against the exact sum is at most
/// (inputs / 16 + 5) · 2^−24 · Σ |input · weight|.
/// </remarks>
public static unsafe class MatMul
{
    /// <summary>Outputs that are computed side by side, so that an input is loaded once for all of them.</summary>
    private const int TileOutputs = 4;

    /// <summary>Rows that are computed side by side: with four outputs, eight independent sums, which hide the latency of a multiply-add.</summary>
    private const int TileRows = 2;

    /// <summary>Weights are decoded in pieces of so many columns: four outputs of it take 8 KiB of the first-level cache.</summary>
    private const int PieceColumns = 512;

    /// <summary>Rows for which a piece is decoded once.</summary>
    private const int BlockRows = 32;

    /// <summary>How far ahead weights are asked for, at most: on Emerald Rapids 8 KiB brought Q4_0, whose rows are short, from 4.8 to 8.8 GB/s.</summary>
    private const long FurthestPrefetch = 8192;

    /// <summary>Multiply-adds below which another thread would come too late to help: about ten microseconds of one.</summary>
    private const long WorthSharing = 1 << 17;

    /// <summary><c>output[r, o] = Σ_i input[r, i] · weight[o, i]</c>.</summary>
    /// <param name="weight"><c>[outputs × inputs]</c>, row-major, any <see cref="ElementType"/>.</param>
    /// <param name="input"><c>[rows × inputs]</c>, row-major.</param>
    /// <param name="output"><c>[rows × outputs]</c>, row-major; must not overlap <paramref name="input"/>.</param>
    /// <param name="rows">Number of rows, ≥ 1.</param>
    /// <param name="crew">Who shares the work; null: the caller alone.</param>
    public static void Multiply(in TensorView weight, float* input, float* output, int rows, WorkCrew? crew = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        int tiles = (weight.Rows + TileOutputs - 1) / TileOutputs;
        bool shared = crew is { Threads: > 1 } && (long)weight.Rows * weight.Columns * rows >= WorthSharing;
        // More parts than threads: whoever is held up by a neighbour on its core leaves the rest to the others.
        int parts = shared ? Math.Min(tiles, crew!.Threads * 8) : 1;
        var work = new Outputs(weight, input, output, rows, tiles, parts);
        if (shared)
            crew!.Run(parts, work);
        else
            work.Do(0);
    }

    private readonly struct Outputs(TensorView weight, float* input, float* output, int rows, int tiles, int parts) : IWork
    {
        private readonly byte* _weight = weight.Data;
        private readonly ElementType _type = weight.Type;
        private readonly long _weightRowBytes = weight.RowBytes;
        private readonly int _inputs = weight.Columns;
        private readonly int _outputs = weight.Rows;

        public void Do(int part)
        {
            int first = (int)((long)tiles * part / parts) * TileOutputs;
            int end = Math.Min((int)((long)tiles * (part + 1) / parts) * TileOutputs, _outputs);
            switch (Simd.Family)
            {
                case SimdFamily.Vector512: Rows<Lanes16, Vector512<float>>(first, end); break;
                case SimdFamily.Vector256: Rows<Lanes8, Vector256<float>>(first, end); break;
                case SimdFamily.Vector128: Rows<Lanes4, Vector128<float>>(first, end); break;
                default: Rows<Lanes1, float>(first, end); break;
            }
        }

        private void Rows<L, V>(int first, int end)
            where L : struct, ILanes<V>
            where V : struct
        {
            for (int row = 0; row < rows; row += BlockRows)
            {
                int rowCount = Math.Min(BlockRows, rows - row), o = first;
                if (rowCount == 1)
                    o = Single<L, V>(row, first, end);
                for (; o < end; o += TileOutputs)
                    Block<L, V>(row, rowCount, o, Math.Min(TileOutputs, end - o));
            }
        }

        /// <summary>One row, from the weights as they are stored (<see cref="IBlockFormat"/>); returns the first output that is left to do.</summary>
        private int Single<L, V>(int row, int first, int end)
            where L : struct, ILanes<V>
            where V : struct
        {
            end -= (end - first) % TileOutputs;
            return _type switch
            {
                ElementType.F16 when _inputs % Simd.Lanes == 0 => Single<L, V, HalfFormat>(row, first, end),
                ElementType.BF16 when _inputs % Simd.Lanes == 0 => Single<L, V, BrainFormat>(row, first, end),
                ElementType.Q8_0 => Single<L, V, EightBitFormat>(row, first, end),
                ElementType.Q4_0 => Single<L, V, FourBitFormat>(row, first, end),
                ElementType.Q4_1 => Single<L, V, FourBitMinimumFormat>(row, first, end),
                ElementType.Q4_K => Single<L, V, FourBitGroupFormat>(row, first, end),
                ElementType.Q5_0 => Single<L, V, FiveBitFormat>(row, first, end),
                ElementType.Q5_1 => Single<L, V, FiveBitMinimumFormat>(row, first, end),
                ElementType.Q5_K => Single<L, V, FiveBitGroupFormat>(row, first, end),
                ElementType.Q6_K => Single<L, V, SixBitGroupFormat>(row, first, end),
                _ => first, // F32 is multiplied in place by the kernel for many rows too
            };
        }

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private int Single<L, V, F>(int row, int first, int end)
            where L : struct, ILanes<V>
            where V : struct
            where F : struct, IBlockFormat
        {
            float* sums = stackalloc float[TileOutputs * Simd.Lanes];
            float* rowInput = input + ((long)row * _inputs);
            float* room = stackalloc float[IBlockFormat.Room];
            float* result = output + ((long)row * _outputs), halves = HalfTable.Values;

            // The processor foresees the next line of a row by itself, but not that four other rows come after these four.
            nint ahead = (nint)Math.Min(TileOutputs * _weightRowBytes, FurthestPrefetch);
            for (int o = first; o < end; o += TileOutputs)
            {
                for (int lane = 0; lane < Simd.Lanes; lane += L.Count)
                {
                    V s0 = L.Create(0f), s1 = s0, s2 = s0, s3 = s0;
                    byte* w0 = _weight + (o * _weightRowBytes), w1 = w0 + _weightRowBytes, w2 = w1 + _weightRowBytes, w3 = w2 + _weightRowBytes;
                    float* x = rowInput;
                    for (float* last = x + _inputs; x < last; x += F.Values, w0 += F.Bytes, w1 += F.Bytes, w2 += F.Bytes, w3 += F.Bytes)
                    {
                        if (Sse.IsSupported)
                        {
                            Sse.Prefetch0(w0 + ahead);
                            Sse.Prefetch0(w1 + ahead);
                            Sse.Prefetch0(w2 + ahead);
                            Sse.Prefetch0(w3 + ahead);
                        }

                        s0 = F.Accumulate<L, V>(w0, x, lane, halves, room, s0);
                        s1 = F.Accumulate<L, V>(w1, x, lane, halves, room, s1);
                        s2 = F.Accumulate<L, V>(w2, x, lane, halves, room, s2);
                        s3 = F.Accumulate<L, V>(w3, x, lane, halves, room, s3);
                    }

                    L.Store(s0, sums + lane);
                    L.Store(s1, sums + lane + 16);
                    L.Store(s2, sums + lane + 32);
                    L.Store(s3, sums + lane + 48);
                }

                for (int i = 0; i < TileOutputs; i++)
                    result[o + i] = LaneMath.Sum(sums + (i * Simd.Lanes));
            }

            return end;
        }

        /// <summary>Up to 32 rows of up to four outputs.</summary>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Block<L, V>(int firstRow, int rowCount, int firstOutput, int outputCount)
            where L : struct, ILanes<V>
            where V : struct
        {
            // To a cache line's border: every second load of a vector of 512 bits would otherwise touch two lines.
            float* memory = stackalloc float[(BlockRows * TileOutputs * Simd.Lanes) + (TileOutputs * PieceColumns) + Simd.Lanes];
            float* sums = (float*)(((nuint)memory + 63) & ~(nuint)63);
            float* decoded = sums + (BlockRows * TileOutputs * Simd.Lanes);
            Unsafe.InitBlock(sums, 0, (uint)(rowCount * TileOutputs * Simd.Lanes * sizeof(float)));
            float* rowsInput = input + ((long)firstRow * _inputs);
            byte* tile = _weight + (firstOutput * _weightRowBytes);
            BlockLayout layout = BlockLayout.Of(_type);
            int whole = _inputs & -Simd.Lanes;
            for (int column = 0; column < whole; column += PieceColumns)
            {
                int columns = Math.Min(PieceColumns, whole - column);
                byte* source = tile + ((long)(column / layout.Values) * layout.Bytes);
                if (_type == ElementType.F32)
                {
                    Piece<L, V>((float*)source, _inputs, outputCount, rowsInput + column, _inputs, rowCount, columns, sums);
                    continue;
                }

                for (int o = 0; o < outputCount; o++)
                    BlockDecoder.Decode<L, V>(_type, source + (o * _weightRowBytes), decoded + (o * PieceColumns), columns);
                Piece<L, V>(decoded, PieceColumns, outputCount, rowsInput + column, _inputs, rowCount, columns, sums);
            }

            if (whole < _inputs)
                Rest<L, V>(tile, whole, outputCount, rowsInput, rowCount, sums);
            for (int r = 0; r < rowCount; r++)
            {
                for (int o = 0; o < outputCount; o++)
                    output[((long)(firstRow + r) * _outputs) + firstOutput + o] = LaneMath.Sum(sums + (((r * TileOutputs) + o) * Simd.Lanes));
            }
        }

        /// <summary>The last inputs where their number is no multiple of 16, with zeros behind them on both sides. Only plain types have them.</summary>
        private void Rest<L, V>(byte* tile, int from, int outputCount, float* rowsInput, int rowCount, float* sums)
            where L : struct, ILanes<V>
            where V : struct
        {
            float* weights = stackalloc float[TileOutputs * Simd.Lanes];
            float* inputs = stackalloc float[BlockRows * Simd.Lanes];
            new Span<float>(weights, TileOutputs * Simd.Lanes).Clear();
            new Span<float>(inputs, BlockRows * Simd.Lanes).Clear();
            long bytes = BlockLayout.Of(_type).Bytes;
            for (int o = 0; o < outputCount; o++)
                Dequantize.Row(_type, tile + (o * _weightRowBytes) + (from * bytes), new Span<float>(weights + (o * Simd.Lanes), _inputs - from));
            for (int r = 0; r < rowCount; r++)
                new ReadOnlySpan<float>(rowsInput + ((long)r * _inputs) + from, _inputs - from).CopyTo(new Span<float>(inputs + (r * Simd.Lanes), Simd.Lanes));
            Piece<L, V>(weights, Simd.Lanes, outputCount, inputs, Simd.Lanes, rowCount, Simd.Lanes, sums);
        }

        /// <summary>Adds to the partial sums what <paramref name="columns"/> columns, a multiple of 16, contribute.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Piece<L, V>(float* weights, long weightStride, int outputCount, float* inputs, long inputStride, int rowCount, int columns, float* sums)
            where L : struct, ILanes<V>
            where V : struct
        {
            int r = 0;
            if (outputCount == TileOutputs)
            {
                for (; r + TileRows <= rowCount; r += TileRows)
                    FourByTwo<L, V>(weights, weightStride, inputs + (r * inputStride), inputStride, columns, sums + (r * TileOutputs * Simd.Lanes));
                for (; r < rowCount; r++)
                    FourByOne<L, V>(weights, weightStride, inputs + (r * inputStride), columns, sums + (r * TileOutputs * Simd.Lanes));
            }

            for (; r < rowCount; r++)
            {
                for (int o = 0; o < outputCount; o++)
                    OneByOne<L, V>(weights + (o * weightStride), inputs + (r * inputStride), columns, sums + (((r * TileOutputs) + o) * Simd.Lanes));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void FourByTwo<L, V>(float* weights, long stride, float* input, long inputStride, int columns, float* sums)
            where L : struct, ILanes<V>
            where V : struct
        {
            for (int lane = 0; lane < Simd.Lanes; lane += L.Count)
            {
                float* s = sums + lane;
                V s00 = L.Load(s), s01 = L.Load(s + 16), s02 = L.Load(s + 32), s03 = L.Load(s + 48);
                V s10 = L.Load(s + 64), s11 = L.Load(s + 80), s12 = L.Load(s + 96), s13 = L.Load(s + 112);
                float* w0 = weights, w1 = weights + stride, w2 = w1 + stride, w3 = w2 + stride;
                float* x0 = input, x1 = input + inputStride;
                for (nint i = lane; i < columns; i += Simd.Lanes)
                {
                    V a = L.Load(x0 + i), b = L.Load(x1 + i);
                    V w = L.Load(w0 + i);
                    s00 = L.MultiplyAdd(w, a, s00);
                    s10 = L.MultiplyAdd(w, b, s10);
                    w = L.Load(w1 + i);
                    s01 = L.MultiplyAdd(w, a, s01);
                    s11 = L.MultiplyAdd(w, b, s11);
                    w = L.Load(w2 + i);
                    s02 = L.MultiplyAdd(w, a, s02);
                    s12 = L.MultiplyAdd(w, b, s12);
                    w = L.Load(w3 + i);
                    s03 = L.MultiplyAdd(w, a, s03);
                    s13 = L.MultiplyAdd(w, b, s13);
                }

                L.Store(s00, s);
                L.Store(s01, s + 16);
                L.Store(s02, s + 32);
                L.Store(s03, s + 48);
                L.Store(s10, s + 64);
                L.Store(s11, s + 80);
                L.Store(s12, s + 96);
                L.Store(s13, s + 112);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void FourByOne<L, V>(float* weights, long stride, float* input, int columns, float* sums)
            where L : struct, ILanes<V>
            where V : struct
        {
            for (int lane = 0; lane < Simd.Lanes; lane += L.Count)
            {
                float* s = sums + lane;
                V s0 = L.Load(s), s1 = L.Load(s + 16), s2 = L.Load(s + 32), s3 = L.Load(s + 48);
                float* w0 = weights, w1 = weights + stride, w2 = w1 + stride, w3 = w2 + stride;
                for (nint i = lane; i < columns; i += Simd.Lanes)
                {
                    V x = L.Load(input + i);
                    s0 = L.MultiplyAdd(L.Load(w0 + i), x, s0);
                    s1 = L.MultiplyAdd(L.Load(w1 + i), x, s1);
                    s2 = L.MultiplyAdd(L.Load(w2 + i), x, s2);
                    s3 = L.MultiplyAdd(L.Load(w3 + i), x, s3);
                }

                L.Store(s0, s);
                L.Store(s1, s + 16);
                L.Store(s2, s + 32);
                L.Store(s3, s + 48);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void OneByOne<L, V>(float* weights, float* input, int columns, float* sums)
            where L : struct, ILanes<V>
            where V : struct
        {
            for (int lane = 0; lane < Simd.Lanes; lane += L.Count)
            {
                V s = L.Load(sums + lane);
                for (nint i = lane; i < columns; i += Simd.Lanes)
                    s = L.MultiplyAdd(L.Load(weights + i), L.Load(input + i), s);
                L.Store(s, sums + lane);
            }
        }
    }
}
