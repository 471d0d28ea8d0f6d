using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>A panel times rows by vectors of 256 bits: eight outputs in each of two.</summary>
/// <remarks>Weights are made unsigned by an offset (128 for bytes, 8 for centred nibbles), which the sums begin with, negative and times the sum of the activations.</remarks>
internal static unsafe class VectorPanel<D>
    where D : struct, IByteDot
{
    /// <summary>Rows that share the loading of a weight.</summary>
    private const int RowsAtOnce = 4;

    /// <summary>
    /// How far ahead weights are asked for, into the second-level cache: the first one can wait for 16 lines at a time and no more. On Emerald Rapids a single stream came from
    /// 13.2 to 15.7 GB/s by it, and 2 to 16 KiB did about as well.
    /// </summary>
    private const int Ahead = 8192;

    /// <summary>Rows <paramref name="first"/> to <paramref name="end"/> − 1.</summary>
    public static void Multiply(in PanelTask task, int first, int end)
    {
        switch (task.Form)
        {
            case ValueForm.Bytes when task.HalfGroups: Multiply<HalfBytes>(task, first, end); break;
            case ValueForm.Bytes: Multiply<WholeBytes>(task, first, end); break;
            case ValueForm.CentredNibbles: Multiply<CentredNibbles>(task, first, end); break;
            default: Multiply<PlainNibbles>(task, first, end); break;
        }
    }

    private static void Multiply<F>(in PanelTask task, int first, int end)
        where F : struct, IForm
    {
        int row = first;
        for (; row + RowsAtOnce <= end; row += RowsAtOnce)
            FourRows<F>(task, row);
        for (; row < end; row++)
            OneRow<F>(task, row);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow<F>(in PanelTask task, int row)
        where F : struct, IForm
    {
        sbyte* inputs = task.Rows.Values + ((long)row * QuantizedRows.StrideOf(task.Inputs));
        float* rowScales = task.Rows.ScalesOfRow(row, task.Inputs), scales = task.Scales;
        short* halfSums = task.Rows.HalfSums + ((long)row * (task.Inputs / 16));
        byte* values = task.Values;
        bool hasMinimums = task.HasMinimums;
        Vector256<float> low = Vector256<float>.Zero, high = low;
        for (int block = task.Inputs / 32; block > 0; block--)
        {
            for (int line = 0; line < F.BlockBytes; line += 64)
                Sse.Prefetch1(values + Ahead + line);
            for (int group = 0; group < F.GroupsOfBlock; group++)
            {
                Vector256<int> lowDots = F.Start(halfSums, group), highDots = lowDots;
                F.Add(values, group, inputs, ref lowDots, ref highDots);
                Vector256<float> scale = Vector256.Create(rowScales[0]);
                low = Fma.MultiplyAdd(Avx.ConvertToVector256Single(lowDots) * Vector256.Load(scales), scale, low);
                high = Fma.MultiplyAdd(Avx.ConvertToVector256Single(highDots) * Vector256.Load(scales + 8), scale, high);
                scales += 16;
                if (hasMinimums)
                {
                    Vector256<float> sum = Vector256.Create(rowScales[QuantizedRows.TileRows]);
                    low = Fma.MultiplyAddNegated(Vector256.Load(scales), sum, low);
                    high = Fma.MultiplyAddNegated(Vector256.Load(scales + 8), sum, high);
                    scales += 16;
                }
            }

            values += F.BlockBytes;
            inputs += 32;
            rowScales += QuantizedRows.BlockScales;
            halfSums += 2;
        }

        float* output = task.Output + (row * task.OutputStride);
        low.Store(output);
        high.Store(output + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows<F>(in PanelTask task, int row)
        where F : struct, IForm
    {
        long stride = QuantizedRows.StrideOf(task.Inputs), sumStride = task.Inputs / 16;
        sbyte* inputs = task.Rows.Values + (row * stride);
        float* scales0 = task.Rows.ScalesOfRow(row, task.Inputs), scales1 = task.Rows.ScalesOfRow(row + 1, task.Inputs);
        float* scales2 = task.Rows.ScalesOfRow(row + 2, task.Inputs), scales3 = task.Rows.ScalesOfRow(row + 3, task.Inputs);
        short* halfSums = task.Rows.HalfSums + (row * sumStride);
        byte* values = task.Values;
        float* scales = task.Scales;
        bool hasMinimums = task.HasMinimums;
        Vector256<float> low0 = Vector256<float>.Zero, high0 = low0, low1 = low0, high1 = low0, low2 = low0, high2 = low0, low3 = low0, high3 = low0;
        long at = 0;
        for (int block = task.Inputs / 32; block > 0; block--)
        {
            for (int group = 0; group < F.GroupsOfBlock; group++)
            {
                Vector256<int> lowDots0 = F.Start(halfSums, group), lowDots1 = F.Start(halfSums + sumStride, group);
                Vector256<int> lowDots2 = F.Start(halfSums + (2 * sumStride), group), lowDots3 = F.Start(halfSums + (3 * sumStride), group);
                Vector256<int> highDots0 = lowDots0, highDots1 = lowDots1, highDots2 = lowDots2, highDots3 = lowDots3;
                F.AddFour(values, group, inputs, stride, ref lowDots0, ref highDots0, ref lowDots1, ref highDots1, ref lowDots2, ref highDots2, ref lowDots3, ref highDots3);
                Vector256<float> lowScale = Vector256.Load(scales), highScale = Vector256.Load(scales + 8);
                Scale(lowDots0, highDots0, lowScale, highScale, scales0[at], ref low0, ref high0);
                Scale(lowDots1, highDots1, lowScale, highScale, scales1[at], ref low1, ref high1);
                Scale(lowDots2, highDots2, lowScale, highScale, scales2[at], ref low2, ref high2);
                Scale(lowDots3, highDots3, lowScale, highScale, scales3[at], ref low3, ref high3);
                scales += 16;
                if (hasMinimums)
                {
                    Vector256<float> lowMinimum = Vector256.Load(scales), highMinimum = Vector256.Load(scales + 8);
                    Lower(lowMinimum, highMinimum, scales0[at + QuantizedRows.TileRows], ref low0, ref high0);
                    Lower(lowMinimum, highMinimum, scales1[at + QuantizedRows.TileRows], ref low1, ref high1);
                    Lower(lowMinimum, highMinimum, scales2[at + QuantizedRows.TileRows], ref low2, ref high2);
                    Lower(lowMinimum, highMinimum, scales3[at + QuantizedRows.TileRows], ref low3, ref high3);
                    scales += 16;
                }
            }

            values += F.BlockBytes;
            inputs += 32;
            at += QuantizedRows.BlockScales;
            halfSums += 2;
        }

        float* output = task.Output + (row * task.OutputStride);
        Store(output, low0, high0);
        Store(output + task.OutputStride, low1, high1);
        Store(output + (2 * task.OutputStride), low2, high2);
        Store(output + (3 * task.OutputStride), low3, high3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(Vector256<int> lowDots, Vector256<int> highDots, Vector256<float> lowScale, Vector256<float> highScale, float scale, ref Vector256<float> low, ref Vector256<float> high)
    {
        Vector256<float> scales = Vector256.Create(scale);
        low = Fma.MultiplyAdd(Avx.ConvertToVector256Single(lowDots) * lowScale, scales, low);
        high = Fma.MultiplyAdd(Avx.ConvertToVector256Single(highDots) * highScale, scales, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lower(Vector256<float> lowMinimum, Vector256<float> highMinimum, float sum, ref Vector256<float> low, ref Vector256<float> high)
    {
        Vector256<float> sums = Vector256.Create(sum);
        low = Fma.MultiplyAddNegated(lowMinimum, sums, low);
        high = Fma.MultiplyAddNegated(highMinimum, sums, high);
    }

    private static void Store(float* output, Vector256<float> low, Vector256<float> high)
    {
        low.Store(output);
        high.Store(output + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Four(sbyte* inputs) => Vector256.Create(*(int*)inputs).AsSByte();

    /// <summary>How values become unsigned weights: a struct for each way.</summary>
    private interface IForm
    {
        static abstract int BlockBytes { get; }

        static abstract int GroupsOfBlock { get; }

        /// <summary>What a sum of products begins with.</summary>
        static abstract Vector256<int> Start(short* halfSums, int group);

        static abstract void Add(byte* block, int group, sbyte* inputs, ref Vector256<int> low, ref Vector256<int> high);

        static abstract void AddFour(
            byte* block, int group, sbyte* inputs, long stride, ref Vector256<int> low0, ref Vector256<int> high0, ref Vector256<int> low1, ref Vector256<int> high1,
            ref Vector256<int> low2, ref Vector256<int> high2, ref Vector256<int> low3, ref Vector256<int> high3);
    }

    private readonly struct WholeBytes : IForm
    {
        public static int BlockBytes => 512;

        public static int GroupsOfBlock => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Start(short* halfSums, int group) => Vector256.Create(-128 * (halfSums[0] + halfSums[1]));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(byte* block, int group, sbyte* inputs, ref Vector256<int> low, ref Vector256<int> high) =>
            Bytes.Add(block, 8, inputs, ref low, ref high);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void AddFour(
            byte* block, int group, sbyte* inputs, long stride, ref Vector256<int> low0, ref Vector256<int> high0, ref Vector256<int> low1, ref Vector256<int> high1,
            ref Vector256<int> low2, ref Vector256<int> high2, ref Vector256<int> low3, ref Vector256<int> high3) =>
            Bytes.AddFour(block, 8, inputs, stride, ref low0, ref high0, ref low1, ref high1, ref low2, ref high2, ref low3, ref high3);
    }

    private readonly struct HalfBytes : IForm
    {
        public static int BlockBytes => 512;

        public static int GroupsOfBlock => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Start(short* halfSums, int group) => Vector256.Create(-128 * halfSums[group]);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(byte* block, int group, sbyte* inputs, ref Vector256<int> low, ref Vector256<int> high) =>
            Bytes.Add(block + (group * 256), 4, inputs + (group * 16), ref low, ref high);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void AddFour(
            byte* block, int group, sbyte* inputs, long stride, ref Vector256<int> low0, ref Vector256<int> high0, ref Vector256<int> low1, ref Vector256<int> high1,
            ref Vector256<int> low2, ref Vector256<int> high2, ref Vector256<int> low3, ref Vector256<int> high3) =>
            Bytes.AddFour(block + (group * 256), 4, inputs + (group * 16), stride, ref low0, ref high0, ref low1, ref high1, ref low2, ref high2, ref low3, ref high3);
    }

    private readonly struct CentredNibbles : IForm
    {
        public static int BlockBytes => 256;

        public static int GroupsOfBlock => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Start(short* halfSums, int group) => Vector256.Create(-8 * (halfSums[0] + halfSums[1]));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(byte* block, int group, sbyte* inputs, ref Vector256<int> low, ref Vector256<int> high) => Nibbles.Add(block, inputs, ref low, ref high);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void AddFour(
            byte* block, int group, sbyte* inputs, long stride, ref Vector256<int> low0, ref Vector256<int> high0, ref Vector256<int> low1, ref Vector256<int> high1,
            ref Vector256<int> low2, ref Vector256<int> high2, ref Vector256<int> low3, ref Vector256<int> high3) =>
            Nibbles.AddFour(block, inputs, stride, ref low0, ref high0, ref low1, ref high1, ref low2, ref high2, ref low3, ref high3);
    }

    private readonly struct PlainNibbles : IForm
    {
        public static int BlockBytes => 256;

        public static int GroupsOfBlock => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Start(short* halfSums, int group) => Vector256<int>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(byte* block, int group, sbyte* inputs, ref Vector256<int> low, ref Vector256<int> high) => Nibbles.Add(block, inputs, ref low, ref high);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void AddFour(
            byte* block, int group, sbyte* inputs, long stride, ref Vector256<int> low0, ref Vector256<int> high0, ref Vector256<int> low1, ref Vector256<int> high1,
            ref Vector256<int> low2, ref Vector256<int> high2, ref Vector256<int> low3, ref Vector256<int> high3) =>
            Nibbles.AddFour(block, inputs, stride, ref low0, ref high0, ref low1, ref high1, ref low2, ref high2, ref low3, ref high3);
    }

    private static class Bytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(byte* values, int lines, sbyte* inputs, ref Vector256<int> low, ref Vector256<int> high)
        {
            var sign = Vector256.Create((byte)128);
            for (int line = 0; line < lines; line++)
            {
                Vector256<sbyte> four = Four(inputs + (line * 4));
                low = D.AddBytes(low, Vector256.Load(values + (line * 64)) ^ sign, four);
                high = D.AddBytes(high, Vector256.Load(values + (line * 64) + 32) ^ sign, four);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void AddFour(
            byte* values, int lines, sbyte* inputs, long stride, ref Vector256<int> low0, ref Vector256<int> high0, ref Vector256<int> low1, ref Vector256<int> high1,
            ref Vector256<int> low2, ref Vector256<int> high2, ref Vector256<int> low3, ref Vector256<int> high3)
        {
            var sign = Vector256.Create((byte)128);
            for (int line = 0; line < lines; line++)
            {
                Vector256<byte> low = Vector256.Load(values + (line * 64)) ^ sign, high = Vector256.Load(values + (line * 64) + 32) ^ sign;
                sbyte* at = inputs + (line * 4);
                Vector256<sbyte> four = Four(at);
                (low0, high0) = (D.AddBytes(low0, low, four), D.AddBytes(high0, high, four));
                four = Four(at + stride);
                (low1, high1) = (D.AddBytes(low1, low, four), D.AddBytes(high1, high, four));
                four = Four(at + (2 * stride));
                (low2, high2) = (D.AddBytes(low2, low, four), D.AddBytes(high2, high, four));
                four = Four(at + (3 * stride));
                (low3, high3) = (D.AddBytes(low3, low, four), D.AddBytes(high3, high, four));
            }
        }
    }

    private static class Nibbles
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(byte* values, sbyte* inputs, ref Vector256<int> low, ref Vector256<int> high)
        {
            var mask = Vector256.Create((byte)15);
            for (int line = 0; line < 4; line++)
            {
                Vector256<byte> first = Vector256.Load(values + (line * 64)), second = Vector256.Load(values + (line * 64) + 32);
                Vector256<sbyte> four = Four(inputs + (line * 4));
                low = D.AddNibbles(low, first & mask, four);
                high = D.AddNibbles(high, second & mask, four);
                four = Four(inputs + 16 + (line * 4));
                low = D.AddNibbles(low, Upper(first), four);
                high = D.AddNibbles(high, Upper(second), four);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void AddFour(
            byte* values, sbyte* inputs, long stride, ref Vector256<int> low0, ref Vector256<int> high0, ref Vector256<int> low1, ref Vector256<int> high1,
            ref Vector256<int> low2, ref Vector256<int> high2, ref Vector256<int> low3, ref Vector256<int> high3)
        {
            var mask = Vector256.Create((byte)15);
            for (int line = 0; line < 8; line++)
            {
                byte* at = values + (line % 4 * 64);
                Vector256<byte> low = Vector256.Load(at), high = Vector256.Load(at + 32);
                (low, high) = line < 4 ? (low & mask, high & mask) : (Upper(low), Upper(high));
                sbyte* input = inputs + (line * 4);
                Vector256<sbyte> four = Four(input);
                (low0, high0) = (D.AddNibbles(low0, low, four), D.AddNibbles(high0, high, four));
                four = Four(input + stride);
                (low1, high1) = (D.AddNibbles(low1, low, four), D.AddNibbles(high1, high, four));
                four = Four(input + (2 * stride));
                (low2, high2) = (D.AddNibbles(low2, low, four), D.AddNibbles(high2, high, four));
                four = Four(input + (3 * stride));
                (low3, high3) = (D.AddNibbles(low3, low, four), D.AddNibbles(high3, high, four));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<byte> Upper(Vector256<byte> both) => Vector256.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & Vector256.Create((byte)15);
    }
}
