using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class ElementwiseTests
{
    [Fact]
    public void Sums_and_multiples_of_any_length_are_rounded_once()
    {
        foreach (int count in new[] { 1, 15, 16, 33, 100 })
        {
            float[] first = Widths.Random(new Random(1), count), second = Widths.Random(new Random(2), count);
            using NativeBuffer<float> source = Widths.Buffer(second);
            float[] added = Over(first, data => Elementwise.Add(data, source.Data, count));
            float[] scaled = Over(first, data => Elementwise.AddScaled(data, source.Data, 0.3f, count));
            float[] multiplied = Over(first, data => Elementwise.Scale(data, 0.3f, count));
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(first[i] + second[i], added[i]);
                Assert.Equal(MathF.FusedMultiplyAdd(second[i], 0.3f, first[i]), scaled[i]);
                Assert.Equal(first[i] * 0.3f, multiplied[i]);
            }
        }
    }

    [Fact]
    public void A_bias_is_added_to_each_row()
    {
        using NativeBuffer<float> bias = Widths.Buffer([10f, 20f, 30f]);
        Assert.Equal([11, 22, 33, 14, 25, 36], Over([1, 2, 3, 4, 5, 6], data => Elementwise.AddToRows(data, bias.Data, 2, 3)));
    }

    private delegate void Kernel(float* data);

    private static float[] Over(float[] values, Kernel kernel) => Widths.Same(values.Length, output =>
    {
        values.CopyTo(output.Slice(0, values.Length));
        kernel(output.Data);
    });
}
