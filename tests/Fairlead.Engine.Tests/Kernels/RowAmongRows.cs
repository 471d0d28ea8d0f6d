using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>A row has the same bits alone and anywhere among others, with any number of threads.</summary>
internal static unsafe class RowAmongRows
{
    /// <summary>Multiplies one row alone, and then at each place of a batch, with the caller alone and with <paramref name="crew"/>.</summary>
    public static void AssertSameBits(PackedMatrix matrix, Phase phase, QuantizedRows room, WorkCrew crew, IEnumerable<(int Rows, int Place)> batches)
    {
        float[] row = Widths.Random(new Random(4), matrix.Inputs);
        using NativeBuffer<float> single = Widths.Buffer(row);
        using var alone = new NativeBuffer<float>(matrix.Outputs);
        PackedMatMul.Multiply(matrix, single.Data, alone.Data, 1, phase, room, null);
        foreach ((int rows, int place) in batches)
        {
            float[] batch = Widths.Random(new Random(rows), matrix.Inputs * rows, 100f);
            row.CopyTo(batch, place * matrix.Inputs);
            using NativeBuffer<float> input = Widths.Buffer(batch);
            using var output = new NativeBuffer<float>((long)matrix.Outputs * rows);
            foreach (WorkCrew? who in new[] { null, crew })
            {
                PackedMatMul.Multiply(matrix, input.Data, output.Data, rows, phase, room, who);
                Widths.AssertSameBits(alone.Slice(0, matrix.Outputs), output.Slice(place * matrix.Outputs, matrix.Outputs), $"{matrix.Format} at {place} of {rows}");
            }
        }
    }

    /// <summary>A place in the middle of a batch of so many rows, and the last one.</summary>
    public static (int Rows, int Place)[] MiddleAndEnd(int rows) => [(rows, rows * 5 / 7), (rows, rows - 1)];
}
