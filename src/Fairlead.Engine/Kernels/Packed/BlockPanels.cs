using Fairlead.Engine.Kernels.Machine;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Many rows times panels by <see cref="IntegerBlockKernel"/>. A part is some runs of panels.</summary>
/// <remarks>
/// A piece of a run is expanded to unsigned bytes and single scales once, and all rows pass it while it is in the first-level cache. Meanwhile the next piece is asked for.
/// </remarks>
internal readonly unsafe struct BlockPanels(PackedMatrix weight, float* output, int rows, QuantizedRows room, int parts) : IWork
{
    private const int RunPanels = IntegerBlockKernel.MostPanels;

    private const int PieceInputs = IntegerBlockKernel.MostGroups * PackedLayout.GroupInputs;

    private const int RowSumSingles = RunPanels * PackedLayout.PanelOutputs;

    private const int RowSumBytes = RowSumSingles * sizeof(float);

    private const int ExpandedBytes = RunPanels * (IntegerBlockKernel.PanelValueBytes + IntegerBlockKernel.PanelScaleBytes);

    /// <summary>Rows are taken together that have at most so many bytes: they come from the second- and the third-level cache, and more of them share the expanding.</summary>
    private const int ActivationBytes = 2 << 20;

    /// <summary>From so many rows on expanding is paid for (measured on Zen 5).</summary>
    public static int FewestRows(PackedFormat format) => PanelScales.HasMinimums(format) ? 48 : 32;

    /// <summary>Panels that are multiplied at the same time, and what is left of them at the end.</summary>
    public static int RunsOf(in PackedMatrix weight) => (weight.Panels + RunPanels - 1) / RunPanels;

    /// <summary>Bytes of scratch that so many rows take: a piece's values and scales, where sums begin, and the sums.</summary>
    public static long ScratchBytes(int rows) => ExpandedBytes + RowSumBytes + (Blocks(rows) * RowBlocks.Rows * (long)RowSumBytes);

    public void Do(int part)
    {
        PanelScratch scratch = room.TakeScratch(out int number);
        int runs = RunsOf(weight), first = (int)((long)runs * part / parts), end = (int)((long)runs * (part + 1) / parts);
        int atOnce = (int)Math.Max(1, ActivationBytes / room.Blocks(weight.Inputs).BlockBytes) * RowBlocks.Rows;
        new Span<byte>(scratch.Memory + ExpandedBytes, RowSumBytes).Clear();
        for (int row = 0; row < rows; row += atOnce)
        {
            for (int run = first; run < end; run++)
                Run(run, Math.Min(run + 1, end - 1), row, Math.Min(rows, row + atOnce), scratch.Memory);
        }

        room.ReturnScratch(number);
    }

    /// <param name="next">The run that comes afterwards.</param>
    private void Run(int run, int next, int firstRow, int endRow, byte* scratch)
    {
        int firstPanel = run * RunPanels, panels = Math.Min(RunPanels, weight.Panels - firstPanel), blocks = Blocks(endRow - firstRow);
        int firstOutput = firstPanel * PackedLayout.PanelOutputs, outputs = Math.Min(panels * PackedLayout.PanelOutputs, weight.Outputs - firstOutput);
        float* target = output + ((long)firstRow * weight.Outputs) + firstOutput, sums = (float*)(scratch + ExpandedBytes + RowSumBytes);

        // The last piece writes where the outputs go, but what is no whole panel or block of rows.
        int direct = outputs == panels * PackedLayout.PanelOutputs ? (endRow - firstRow) / RowBlocks.Rows : 0;
        for (int input = 0; input < weight.Inputs; input += PieceInputs)
        {
            int some = Math.Min(PieceInputs, weight.Inputs - input);
            bool isLast = input + some == weight.Inputs;
            var task = new IntegerBlockTask
            {
                Values = scratch,
                Scales = (float*)(scratch + (RunPanels * IntegerBlockKernel.PanelValueBytes)),
                Rows = room.Blocks(weight.Inputs).Block(firstRow / RowBlocks.Rows) + (input / PackedLayout.GroupInputs * RowBlocks.GroupBytes),
                RowsSkip = room.Blocks(weight.Inputs).BlockBytes - (some / PackedLayout.GroupInputs * RowBlocks.GroupBytes),
                Groups = some / PackedLayout.GroupInputs,
                Before = input == 0 ? (float*)(scratch + ExpandedBytes) : sums,
                BeforeStride = input == 0 ? 0 : RowSumBytes,
                NextStep = (PackedLayout.ValueBytes(weight.Format, some) / (blocks * (some / PackedLayout.GroupInputs))) + 1,
            };
            for (int panel = 0; panel < panels; panel++)
            {
                Expand(firstPanel + panel, input, some, task.Values + (panel * IntegerBlockKernel.PanelValueBytes), task.Scales + (panel * (IntegerBlockKernel.PanelScaleBytes / sizeof(float))));
                task.Next[panel] = (long)Values(Math.Min(((isLast ? next : run) * RunPanels) + panel, weight.Panels - 1), isLast ? 0 : input + some);
            }

            int written = isLast ? direct : 0;
            Multiply(task, panels, 0, written, target, weight.Outputs);
            Multiply(task, panels, written, blocks, sums, RowSumSingles);
        }

        for (int row = direct * RowBlocks.Rows; row < endRow - firstRow; row++)
            new ReadOnlySpan<float>(sums + (row * RowSumSingles), outputs).CopyTo(new Span<float>(target + ((long)row * weight.Outputs), outputs));
    }

    /// <summary>Blocks <paramref name="first"/> to <paramref name="end"/> − 1.</summary>
    private void Multiply(IntegerBlockTask task, int panels, int first, int end, float* sums, int stride)
    {
        if (first >= end)
            return;
        task.Rows += first * room.Blocks(weight.Inputs).BlockBytes;
        task.Before += first * RowBlocks.Rows * task.BeforeStride / sizeof(float);
        task.Sums = sums + ((long)first * RowBlocks.Rows * stride);
        task.SumsStride = stride * sizeof(float);
        task.Blocks = end - first;
        IntegerBlockKernel.For(weight.Format, panels)(&task);
    }

    private void Expand(int panel, int input, int some, byte* values, float* scales)
    {
        PanelScales.Expand(weight.Format, weight.Panel(panel) + PackedLayout.ScaleBytes(weight.Format, input), some, scales);
        PanelValues.ExpandUnsigned(weight.Format, Values(panel, input), some, values);
    }

    private byte* Values(int panel, int input) => weight.Panel(panel) + PackedLayout.ScaleBytes(weight.Format, weight.Inputs) + PackedLayout.ValueBytes(weight.Format, input);

    private static int Blocks(int rows) => (rows + RowBlocks.Rows - 1) / RowBlocks.Rows;
}
