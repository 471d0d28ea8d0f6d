using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;
using Activation = Fairlead.Engine.Kernels.Activation;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class RowProductTests
{
    private const int Inputs = 96, Rows = 70;

    [Theory]
    [InlineData(ElementType.F32, PackedFormat.Single, false)]
    [InlineData(ElementType.F16, PackedFormat.HalfTiles, true)]
    [InlineData(ElementType.F32, PackedFormat.BrainPairTiles, true)]
    [InlineData(ElementType.BF16, PackedFormat.BrainTiles, true)]
    public void Products_that_are_made_together_have_the_bits_of_each_made_alone(ElementType type, PackedFormat format, bool isTiles)
    {
        Assert.SkipUnless(!isTiles || KernelChoice.Available.Contains(KernelFamily.Amx), "this processor or system has no tiles");
        using var crew = new WorkCrew(3);
        using var room = new QuantizedRows(Rows, 1, 3, BrainMatMul.RoomBytes(PackedFormat.BrainPairTiles, Rows, Inputs));
        int[] outputs = [160, 37, 16]; // one, and its part of a pair, ends within a panel
        var random = new Random(5);
        using NativeBuffer<float> input = Widths.Buffer(Widths.Random(random, Rows * Inputs)), biases = Widths.Buffer(Widths.Random(random, 160));
        var weights = Array.ConvertAll(outputs, count => new RandomWeights(type, count, Inputs, seed: count));
        var matrices = new PackedMatrix[outputs.Length];
        NativeBuffer<byte>[] packed = [.. weights.Select((stored, i) => FloatMatMulTests.Pack(stored.View, format, out matrices[i]))];
        NativeBuffer<float>[] alone = Array.ConvertAll(outputs, static count => new NativeBuffer<float>(Rows * count)), together = Array.ConvertAll(outputs, static count => new NativeBuffer<float>(Rows * count));
        try
        {
            for (int i = 0; i < outputs.Length; i++)
            {
                PackedMatMul.Multiply(matrices[i], input.Data, alone[i].Data, Rows, Phase.Decode, room, null);
                if (i != 2)
                    Elementwise.AddToRows(alone[i].Data, biases.Data, Rows, outputs[i]);
                if (i == 1)
                    Activations.Apply(Activation.Gelu, alone[i].Data, Rows * outputs[i]);
            }

            foreach (WorkCrew? workers in (WorkCrew?[])[null, crew])
            {
                RowProduct[] products =
                [
                    new(matrices[0], together[0].Data, biases.Data), new(matrices[1], together[1].Data, biases.Data, Activation.Gelu), new(matrices[2], together[2].Data),
                ];
                PackedMatMul.MultiplyAll(products, input.Data, Rows, Phase.Decode, room, workers);
                for (int i = 0; i < outputs.Length; i++)
                {
                    Widths.AssertSameBits(alone[i].Slice(0, Rows * outputs[i]), together[i].Slice(0, Rows * outputs[i]), $"{format} {i}");
                    together[i].Slice(0, Rows * outputs[i]).Clear();
                }
            }
        }
        finally
        {
            foreach (IDisposable one in (IDisposable[])[.. weights, .. packed, .. alone, .. together])
                one.Dispose();
        }
    }
}
