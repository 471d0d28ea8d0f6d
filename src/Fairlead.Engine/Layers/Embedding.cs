using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>A row of a table for each index: tokens, or learned positions.</summary>
internal sealed unsafe class Embedding(TensorView table)
{
    /// <summary>Writes row <paramref name="index"/> of the table times <paramref name="scale"/>.</summary>
    public void Read(int index, float scale, Span<float> row)
    {
        fixed (float* to = row)
        {
            BlockDecoder.Row(table.Type, table.Data + (index * table.RowBytes), to, row.Length);
            if (scale != 1)
                Elementwise.Scale(to, scale, row.Length);
        }
    }

    /// <summary>Adds row <paramref name="index"/> of the table to <paramref name="row"/>; <paramref name="room"/>, as long, is overwritten.</summary>
    public void Add(int index, Span<float> row, Span<float> room)
    {
        fixed (float* to = row, decoded = room)
        {
            BlockDecoder.Row(table.Type, table.Data + (index * table.RowBytes), decoded, row.Length);
            Elementwise.Add(to, decoded, row.Length);
        }
    }
}
