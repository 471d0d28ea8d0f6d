using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>Panels hold what was stored, where the documentation of their form says.</summary>
public sealed class PackerTests
{
    public static TheoryData<ElementType, PackedFormat> Forms => new()
    {
        { ElementType.Q8_0, PackedFormat.Eight },
        { ElementType.Q4_0, PackedFormat.Four },
        { ElementType.Q4_K, PackedFormat.FourWithMinimum },
        { ElementType.Q5_K, PackedFormat.FiveWithMinimum },
        { ElementType.Q6_K, PackedFormat.Six },
        { ElementType.F32, PackedFormat.Single },
        { ElementType.F16, PackedFormat.Half },
        { ElementType.BF16, PackedFormat.Brain },
        { ElementType.BF16, PackedFormat.BrainTiles },
        { ElementType.F32, PackedFormat.BrainPairTiles },
        { ElementType.F16, PackedFormat.HalfTiles },
    };

    [Fact]
    public void Every_form_is_among_them() => Assert.Equal(Enum.GetValues<PackedFormat>(), Forms.Select(static form => form.Data.Item2).Distinct().Order());

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_weight_is_found_where_its_form_says_and_the_last_panel_is_filled_up_with_zeros(ElementType type, PackedFormat format)
    {
        int unit = BlockLayout.Of(type).Values;
        foreach (int outputs in (int[])[1, 15, 16, 17, 37])
        {
            foreach (int inputs in (int[])(unit > 1 ? [unit, 3 * unit, 5 * unit] : [1, 2, 15, 31, 32, 33, 45, 257]))
            {
                using var stored = new RandomWeights(type, outputs, inputs, seed: (outputs * 1000) + inputs);
                using NativeBuffer<byte> packed = FloatMatMulTests.Pack(stored.View, format, out PackedMatrix matrix);
                for (int o = 0; o < matrix.Panels * 16; o++)
                {
                    float[] expected = o < outputs ? stored.Row(o) : new float[inputs];
                    for (int i = 0; i < inputs; i++)
                    {
                        double read = PanelReading.Of(matrix, o, i).Weight;
                        bool same = format == PackedFormat.BrainPairTiles ? read == Pair(expected[i]) : (float)read == expected[i];
                        Assert.True(same, $"{type} as {format} [{outputs} × {inputs}]: weight {i} of output {o} is {read:R}, stored was {expected[i]:R}");
                    }
                }
            }
        }
    }

    /// <summary>A form that is made for tiles ends with zeros in its last 32 inputs, which are multiplied too.</summary>
    [Theory]
    [InlineData(ElementType.BF16, PackedFormat.BrainTiles)]
    [InlineData(ElementType.F32, PackedFormat.BrainPairTiles)]
    [InlineData(ElementType.F16, PackedFormat.HalfTiles)]
    public void Behind_the_last_input_a_tile_holds_zeros(ElementType type, PackedFormat format)
    {
        const int Outputs = 17, Inputs = 45;
        using var stored = new RandomWeights(type, Outputs, Inputs, seed: 9);
        using var packed = new NativeBuffer<byte>(PackedLayout.BytesFor(format, Outputs, Inputs));
        packed.Slice(0, (int)packed.Length).Fill(0x3f);
        unsafe
        {
            var matrix = new PackedMatrix(format, Outputs, Inputs, (nint)packed.Data);
            WeightPacker.Pack(stored.View, transposed: false, matrix, 0, matrix.Panels);
            for (int o = 0; o < 32; o++)
            {
                for (int i = Inputs; i < 64; i++)
                    Assert.Equal(0, PanelReading.Of(matrix, o, i).Weight);
            }
        }
    }

    /// <summary>Two brain floats for a single: the nearest, and the nearest to what it leaves, ties away from zero.</summary>
    private static double Pair(float value)
    {
        float first = Nearest(value);
        return (double)first + Nearest(value - first);

        static float Nearest(float number) => BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(number) + 0x8000) & 0xffff0000);
    }
}
