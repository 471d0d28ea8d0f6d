using Fairlead.Engine.Kernels.Machine;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Panels as they are packed times rows, by vectors of 512 bits: see <see cref="IntegerVectorKernel"/>.</summary>
internal static unsafe class WidePanel
{
    /// <summary>A run of panels times rows <paramref name="first"/> to <paramref name="end"/> − 1; <paramref name="first"/> is a multiple of 16.</summary>
    /// <param name="output">Where row 0's first output of panel <paramref name="panel"/> goes.</param>
    /// <param name="outputStride">Singles from one row of outputs to the next.</param>
    public static void Multiply(in PackedMatrix weight, int panel, int panels, QuantizedRows rows, float* output, long outputStride, int first, int end)
    {
        // Weights are read once: all panels in one go where the kernel takes all rows, and otherwise all rows of a panel before the next.
        int atOnce = end - first <= IntegerVectorKernel.MostRows ? panels : 1;
        for (int last = panel + panels; panel < last; panel += atOnce, output += atOnce * PackedLayout.PanelOutputs)
        {
            for (int row = first; row < end; row += IntegerVectorKernel.MostRows)
            {
                var task = new IntegerVectorTask
                {
                    Panel = weight.Panel(panel),
                    Panels = atOnce,
                    Inputs = rows.Values + ((long)row * QuantizedRows.StrideOf(weight.Inputs)),
                    InputScales = rows.ScalesOfRow(row, weight.Inputs),
                    HalfSums = rows.HalfSums + ((long)row * (weight.Inputs / 16)),
                    Output = output + (row * outputStride),
                    OutputStride = outputStride * sizeof(float),
                };
                IntegerVectorKernel.For(new(weight.Format, weight.Inputs, Math.Min(IntegerVectorKernel.MostRows, end - row)))(&task);
            }
        }
    }
}
