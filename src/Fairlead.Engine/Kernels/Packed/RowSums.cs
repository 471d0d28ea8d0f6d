using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Outputs of a panel for one row, two or four, while products are added up.</summary>
/// <remarks>
/// The compiler keeps the vectors in registers as long as it inlines all that is called here and no address of a field waits for the end of a branch: a conditional expression that was assigned to two
/// fields at once had them all in memory, at a third of the speed (.NET 10).
/// </remarks>
internal unsafe struct RowSums<F, D, R>
    where F : struct, IPanelForm
    where D : struct, IByteDot
    where R : struct, ICount
{
    private Row _row0, _row1, _row2, _row3;

    /// <summary>
    /// Whether products of 16 inputs fit 16 bits only with the excess taken off (Q6_K: 8 · 32 · 127 = 32,512). A sum begins with it; if it leaves their range on the way, it comes back.
    /// </summary>
    private static bool BeginsInPairs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => F.Groups == 2 && D.TimesFor(F.Largest) < 4;
    }

    /// <summary>Whether the excess is where products are added. One row alone has few sums, of which none waits for it.</summary>
    private static bool BeginsInPart
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => BeginsInPairs || (R.Count > 1 && D.IsWhole);
    }

    /// <summary>Adds the products of 16 inputs of 32 to those of their group, which begins with them where a group is no more.</summary>
    /// <param name="half">Which 16: 0 or 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddHalf(int half, byte* values, ref readonly RowInputs inputs)
    {
        if (half == 0 || F.Groups == 2)
            BeginGroup(half, in inputs);
        AddLine(half * 4, values, in inputs);
        AddLine((half * 4) + 1, values, in inputs);
        AddLine((half * 4) + 2, values, in inputs);
        AddLine((half * 4) + 3, values, in inputs);
        if (R.Count == 1 || half == 1 || F.Groups == 2 || D.TimesFor(F.Largest) < 8)
            Join();
    }

    /// <summary>Adds to the outputs what the products of a group come to.</summary>
    /// <param name="scale">The group's.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndGroup(in PanelVector<float> scale, ref readonly RowInputs inputs)
    {
        _row0.EndGroup(scale, inputs.Scale(0));
        if (R.Count > 1)
            _row1.EndGroup(scale, inputs.Scale(1));
        if (R.Count > 2)
        {
            _row2.EndGroup(scale, inputs.Scale(2));
            _row3.EndGroup(scale, inputs.Scale(3));
        }
    }

    /// <summary>Takes off what the minimums of 32 inputs come to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lower(in PanelVector<float> minimum, ref readonly RowInputs inputs)
    {
        _row0.Lower(minimum, inputs.Sum(0));
        if (R.Count > 1)
            _row1.Lower(minimum, inputs.Sum(1));
        if (R.Count > 2)
        {
            _row2.Lower(minimum, inputs.Sum(2));
            _row3.Lower(minimum, inputs.Sum(3));
        }
    }

    /// <param name="output">Where the first row's go.</param>
    /// <param name="stride">Singles from one row to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* output, long stride)
    {
        _row0.Store(output);
        if (R.Count > 1)
            _row1.Store(output + stride);
        if (R.Count > 2)
        {
            _row2.Store(output + (2 * stride));
            _row3.Store(output + (3 * stride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void BeginGroup(int half, ref readonly RowInputs inputs)
    {
        _row0.BeginGroup(Excess(0, half, in inputs));
        if (R.Count > 1)
            _row1.BeginGroup(Excess(1, half, in inputs));
        if (R.Count > 2)
        {
            _row2.BeginGroup(Excess(2, half, in inputs));
            _row3.BeginGroup(Excess(3, half, in inputs));
        }
    }

    /// <summary>What the excess of a group's weights comes to, negative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Excess(int row, int half, ref readonly RowInputs inputs)
    {
        if (F.Excess == 0)
            return Vector256<int>.Zero;
        if (BeginsInPairs)
            return (inputs.PairSums(row, half) * (short)-F.Excess).AsInt32();
        int first = half == 0 ? -F.Excess & 0xffff : 0, second = half == F.Groups - 1 ? -F.Excess << 16 : 0;
        return Avx2.MultiplyAddAdjacent(inputs.HalfSums(row), Vector256.Create(first | second).AsInt16());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddLine(int line, byte* values, ref readonly RowInputs inputs)
    {
        Vector256<byte> low = F.Weights(values, line, 0), high = F.Weights(values, line, 1);
        _row0.Add(low, high, inputs.Four(0, line));
        if (R.Count > 1)
            _row1.Add(low, high, inputs.Four(1, line));
        if (R.Count > 2)
        {
            _row2.Add(low, high, inputs.Four(2, line));
            _row3.Add(low, high, inputs.Four(3, line));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Join()
    {
        _row0.Join();
        if (R.Count > 1)
            _row1.Join();
        if (R.Count > 2)
        {
            _row2.Join();
            _row3.Join();
        }
    }

    /// <summary>Sums of one row: outputs 0 to 7 and 8 to 15.</summary>
    private struct Row
    {
        private Vector256<float> _low, _high;

        /// <summary>Products of the group as whole numbers, and those that are not among them yet, in the form of <typeparamref name="D"/>.</summary>
        private Vector256<int> _lowDots, _highDots, _lowPart, _highPart;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void BeginGroup(Vector256<int> excess)
        {
            Vector256<int> whole = BeginsInPart ? Vector256<int>.Zero : excess, part = BeginsInPart ? excess : Vector256<int>.Zero;
            _lowDots = whole;
            _highDots = whole;
            _lowPart = part;
            _highPart = part;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector256<byte> low, Vector256<byte> high, Vector256<sbyte> four)
        {
            _lowPart = D.Add(_lowPart, low, four);
            _highPart = D.Add(_highPart, high, four);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Join()
        {
            _lowDots += D.Whole(_lowPart);
            _highDots += D.Whole(_highPart);
            _lowPart = Vector256<int>.Zero;
            _highPart = Vector256<int>.Zero;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void EndGroup(in PanelVector<float> scale, Vector256<float> rowScale)
        {
            _low = Fma.MultiplyAdd(Avx.ConvertToVector256Single(_lowDots) * scale.Low, rowScale, _low);
            _high = Fma.MultiplyAdd(Avx.ConvertToVector256Single(_highDots) * scale.High, rowScale, _high);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Lower(in PanelVector<float> minimum, Vector256<float> rowSum)
        {
            _low = Fma.MultiplyAddNegated(minimum.Low, rowSum, _low);
            _high = Fma.MultiplyAddNegated(minimum.High, rowSum, _high);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float* output)
        {
            _low.Store(output);
            _high.Store(output + 8);
        }
    }
}
