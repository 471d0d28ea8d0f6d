using Fairlead.Engine.Kernels.Machine;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>A panel as it is packed times a few rows, by vectors of 512 bits.</summary>
internal static unsafe class RowPanel
{
    /// <summary>Rows <paramref name="first"/> to <paramref name="end"/> − 1.</summary>
    /// <param name="scales">Halves, or expanded scales and minimums where the form has them: see <see cref="IntegerRowTask.Scales"/>.</param>
    public static void Multiply(in PanelTask task, byte* scales, int first, int end)
    {
        for (int row = first; row < end; row++)
        {
            IntegerRowKernel.Multiply(task.Form, new IntegerRowTask
            {
                Values = task.Values,
                Scales = scales,
                Inputs = task.Rows.Values + ((long)row * QuantizedRows.StrideOf(task.Inputs)),
                InputScales = task.Rows.ScalesOfRow(row, task.Inputs),
                HalfSums = task.Rows.HalfSums + ((long)row * (task.Inputs / 16)),
                Output = task.Output + (row * task.OutputStride),
                Groups = task.Inputs / PackedLayout.GroupInputs,
            });
        }
    }
}
