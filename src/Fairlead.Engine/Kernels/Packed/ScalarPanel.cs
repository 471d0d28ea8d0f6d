namespace Fairlead.Engine.Kernels.Packed;

/// <summary>A panel times rows in plain code: what <see cref="PackedMatMul"/> promises, written down. Every other kernel gives these bits.</summary>
internal static unsafe class ScalarPanel
{
    /// <summary>Rows <paramref name="first"/> to <paramref name="end"/> − 1.</summary>
    public static void Multiply(in PanelTask task, int first, int end)
    {
        int groupInputs = task.HalfGroups ? 16 : 32, groupScales = task.HasMinimums ? 32 : 16;
        for (int row = first; row < end; row++)
        {
            sbyte* inputs = task.Rows.Values + ((long)row * QuantizedRows.StrideOf(task.Inputs));
            float* rowScales = task.Rows.ScalesOfRow(row, task.Inputs);
            for (int output = 0; output < PackedLayout.PanelOutputs; output++)
            {
                float sum = 0;
                for (int group = 0; group < task.Inputs / groupInputs; group++)
                {
                    int dot = 0;
                    for (int i = group * groupInputs; i < (group + 1) * groupInputs; i++)
                        dot += Value(task, i, output) * inputs[i];
                    float* scales = task.Scales + (group * groupScales), blockScales = rowScales + (group * groupInputs / 32 * QuantizedRows.BlockScales);
                    sum = MathF.FusedMultiplyAdd(dot * scales[output], blockScales[0], sum);
                    if (task.HasMinimums)
                        sum = MathF.FusedMultiplyAdd(scales[16 + output], -blockScales[QuantizedRows.TileRows], sum);
                }

                task.Output[(row * task.OutputStride) + output] = sum;
            }
        }
    }

    private static int Value(in PanelTask task, int input, int output)
    {
        int group = input / 32, row = input % 32 / 4, at = (output * 4) + (input % 4);
        if (task.Form == ValueForm.Bytes)
            return ((sbyte*)task.Values)[(group * 512) + (row * 64) + at];
        int nibble = (task.Values[(group * 256) + (row % 4 * 64) + at] >> (row / 4 * 4)) & 15;
        return task.Form == ValueForm.CentredNibbles ? nibble - 8 : nibble;
    }
}
