using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>A row of a table for each index: tokens, or learned positions.</summary>
internal sealed unsafe class Embedding(TensorView table)
{
    /// <summary>Writes row <paramref name="index"/> of the table times <paramref name="scale"/>.</summary>
    public void Read(int index, float scale, Span<float> row)
    {
        Dequantize.Row(table.Type, table.Data + (index * table.RowBytes), row);
        if (scale != 1)
        {
            foreach (ref float value in row)
                value *= scale;
        }
    }

    /// <summary>Adds row <paramref name="index"/> of the table to <paramref name="row"/>; <paramref name="room"/> is overwritten.</summary>
    public void Add(int index, Span<float> row, Span<float> room)
    {
        Dequantize.Row(table.Type, table.Data + (index * table.RowBytes), room);
        for (int i = 0; i < row.Length; i++)
            row[i] += room[i];
    }
}
