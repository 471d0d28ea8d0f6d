using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>A panel as it is packed times rows, by vectors of 256 bits: eight outputs in each of two.</summary>
/// <remarks>
/// A few rows read values and scales as they are stored, so that they cost little more than fetching them. For many rows a panel is unpacked first: a byte for every weight, and scales as singles.
/// Weights may have an excess (<see cref="IPanelForm.Excess"/>), so that they are unsigned: the sums begin with it, negative and times the sum of the activations.
/// <para>
/// The lines of a block are written out, and each is a call from the kernel itself: the compiler gives up inlining, and with it an order of magnitude, where calls are nested or many.
/// </para>
/// </remarks>
internal static unsafe class VectorPanel
{
    /// <summary>From so many rows on a panel is unpacked: for 8 it cost more than it saved, for 64 it saved a tenth to a third (Zen 5, 16 vector registers).</summary>
    private const int RowsForUnpacking = 16;

    /// <summary>Bytes that multiply the scales, or the minimums, of eight groups.</summary>
    private const int FactorsOfHead = 8 * 16;

    /// <summary>Rows <paramref name="first"/> to <paramref name="end"/> − 1; <paramref name="first"/> is a multiple of 16.</summary>
    /// <param name="vnni">With the dot product of bytes (AVX-VNNI).</param>
    /// <param name="output">Where row 0's first output of this panel goes.</param>
    /// <param name="outputStride">Singles from one row of outputs to the next.</param>
    public static void Multiply(bool vnni, in PackedMatrix weight, int panel, PanelScratch scratch, QuantizedRows rows, float* output, long outputStride, int first, int end)
    {
        byte* scales = weight.Panel(panel), values = scales + PackedLayout.ScaleBytes(weight.Format, weight.Inputs);
        var task = new VectorTask(scales, values, weight.Inputs, rows, output, outputStride);
        switch (weight.Format)
        {
            case PackedFormat.Eight when vnni: Multiply<EightForm, VnniDot>(task, scratch, first, end); break;
            case PackedFormat.Eight: Multiply<SignedEightForm, SignedPairDot>(task, scratch, first, end); break;
            case PackedFormat.Four when vnni: Multiply<FourForm, VnniDot>(task, scratch, first, end); break;
            case PackedFormat.Four: Multiply<FourForm, PairDot>(task, scratch, first, end); break;
            case PackedFormat.FourWithMinimum when vnni: Multiply<FourWithMinimumForm, VnniDot>(task, scratch, first, end); break;
            case PackedFormat.FourWithMinimum: Multiply<FourWithMinimumForm, PairDot>(task, scratch, first, end); break;
            case PackedFormat.FiveWithMinimum when vnni: Multiply<FiveWithMinimumForm, VnniDot>(task, scratch, first, end); break;
            case PackedFormat.FiveWithMinimum: Multiply<FiveWithMinimumForm, PairDot>(task, scratch, first, end); break;
            case PackedFormat.Six when vnni: Multiply<SixForm, VnniDot>(task, scratch, first, end); break;
            case PackedFormat.Six: Multiply<SixForm, PairDot>(task, scratch, first, end); break;
            default: throw new ArgumentOutOfRangeException(nameof(weight), weight.Format, "no integer form");
        }
    }

    private static void Multiply<F, D>(in VectorTask task, PanelScratch scratch, int first, int end)
        where F : struct, IPanelForm
        where D : struct, IByteDot
    {
        if (end - first < RowsForUnpacking)
        {
            Rows<F, D>(task, first, end);
            return;
        }

        PanelScales.Expand(F.Format, task.Scales, task.Inputs, scratch.Scales);
        Unpack<F>(task.Values, (byte*)scratch.Values, task.Inputs / 32);
        Rows<UnpackedForm<F>, D>(new((byte*)scratch.Scales, (byte*)scratch.Values, task.Inputs, task.Rows, task.Output, task.OutputStride), first, end);
    }

