using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels;

/// <summary>Activations times weights: the operation that takes nine tenths of the time.</summary>
public static unsafe class MatMul
{
    /// <summary><c>output[r, o] = Σ_i input[r, i] · weight[o, i]</c>.</summary>
    /// <param name="weight"><c>[outputs × inputs]</c>, row-major, any <see cref="ElementType"/>.</param>
    /// <param name="input"><c>[rows × inputs]</c>, row-major.</param>
    /// <param name="output"><c>[rows × outputs]</c>, row-major; must not overlap <paramref name="input"/>.</param>
    /// <param name="rows">Number of rows, ≥ 1.</param>
    public static void Multiply(in TensorView weight, float* input, float* output, int rows)
    {
        int inputs = weight.Columns, outputs = weight.Rows;
        float[] decoded = new float[inputs];
        for (int o = 0; o < outputs; o++)
        {
            Dequantize.Row(weight.Type, weight.Data + (o * weight.RowBytes), decoded);
            for (int r = 0; r < rows; r++)
            {
                double sum = 0;
                for (int i = 0; i < inputs; i++)
                    sum += (double)decoded[i] * input[((long)r * inputs) + i];
                output[((long)r * outputs) + o] = (float)sum;
            }
        }
    }
}
