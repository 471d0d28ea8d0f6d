using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Activations as bytes times panels of the integer forms, with the kernels of the family that was chosen.</summary>
internal static unsafe class IntegerMatMul
{
    /// <summary>Multiply-adds below which another thread would come too late to help: a few microseconds of one.</summary>
    private const long WorthSharing = 1 << 17;

    /// <summary>From so many rows on tiles are faster than vectors of 512 bits (measured on Emerald Rapids): half a tile costs what a whole one does.</summary>
    private const int RowsForTiles = 12;

    /// <summary>The same where a panel has to be expanded for tiles; vectors take it as it is.</summary>
    private const int RowsForExpandedTiles = 32;

    /// <summary>Activations that are multiplied with one panel after another stay in the second-level cache: at most so many bytes at a time.</summary>
    private const int ActivationBytes = 512 << 10;

    /// <summary>See <see cref="PackedMatMul.Multiply"/>.</summary>
    public static void Multiply(in PackedMatrix weight, float* input, float* output, int rows, QuantizedRows room, WorkCrew? crew)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, room.Rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(weight.Inputs, room.Inputs);
        var quantising = new Quantising(input, weight, room, GoInBlocks(weight.Format, rows));
        if (crew is { Threads: > 1 } && (long)rows * weight.Inputs >= WorthSharing)
        {
            crew.Run(rows, quantising);
        }
        else
        {
            for (int row = 0; row < rows; row++)
                quantising.Do(row);
        }

