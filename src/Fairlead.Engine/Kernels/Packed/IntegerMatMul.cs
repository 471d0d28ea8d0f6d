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

    /// <summary>Several products of the same rows, which are quantised once, and what follows on each.</summary>
    /// <param name="products">Of matrices with the same number of inputs, of which each two take the same (<see cref="TakeTheSame"/>).</param>
    /// <param name="next">What is multiplied afterwards, where that is known.</param>
    public static void MultiplyAll(ReadOnlySpan<RowProduct> products, float* input, int rows, QuantizedRows room, WorkCrew? crew, ReadAhead next = default)
    {
        PackedMatrix one = products[0].Weight;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, room.Rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(one.Inputs, room.Inputs);
        bool inBlocks = GoInBlocks(one.Format, rows);
        var quantising = new Quantising(input, one, room, inBlocks);
        if (crew is { Threads: > 1 } && (long)rows * one.Inputs >= WorthSharing)
        {
            crew.Run(rows, quantising);
        }
        else
        {
            for (int row = 0; row < rows; row++)
                quantising.Do(row);
        }

        int panels = 0;
        long outputs = 0;
        foreach (RowProduct product in products)
        {
            panels += product.Weight.Panels;
            outputs += product.Weight.Outputs;
        }

        WorkCrew? sharing = crew is { Threads: > 1 } && outputs * one.Inputs * rows >= WorthSharing ? crew : null;
        if (inBlocks)
        {
            foreach (RowProduct product in products)
                MultiplyInBlocks(product, rows, room, sharing);
        }
        else
        {
            var work = new Products(products, rows, room);
            if (sharing is not null)
                sharing.Share(panels, work, next);
            else
                work.Do(0, panels);
        }
    }

    /// <summary>Whether rows that were quantised for weights of one form are so for the other.</summary>
    public static bool TakeTheSame(PackedFormat one, PackedFormat other, int rows) => one == other || (!GoInBlocks(one, rows) && !GoInBlocks(other, rows));

    private static void MultiplyInBlocks(in RowProduct product, int rows, QuantizedRows room, WorkCrew? crew)
    {
        int parts = crew is null ? 1 : Math.Min(BlockPanels.RunsOf(product.Weight), crew.Threads * 8);
        var work = new BlockPanels(product.Weight, product.Output, rows, room, parts);
        if (crew is not null)
            crew.Run(parts, work);
        else
            work.Do(0);
        if (product.HasMore)
            RowCrew.Run(rows, product.Weight.Outputs, product, crew);
    }

    private static bool GoInBlocks(PackedFormat format, int rows) => KernelChoice.Family == KernelFamily.Avx512 && rows >= BlockPanels.FewestRows(format);

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

    /// <summary>A part is a panel of one matrix or another. A thread does neighbouring ones together, and so reads one stream of weights.</summary>
    private readonly ref struct Products(ReadOnlySpan<RowProduct> products, int rows, QuantizedRows room) : IRowWork
    {
        private readonly ReadOnlySpan<RowProduct> _products = products;

        public void Do(int first, int end)
        {
            PanelScratch scratch = room.TakeScratch(out int number);
            foreach (RowProduct product in _products)
            {
                int own = product.Weight.Panels, from = Math.Max(first, 0), to = Math.Min(end, own);
                if (from < to)
                {
                    new Panels(product.Weight, product.Output, rows, room).Do(from, to, scratch);
                    product.Finish(0, rows, from * PackedLayout.PanelOutputs, Math.Min(to * PackedLayout.PanelOutputs, product.Weight.Outputs));
                }

                (first, end) = (first - own, end - own);
            }

            room.ReturnScratch(number);
        }
    }

    /// <summary>Some panels of a matrix, for all rows.</summary>
    private readonly struct Panels(PackedMatrix weight, float* output, int rows, QuantizedRows room)
    {
        public void Do(int first, int end, PanelScratch scratch)
        {
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