    private static void Rows<F, D>(in VectorTask task, int first, int end)
        where F : struct, IPanelForm
        where D : struct, IByteDot
    {
        int row = first;
        for (; row + 4 <= end; row += 4)
            SomeRows<F, D, Four>(task, row);
        for (; row + 2 <= end; row += 2)
            SomeRows<F, D, Two>(task, row);
        if (row < end)
            OneRow<F, D>(task, row);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow<F, D>(in VectorTask task, int row)
        where F : struct, IPanelForm
        where D : struct, IByteDot
    {
        sbyte* inputs = task.Rows.Values + ((long)row * QuantizedRows.StrideOf(task.Inputs));
        float* rowScales = task.Rows.ScalesOfRow(row, task.Inputs);
        short* halfSums = task.Rows.HalfSums + ((long)row * (task.Inputs / 16));
        byte* scales = task.Scales, values = task.Values, ahead = scales + WeightPrefetch.Ahead;
        Vector256<float> low = default, high = default;
        int blocksOfHead = F.Scales == ScaleForm.Factors ? 8 : 1;
        for (int head = task.Inputs / 32 / blocksOfHead; head > 0; head--)
        {
            Vector256<float> lowHead = default, highHead = default, lowMinimumHead = default, highMinimumHead = default;
            if (F.Scales != ScaleForm.Singles)
                Heads(ref scales, out lowHead, out highHead);
            if (F.Scales == ScaleForm.Factors && F.HasMinimums)
                Heads(ref scales, out lowMinimumHead, out highMinimumHead);
            for (int block = 0; block < blocksOfHead; block++)
            {
                if (F.Scales != ScaleForm.Singles)
                    Prefetch<F>(ref ahead);

                // Sums of a few lines each, of which none waits for another.
                Vector256<float> scale = Vector256.Create(rowScales[0]);
                Vector256<int> lowDots = Start<F>(halfSums, 0), highDots = lowDots, lowSum = default, highSum = default;
                Line<F, D>(values, 0, inputs, ref lowSum, ref highSum);
                Line<F, D>(values, 1, inputs, ref lowSum, ref highSum);
                if (D.TimesFor(F.Largest) < 4)
                    Join<D>(ref lowDots, ref highDots, ref lowSum, ref highSum);
                Line<F, D>(values, 2, inputs, ref lowSum, ref highSum);
                Line<F, D>(values, 3, inputs, ref lowSum, ref highSum);
                Join<D>(ref lowDots, ref highDots, ref lowSum, ref highSum);
                Scales<F>(ref scales, lowHead, highHead, out Vector256<float> lowScale, out Vector256<float> highScale);
                if (F.Groups == 2)
                {
                    Scale(lowDots, highDots, lowScale, highScale, scale, ref low, ref high);
                    Scales<F>(ref scales, lowHead, highHead, out lowScale, out highScale);
                    lowDots = highDots = Start<F>(halfSums, 1);
                }

                Line<F, D>(values, 4, inputs, ref lowSum, ref highSum);
                Line<F, D>(values, 5, inputs, ref lowSum, ref highSum);
                if (D.TimesFor(F.Largest) < 4)
                    Join<D>(ref lowDots, ref highDots, ref lowSum, ref highSum);
                Line<F, D>(values, 6, inputs, ref lowSum, ref highSum);
                Line<F, D>(values, 7, inputs, ref lowSum, ref highSum);
                Join<D>(ref lowDots, ref highDots, ref lowSum, ref highSum);
                Scale(lowDots, highDots, lowScale, highScale, scale, ref low, ref high);
                if (F.HasMinimums)
                {
                    Minimums<F>(ref scales, lowMinimumHead, highMinimumHead, out Vector256<float> lowMinimum, out Vector256<float> highMinimum);
                    Lower(lowMinimum, highMinimum, Vector256.Create(rowScales[QuantizedRows.TileRows]), ref low, ref high);
                }

                values += F.ValueBytes;
                inputs += 32;
                rowScales += QuantizedRows.BlockScales;
                halfSums += 2;
            }

            if (F.Scales == ScaleForm.Factors && F.HasMinimums)
                scales += FactorsOfHead;
        }

        Store(task.Output + (row * task.OutputStride), low, high);
    }

    /// <summary>Two rows or four, which share the loading of a weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SomeRows<F, D, R>(in VectorTask task, int row)
        where F : struct, IPanelForm
        where D : struct, IByteDot
        where R : struct, IRowCount
    {
        long stride = QuantizedRows.StrideOf(task.Inputs), sumStride = task.Inputs / 16;
        sbyte* inputs = task.Rows.Values + (row * stride);
        float* rowScales = task.Rows.ScalesOfRow(row, task.Inputs); // and those of the next ones: they are of the same sixteen
        short* halfSums = task.Rows.HalfSums + (row * sumStride);
        byte* scales = task.Scales, values = task.Values, ahead = scales + WeightPrefetch.Ahead;
        Vector256<float> low0 = default, high0 = default, low1 = default, high1 = default, low2 = default, high2 = default, low3 = default, high3 = default;
        int blocksOfHead = F.Scales == ScaleForm.Factors ? 8 : 1;
        for (int head = task.Inputs / 32 / blocksOfHead; head > 0; head--)
        {
            Vector256<float> lowHead = default, highHead = default, lowMinimumHead = default, highMinimumHead = default;
            if (F.Scales != ScaleForm.Singles)
                Heads(ref scales, out lowHead, out highHead);
            if (F.Scales == ScaleForm.Factors && F.HasMinimums)
                Heads(ref scales, out lowMinimumHead, out highMinimumHead);
            for (int block = 0; block < blocksOfHead; block++)
            {
                if (F.Scales != ScaleForm.Singles)
                    Prefetch<F>(ref ahead);
                Vector256<int> lowDots0 = default, highDots0 = default, lowDots1 = default, highDots1 = default, lowDots2 = default, highDots2 = default, lowDots3 = default, highDots3 = default;
                Vector256<int> lowSum0 = default, highSum0 = default, lowSum1 = default, highSum1 = default, lowSum2 = default, highSum2 = default, lowSum3 = default, highSum3 = default;
                Start<F, D>(halfSums, 0, ref lowSum0, ref highSum0, ref lowDots0, ref highDots0);
                Start<F, D>(halfSums + sumStride, 0, ref lowSum1, ref highSum1, ref lowDots1, ref highDots1);
                if (R.Count > 2)
                {
                    Start<F, D>(halfSums + (2 * sumStride), 0, ref lowSum2, ref highSum2, ref lowDots2, ref highDots2);
                    Start<F, D>(halfSums + (3 * sumStride), 0, ref lowSum3, ref highSum3, ref lowDots3, ref highDots3);
                }

                Line<F, D, R>(values, 0, inputs, stride, ref lowSum0, ref highSum0, ref lowSum1, ref highSum1, ref lowSum2, ref highSum2, ref lowSum3, ref highSum3);
                Line<F, D, R>(values, 1, inputs, stride, ref lowSum0, ref highSum0, ref lowSum1, ref highSum1, ref lowSum2, ref highSum2, ref lowSum3, ref highSum3);
                if (D.TimesFor(F.Largest) < 4)
                {
                    Join<D>(ref lowDots0, ref highDots0, ref lowSum0, ref highSum0);
                    Join<D>(ref lowDots1, ref highDots1, ref lowSum1, ref highSum1);
                    if (R.Count > 2)
                    {
                        Join<D>(ref lowDots2, ref highDots2, ref lowSum2, ref highSum2);
                        Join<D>(ref lowDots3, ref highDots3, ref lowSum3, ref highSum3);
                    }
                }

                Line<F, D, R>(values, 2, inputs, stride, ref lowSum0, ref highSum0, ref lowSum1, ref highSum1, ref lowSum2, ref highSum2, ref lowSum3, ref highSum3);
                Line<F, D, R>(values, 3, inputs, stride, ref lowSum0, ref highSum0, ref lowSum1, ref highSum1, ref lowSum2, ref highSum2, ref lowSum3, ref highSum3);
                if (D.TimesFor(F.Largest) < 8 || F.Groups == 2)
                {
                    Join<D>(ref lowDots0, ref highDots0, ref lowSum0, ref highSum0);
                    Join<D>(ref lowDots1, ref highDots1, ref lowSum1, ref highSum1);
                    if (R.Count > 2)
                    {
                        Join<D>(ref lowDots2, ref highDots2, ref lowSum2, ref highSum2);
                        Join<D>(ref lowDots3, ref highDots3, ref lowSum3, ref highSum3);
                    }
                }

                Vector256<float> lowScale, highScale;
                if (F.Groups == 2)
                {
                    Scales<F>(ref scales, lowHead, highHead, out lowScale, out highScale);
                    Scale(lowDots0, highDots0, lowScale, highScale, Vector256.Create(rowScales[0]), ref low0, ref high0);
                    Scale(lowDots1, highDots1, lowScale, highScale, Vector256.Create(rowScales[1]), ref low1, ref high1);
                    if (R.Count > 2)
                    {
                        Scale(lowDots2, highDots2, lowScale, highScale, Vector256.Create(rowScales[2]), ref low2, ref high2);
                        Scale(lowDots3, highDots3, lowScale, highScale, Vector256.Create(rowScales[3]), ref low3, ref high3);
                    }

                    Start<F, D>(halfSums, 1, ref lowSum0, ref highSum0, ref lowDots0, ref highDots0);
                    Start<F, D>(halfSums + sumStride, 1, ref lowSum1, ref highSum1, ref lowDots1, ref highDots1);
                    if (R.Count > 2)
                    {
                        Start<F, D>(halfSums + (2 * sumStride), 1, ref lowSum2, ref highSum2, ref lowDots2, ref highDots2);
                        Start<F, D>(halfSums + (3 * sumStride), 1, ref lowSum3, ref highSum3, ref lowDots3, ref highDots3);
                    }
                }

                Line<F, D, R>(values, 4, inputs, stride, ref lowSum0, ref highSum0, ref lowSum1, ref highSum1, ref lowSum2, ref highSum2, ref lowSum3, ref highSum3);
                Line<F, D, R>(values, 5, inputs, stride, ref lowSum0, ref highSum0, ref lowSum1, ref highSum1, ref lowSum2, ref highSum2, ref lowSum3, ref highSum3);
                if (D.TimesFor(F.Largest) < 4)
                {
                    Join<D>(ref lowDots0, ref highDots0, ref lowSum0, ref highSum0);
                    Join<D>(ref lowDots1, ref highDots1, ref lowSum1, ref highSum1);
                    if (R.Count > 2)
                    {
                        Join<D>(ref lowDots2, ref highDots2, ref lowSum2, ref highSum2);
                        Join<D>(ref lowDots3, ref highDots3, ref lowSum3, ref highSum3);
                    }
                }

                Line<F, D, R>(values, 6, inputs, stride, ref lowSum0, ref highSum0, ref lowSum1, ref highSum1, ref lowSum2, ref highSum2, ref lowSum3, ref highSum3);
                Line<F, D, R>(values, 7, inputs, stride, ref lowSum0, ref highSum0, ref lowSum1, ref highSum1, ref lowSum2, ref highSum2, ref lowSum3, ref highSum3);
                Join<D>(ref lowDots0, ref highDots0, ref lowSum0, ref highSum0);
                Join<D>(ref lowDots1, ref highDots1, ref lowSum1, ref highSum1);
                if (R.Count > 2)
                {
                    Join<D>(ref lowDots2, ref highDots2, ref lowSum2, ref highSum2);
                    Join<D>(ref lowDots3, ref highDots3, ref lowSum3, ref highSum3);
                }

                Scales<F>(ref scales, lowHead, highHead, out lowScale, out highScale);
                Scale(lowDots0, highDots0, lowScale, highScale, Vector256.Create(rowScales[0]), ref low0, ref high0);
                Scale(lowDots1, highDots1, lowScale, highScale, Vector256.Create(rowScales[1]), ref low1, ref high1);
                if (R.Count > 2)
                {
                    Scale(lowDots2, highDots2, lowScale, highScale, Vector256.Create(rowScales[2]), ref low2, ref high2);
                    Scale(lowDots3, highDots3, lowScale, highScale, Vector256.Create(rowScales[3]), ref low3, ref high3);
                }

                if (F.HasMinimums)
                {
                    Minimums<F>(ref scales, lowMinimumHead, highMinimumHead, out Vector256<float> lowMinimum, out Vector256<float> highMinimum);
                    float* sums = rowScales + QuantizedRows.TileRows;
                    Lower(lowMinimum, highMinimum, Vector256.Create(sums[0]), ref low0, ref high0);
                    Lower(lowMinimum, highMinimum, Vector256.Create(sums[1]), ref low1, ref high1);
                    if (R.Count > 2)
                    {
                        Lower(lowMinimum, highMinimum, Vector256.Create(sums[2]), ref low2, ref high2);
                        Lower(lowMinimum, highMinimum, Vector256.Create(sums[3]), ref low3, ref high3);
                    }
                }

                values += F.ValueBytes;
                inputs += 32;
                rowScales += QuantizedRows.BlockScales;
                halfSums += 2;
            }

            if (F.Scales == ScaleForm.Factors && F.HasMinimums)
                scales += FactorsOfHead;
        }

        float* output = task.Output + (row * task.OutputStride);
        Store(output, low0, high0);
        Store(output + task.OutputStride, low1, high1);
        if (R.Count > 2)
        {
            Store(output + (2 * task.OutputStride), low2, high2);
            Store(output + (3 * task.OutputStride), low3, high3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Heads(ref byte* scales, out Vector256<float> low, out Vector256<float> high)
    {
        low = Lanes8.LoadHalf((ushort*)scales);
        high = Lanes8.LoadHalf((ushort*)scales + 8);
        scales += 32;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scales<F>(ref byte* scales, Vector256<float> lowHead, Vector256<float> highHead, out Vector256<float> low, out Vector256<float> high)
        where F : struct, IPanelForm
    {
        (low, high) = (lowHead, highHead);
        if (F.Scales == ScaleForm.Factors)
        {
            low *= Lanes8.LoadInt8((sbyte*)scales);
            high *= Lanes8.LoadInt8((sbyte*)scales + 8);
            scales += 16;
        }
        else if (F.Scales == ScaleForm.Singles)
        {
            low = Vector256.Load((float*)scales);
            high = Vector256.Load((float*)scales + 8);
            scales += 64;
        }
    }

    /// <summary>Minimums lie behind the scales: in singles of their group, as factors of eight groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Minimums<F>(ref byte* scales, Vector256<float> lowHead, Vector256<float> highHead, out Vector256<float> low, out Vector256<float> high)
        where F : struct, IPanelForm
    {
        if (F.Scales == ScaleForm.Factors)
        {
            low = lowHead * Lanes8.LoadInt8((sbyte*)scales + FactorsOfHead - 16);
            high = highHead * Lanes8.LoadInt8((sbyte*)scales + FactorsOfHead - 8);
        }
        else
        {
            low = Vector256.Load((float*)scales);
            high = Vector256.Load((float*)scales + 8);
            scales += 64;
        }
    }

    /// <summary>Asks for what 32 inputs take of a panel, in the order of addresses: behind the values of this panel are the scales of the next one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch<F>(ref byte* ahead)
        where F : struct, IPanelForm
    {
        int bytes = F.ValueBytes + (F.HasMinimums ? 40 : F.Groups == 2 ? 36 : 32);
        Sse.Prefetch1(ahead);
        Sse.Prefetch1(ahead + 64);
        Sse.Prefetch1(ahead + 128);
        Sse.Prefetch1(ahead + 192);
        Sse.Prefetch1(ahead + 256);
        if (bytes > 320)
            Sse.Prefetch1(ahead + 320);
        if (bytes > 384)
            Sse.Prefetch1(ahead + 384);
        if (bytes > 448)
        {
            Sse.Prefetch1(ahead + 448);
            Sse.Prefetch1(ahead + 512);
        }

        ahead += bytes;
    }

    /// <summary>What the excess of a group's weights comes to, negative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Start<F>(short* halfSums, int group)
        where F : struct, IPanelForm
    {
        if (F.Excess == 0)
            return Vector256<int>.Zero;
        int first = group == 0 ? -F.Excess & 0xffff : 0, second = group == F.Groups - 1 ? -F.Excess << 16 : 0;
        return Avx2.MultiplyAddAdjacent(Vector256.Create(*(int*)halfSums).AsInt16(), Vector256.Create(first | second).AsInt16());
    }

    /// <summary>A sum begins with the excess, where it is whole; else what is whole does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start<F, D>(short* halfSums, int group, ref Vector256<int> lowSum, ref Vector256<int> highSum, ref Vector256<int> lowDots, ref Vector256<int> highDots)
        where F : struct, IPanelForm
        where D : struct, IByteDot
    {
        Vector256<int> start = Start<F>(halfSums, group);
        lowSum = highSum = D.IsWhole ? start : Vector256<int>.Zero;
        lowDots = highDots = D.IsWhole ? Vector256<int>.Zero : start;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join<D>(ref Vector256<int> lowDots, ref Vector256<int> highDots, ref Vector256<int> lowSum, ref Vector256<int> highSum)
        where D : struct, IByteDot
    {
        lowDots += D.Whole(lowSum);
        highDots += D.Whole(highSum);
        lowSum = highSum = Vector256<int>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Line<F, D>(byte* values, int line, sbyte* inputs, ref Vector256<int> low, ref Vector256<int> high)
        where F : struct, IPanelForm
        where D : struct, IByteDot
    {
        Vector256<sbyte> four = Vector256.Create(*(int*)(inputs + (line * 4))).AsSByte();
        low = D.Add(low, F.Weights(values, line, 0), four);
        high = D.Add(high, F.Weights(values, line, 1), four);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Line<F, D, R>(
        byte* values, int line, sbyte* inputs, long stride, ref Vector256<int> low0, ref Vector256<int> high0, ref Vector256<int> low1, ref Vector256<int> high1,
        ref Vector256<int> low2, ref Vector256<int> high2, ref Vector256<int> low3, ref Vector256<int> high3)
        where F : struct, IPanelForm
        where D : struct, IByteDot
        where R : struct, IRowCount
    {
        Vector256<byte> low = F.Weights(values, line, 0), high = F.Weights(values, line, 1);
        Vector256<sbyte> four = Vector256.Create(*(int*)(inputs + (line * 4))).AsSByte();
        low0 = D.Add(low0, low, four);
        high0 = D.Add(high0, high, four);
        four = Vector256.Create(*(int*)(inputs + stride + (line * 4))).AsSByte();
        low1 = D.Add(low1, low, four);
        high1 = D.Add(high1, high, four);
        if (R.Count <= 2)
            return;
        four = Vector256.Create(*(int*)(inputs + (2 * stride) + (line * 4))).AsSByte();
        low2 = D.Add(low2, low, four);
        high2 = D.Add(high2, high, four);
        four = Vector256.Create(*(int*)(inputs + (3 * stride) + (line * 4))).AsSByte();
        low3 = D.Add(low3, low, four);
        high3 = D.Add(high3, high, four);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(Vector256<int> lowDots, Vector256<int> highDots, Vector256<float> lowScale, Vector256<float> highScale, Vector256<float> scale, ref Vector256<float> low, ref Vector256<float> high)
    {
        low = Fma.MultiplyAdd(Avx.ConvertToVector256Single(lowDots) * lowScale, scale, low);
        high = Fma.MultiplyAdd(Avx.ConvertToVector256Single(highDots) * highScale, scale, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lower(Vector256<float> lowMinimum, Vector256<float> highMinimum, Vector256<float> sum, ref Vector256<float> low, ref Vector256<float> high)
    {
        low = Fma.MultiplyAddNegated(lowMinimum, sum, low);
        high = Fma.MultiplyAddNegated(highMinimum, sum, high);
    }

    private static void Store(float* output, Vector256<float> low, Vector256<float> high)
    {
        low.Store(output);
        high.Store(output + 8);
    }

    /// <summary>Writes for each four inputs the 64 bytes that a line is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack<F>(byte* values, byte* to, int blocks)
        where F : struct, IPanelForm
    {
        byte* ahead = values + WeightPrefetch.Ahead;
        for (byte* end = to + (blocks * 512L); to < end; to += 512, values += F.ValueBytes)
        {
            Prefetch<F>(ref ahead);
            Unpack<F>(values, 0, to);
            Unpack<F>(values, 1, to);
            Unpack<F>(values, 2, to);
            Unpack<F>(values, 3, to);
            Unpack<F>(values, 4, to);
            Unpack<F>(values, 5, to);
            Unpack<F>(values, 6, to);
            Unpack<F>(values, 7, to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Unpack<F>(byte* values, int line, byte* to)
        where F : struct, IPanelForm
    {
        F.Weights(values, line, 0).Store(to + (line * 64));
        F.Weights(values, line, 1).Store(to + (line * 64) + 32);
    }

    /// <summary>How many rows share the loading of a weight: a struct for each number.</summary>
    private interface IRowCount
    {
        static abstract int Count { get; }
    }

    private readonly struct Two : IRowCount
    {
        public static int Count => 2;
    }

    private readonly struct Four : IRowCount
    {
        public static int Count => 4;
    }
}

/// <summary>A panel and the rows it is multiplied with.</summary>
/// <param name="scales">The panel's scales.</param>
/// <param name="values">Its values.</param>
/// <param name="inputs">Inputs of the matrix.</param>
/// <param name="rows">The rows of activations.</param>
/// <param name="output">Where row 0's first output goes.</param>
/// <param name="outputStride">Singles from one row of outputs to the next.</param>
internal readonly unsafe struct VectorTask(byte* scales, byte* values, int inputs, QuantizedRows rows, float* output, long outputStride)
{
    public byte* Scales => scales;

    public byte* Values => values;

    public int Inputs => inputs;

    public QuantizedRows Rows => rows;

    public float* Output => output;

    public long OutputStride => outputStride;
}