        MultiplyQuantised(weight, output, rows, room, crew);
    }

    /// <summary>Whether rows that were quantised for weights of one form are so for the other.</summary>
    public static bool TakeTheSame(PackedFormat one, PackedFormat other, int rows) => one == other || (!GoInBlocks(one, rows) && !GoInBlocks(other, rows));

    /// <summary>The rows that <paramref name="room"/> has from a product with another matrix of as many inputs, see <see cref="TakeTheSame"/>.</summary>
    public static void MultiplyQuantised(in PackedMatrix weight, float* output, int rows, QuantizedRows room, WorkCrew? crew)
    {
        bool inBlocks = GoInBlocks(weight.Format, rows), shared = crew is { Threads: > 1 } && (long)weight.Outputs * weight.Inputs * rows >= WorthSharing;
        int parts = shared ? Math.Min(inBlocks ? BlockPanels.RunsOf(weight) : weight.Panels, crew!.Threads * 8) : 1;
        if (inBlocks)
            Run(new BlockPanels(weight, output, rows, room, parts), parts, shared ? crew : null);
        else
            Run(new Panels(weight, output, rows, room, parts), parts, shared ? crew : null);
    }

    private static bool GoInBlocks(PackedFormat format, int rows) => KernelChoice.Family == KernelFamily.Avx512 && rows >= BlockPanels.FewestRows(format);

    private static void Run<W>(W work, int parts, WorkCrew? crew)
        where W : struct, IWork
    {
        if (crew is not null)
            crew.Run(parts, work);
        else
            work.Do(0);
    }

    private readonly struct Quantising(float* input, PackedMatrix weight, QuantizedRows room, bool inBlocks) : IWork
    {
        public void Do(int row)
        {
            float* from = input + ((long)row * weight.Inputs);
            if (inBlocks)
                ActivationQuantizer.Row(from, weight.Inputs, room.Blocks(weight.Inputs), row, weight.Format);
            else
                ActivationQuantizer.Row(from, weight.Inputs, room, row);
        }
    }

    /// <summary>A part is a run of panels, so that a thread reads one stream of weights.</summary>
    private readonly struct Panels(PackedMatrix weight, float* output, int rows, QuantizedRows room, int parts) : IWork
    {
        public void Do(int part)
        {
            PanelScratch scratch = room.TakeScratch(out int number);
            int first = (int)((long)weight.Panels * part / parts), end = (int)((long)weight.Panels * (part + 1) / parts);
            int atOnce = Math.Max(16, ActivationBytes / QuantizedRows.StrideOf(weight.Inputs) / 16 * 16);
            for (int row = 0; row < rows; row += atOnce)
            {
                int endRow = Math.Min(rows, row + atOnce), panel = first;
                if (IsWide(endRow - row))
                {
                    panel = Math.Max(first, Math.Min(end, weight.Outputs / PackedLayout.PanelOutputs)); // the last one may be a part of a panel
                    WidePanel.Multiply(weight, first, panel - first, room, output + (first * PackedLayout.PanelOutputs), weight.Outputs, row, endRow);
                }

                for (; panel < end; panel++)
                    Panel(panel, row, endRow, scratch);
            }

            room.ReturnScratch(number);
        }

        private void Panel(int panel, int firstRow, int endRow, PanelScratch scratch)
        {
            int outputs = Math.Min(PackedLayout.PanelOutputs, weight.Outputs - (panel * PackedLayout.PanelOutputs));
            bool isFull = outputs == PackedLayout.PanelOutputs;
            float* target = output + (panel * PackedLayout.PanelOutputs), to = isFull ? target : scratch.Outputs;
            long stride = isFull ? weight.Outputs : PackedLayout.PanelOutputs;
            if (IsWide(endRow - firstRow))
                WidePanel.Multiply(weight, panel, 1, room, to, stride, firstRow, endRow);
            else if (KernelChoice.Family is KernelFamily.Avx2 or KernelFamily.AvxVnni)
                VectorPanel.Multiply(KernelChoice.Family == KernelFamily.AvxVnni, weight, panel, scratch, room, to, stride, firstRow, endRow);
            else
                Expanded(weight.Panel(panel), to, stride, firstRow, endRow, TakesTiles(endRow - firstRow), scratch);
            for (int row = firstRow; !isFull && row < endRow; row++)
                new ReadOnlySpan<float>(scratch.Outputs + (row * PackedLayout.PanelOutputs), outputs).CopyTo(new Span<float>(target + ((long)row * weight.Outputs), outputs));
        }

        /// <summary>Whether so many rows are multiplied by vectors of 512 bits.</summary>
        private bool IsWide(int some) => KernelChoice.Family is KernelFamily.Avx512 or KernelFamily.Amx && !TakesTiles(some);

        private bool TakesTiles(int some) => KernelChoice.Family == KernelFamily.Amx && some >= FewestRowsForTiles && TilePanel.Takes(weight.Inputs, weight.Format == PackedFormat.Six);

        private int FewestRowsForTiles => weight.Format == PackedFormat.Eight ? RowsForTiles : RowsForExpandedTiles;

        /// <summary>With the kernels that take scales as singles and the values of some forms as bytes.</summary>
        private void Expanded(byte* stored, float* to, long stride, int firstRow, int endRow, bool tiles, PanelScratch scratch)
        {
            PanelScales.Expand(weight.Format, stored, weight.Inputs, scratch.Scales);
            byte* values = Values(stored + PackedLayout.ScaleBytes(weight.Format, weight.Inputs), tiles, scratch, out ValueForm form);
            var task = new PanelTask
            {
                Values = values,
                Form = form,
                Scales = scratch.Scales,
                HasMinimums = PanelScales.HasMinimums(weight.Format),
                HalfGroups = weight.Format == PackedFormat.Six,
                Inputs = weight.Inputs,
                Rows = room,
                Output = to,
                OutputStride = stride,
            };
            if (tiles)
                TilePanel.Multiply(task, firstRow, endRow);
            else if (KernelChoice.Family == KernelFamily.Neon)
                NarrowPanel<ArmDot>.Multiply(task, firstRow, endRow);
            else
                ScalarPanel.Multiply(task, firstRow, endRow);
        }

        /// <summary>Where the kernel reads the values: where they lie, or expanded.</summary>
        private byte* Values(byte* values, bool tiles, PanelScratch scratch, out ValueForm form)
        {
            form = weight.Format switch
            {
                PackedFormat.Four when !tiles => ValueForm.CentredNibbles,
                PackedFormat.FourWithMinimum when !tiles => ValueForm.Nibbles,
                _ => ValueForm.Bytes,
            };
            if (form != ValueForm.Bytes || weight.Format == PackedFormat.Eight)
                return values;
            PanelValues.Expand(weight.Format, values, weight.Inputs, scratch.Values);
            return (byte*)scratch.Values;
        }
    }
}
