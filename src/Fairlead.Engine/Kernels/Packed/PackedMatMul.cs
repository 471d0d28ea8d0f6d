using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Activations times packed weights.</summary>
/// <remarks>
/// Integer forms: activations become bytes (<see cref="QuantizedRows"/>), the products of a group of inputs are added as whole numbers, exactly, and an output is the sum over
/// its groups, in order and in single precision: <c>sum = fma((float)dot · scale, s, sum)</c>, then, where the form has minimums, <c>sum = fma(minimum, −t, sum)</c>, with s the
/// scale of the activations' block and t its sum. (A group is 32 inputs; 16 in <see cref="PackedFormat.Six"/>.) Every family computes exactly that,
/// so an output depends neither on the family nor on the rows beside it.
/// </remarks>
public static unsafe class PackedMatMul
{
    /// <summary><c>output[r, o] = Σ_i input[r, i] · weight[o, i]</c>.</summary>
    /// <param name="weight">The matrix.</param>
    /// <param name="input"><c>[rows × inputs]</c>, row-major.</param>
    /// <param name="output"><c>[rows × outputs]</c>, row-major; must not overlap <paramref name="input"/>.</param>
    /// <param name="rows">Number of rows, 1 to those of <paramref name="room"/>.</param>
    /// <param name="room">Overwritten.</param>
    /// <param name="crew">Who shares the work; null: the caller alone.</param>
    public static void Multiply(in PackedMatrix weight, float* input, float* output, int rows, QuantizedRows room, WorkCrew? crew)
    {
        if (weight.Format is PackedFormat.Single or PackedFormat.Half or PackedFormat.Brain)
            FloatMatMul.Multiply(weight, input, output, rows, crew);
        else if (weight.Format is PackedFormat.BrainTiles or PackedFormat.BrainPairTiles)
            BrainMatMul.Multiply(weight, input, output, rows, room.BrainTiles, crew);
        else
            IntegerMatMul.Multiply(weight, input, output, rows, room, crew);
    }
}
