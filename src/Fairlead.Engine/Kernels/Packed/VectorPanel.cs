using System.Runtime.CompilerServices;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>A panel as it is packed times rows, by vectors of 256 bits: eight outputs in each of two.</summary>
/// <remarks>
/// A few rows read values and scales as they are stored, so that they cost little more than fetching them. For many rows a panel is unpacked first: a byte for every weight, and scales as singles.
/// Weights may have an excess (<see cref="IPanelForm.Excess"/>), so that they are unsigned: the sums begin with it, negative and times the sum of the activations.
/// </remarks>
internal static unsafe class VectorPanel
{
    /// <summary>From so many rows on a panel is unpacked: for 8 it cost more than it saved, for 64 it saved a tenth to a third (Zen 5, 16 vector registers).</summary>
    private const int RowsForUnpacking = 16;

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
        UnpackedPanel.Write<F>(task.Values, task.Inputs / PackedLayout.GroupInputs, (byte*)scratch.Values);
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
            SomeRows<F, D, One>(task, row);
    }

    /// <summary>One row, two or four, which share the loading of a weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SomeRows<F, D, R>(in VectorTask task, int row)
        where F : struct, IPanelForm
        where D : struct, IByteDot
        where R : struct, ICount
    {
        var inputs = new RowInputs(task.Rows, row, task.Inputs);
        var scales = new ScaleReader<F>(task.Scales);
        byte* values = task.Values, ahead = task.Scales + WeightPrefetch.Ahead;
        RowSums<F, D, R> sums = default;
        int blocksOfHead = F.Scales == ScaleForm.Factors ? 8 : 1;
        for (int head = task.Inputs / PackedLayout.GroupInputs / blocksOfHead; head > 0; head--)
        {
            scales.BeginHead();
            for (int block = 0; block < blocksOfHead; block++)
            {
                if (F.Scales != ScaleForm.Singles)
                    WeightPrefetch.Group<F>(ref ahead);
                sums.AddHalf(0, values, in inputs);
                if (F.Groups == 2)
                    sums.EndGroup(scales.Scale(), in inputs);
                sums.AddHalf(1, values, in inputs);
                sums.EndGroup(scales.Scale(), in inputs);
                if (F.HasMinimums)
                    sums.Lower(scales.Minimum(), in inputs);
                values += F.ValueBytes;
                inputs.Next();
            }

            scales.EndHead();
        }

        sums.Store(task.Output + (row * task.OutputStride), task.OutputStride);
    }
}
