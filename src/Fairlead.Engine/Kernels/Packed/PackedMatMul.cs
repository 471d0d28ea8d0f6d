using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Activations times packed weights.</summary>
/// <remarks>
/// Integer forms: activations become bytes (<see cref="QuantizedRows"/>), the products of a group of inputs are added as whole numbers, exactly, and an output is the sum over
/// its groups, in order and in single precision: <c>sum = fma((float)dot · scale, s, sum)</c>, then, where the form has minimums, <c>sum = fma(minimum, −t, sum)</c>, with s the
/// scale of the activations' block and t its sum. (A group is 32 inputs; 16 in <see cref="PackedFormat.Six"/>.) Every family computes exactly that,
/// so an output depends neither on the family nor on the rows beside it.
/// <para>
/// How far that is from exact, with weights w = v − m (m the minimum, 0 where the form has none), activations x, h half the scale of an activation's block, and n the fused multiply-adds of an
/// output (one for each group, two where there are minimums; n ≤ 4,000): an output is within Σ |w| · (h + 3 · 2^−24 · (|x| + h)) + (n + 2) · 2^−24 · Σ (|v| + |m|) · (|x| + h) of Σ w · x.
/// The first sum is the rounding of activations to bytes (<see cref="QuantizedRows"/>). The second: what a group adds, dot · scale · s or m · t, is rounded once before it is added, and every
/// fused multiply-add rounds a sum that is never larger than all of |v · byte · s| and |m · byte · s| together, where |byte · s| ≤ |x| + h but for roundings; that is n + 1 roundings of 2^−24, and
/// one more stands for the products of these small numbers. It holds where no activation is infinite or no number and nothing is below 2^−126; blocks below 2^−120 count as zeros, which is off by
/// Σ |w · x|.
/// </para>
/// <para>
/// With tiles there is a second way for prompts (<see cref="Phase.Prefill"/>), several times as fast: <see cref="BrainMatMul"/>. It rounds less and gives other bits, also the same ones
/// for any rows beside it. So what a row gives depends on the family and on its phase, and on nothing else.
/// </para>
/// </remarks>
public static unsafe class PackedMatMul
{
    /// <summary><c>output[r, o] = Σ_i input[r, i] · weight[o, i]</c>.</summary>
    /// <param name="weight">The matrix.</param>
    /// <param name="input"><c>[rows × inputs]</c>, row-major.</param>
    /// <param name="output"><c>[rows × outputs]</c>, row-major; must not overlap <paramref name="input"/>.</param>
    /// <param name="phase">Of all the rows.</param>
    /// <param name="rows">Number of rows, 1 to those of <paramref name="room"/>.</param>
    /// <param name="room">Overwritten.</param>
    /// <param name="crew">Who shares the work; null: the caller alone.</param>
    public static void Multiply(in PackedMatrix weight, float* input, float* output, int rows, Phase phase, QuantizedRows room, WorkCrew? crew)
    {
        if (IsFloats(weight.Format))
            FloatMatMul.Multiply(weight, input, output, rows, crew);
        else if (TakesBrains(weight.Format, phase))
            BrainMatMul.Multiply(weight, input, output, rows, room, crew);
        else
            IntegerMatMul.MultiplyAll([new RowProduct(weight, output)], input, rows, room, crew);
    }

    /// <summary>Several products of the same rows, and what follows on each.</summary>
    /// <param name="next">What is multiplied afterwards, where that is known.</param>
    internal static void MultiplyAll(ReadOnlySpan<RowProduct> products, float* input, int rows, Phase phase, QuantizedRows room, WorkCrew? crew, ReadAhead next = default)
    {
        bool areTiles = true, areFloats = true;
        foreach (RowProduct product in products)
        {
            areTiles &= TakesBrains(product.Weight.Format, phase) && BrainMatMul.GoTogether(products[0].Weight, product.Weight);
            areFloats &= IsFloats(product.Weight.Format) && product.Weight.Inputs == products[0].Weight.Inputs;
        }

        if (areTiles)
        {
            BrainMatMul.MultiplyAll(products, input, rows, room, crew);
            return;
        }

        if (areFloats)
        {
            FloatMatMul.MultiplyAll(products, input, rows, crew);
            return;
        }

        for (int first = 0, end; first < products.Length; first = end)
        {
            RowProduct product = products[first];
            end = first + 1;
            if (!TakesBytes(product.Weight.Format, phase))
            {
                Multiply(product.Weight, input, product.Output, rows, phase, room, crew);
                if (product.HasMore)
                    RowCrew.Run(rows, product.Weight.Outputs, product, crew);
                continue;
            }

            while (end < products.Length && TakesBytes(products[end].Weight.Format, phase) && IntegerMatMul.TakeTheSame(product.Weight.Format, products[end].Weight.Format, rows))
                end++;
            IntegerMatMul.MultiplyAll(products[first..end], input, rows, room, crew, end == products.Length ? next : default);
        }
    }

    /// <summary>Whether rows of the two phases give different bits with weights of that form.</summary>
    public static bool DependsOnPhase(PackedFormat format) => TakesBrains(format, Phase.Prefill) && !TakesBrains(format, Phase.Decode);

    /// <summary>Whether such a product overwrites the room that it is given.</summary>
    public static bool TakesRoom(PackedFormat format) => !IsFloats(format);

    /// <summary>Bytes of tiles of activations that such a product takes; 0: none.</summary>
    internal static long BrainTileBytes(PackedFormat format, int rows, int inputs) => TakesBrains(format, Phase.Prefill) ? BrainMatMul.RoomBytes(format, rows, inputs) : 0;

    private static bool TakesBytes(PackedFormat format, Phase phase) => format < PackedFormat.Single && !TakesBrains(format, phase);

    private static bool IsFloats(PackedFormat format) => format is PackedFormat.Single or PackedFormat.Half or PackedFormat.Brain;

    private static bool TakesBrains(PackedFormat format, Phase phase) =>
        format is PackedFormat.BrainTiles or PackedFormat.BrainPairTiles or PackedFormat.HalfTiles
        || (format < PackedFormat.Single && phase == Phase.Prefill && KernelChoice.Family == KernelFamily.Amx);
}
