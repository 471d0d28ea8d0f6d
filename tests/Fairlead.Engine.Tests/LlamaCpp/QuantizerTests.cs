using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.LlamaCpp;

/// <summary>The files that both engines read must hold what they are meant to hold, or the comparison shows little.</summary>
public sealed unsafe class QuantizerTests
{
    [Fact]
    public void Values_come_back_within_a_step_of_their_type()
    {
        // relative to the largest of a block, which the values of a block stay near to
        Dictionary<ElementType, double> steps = new()
        {
            [ElementType.F32] = 0, [ElementType.F16] = 0.001, [ElementType.BF16] = 0.008, [ElementType.Q8_0] = 0.006, [ElementType.Q4_0] = 0.13, [ElementType.Q4_1] = 0.08,
            [ElementType.Q5_0] = 0.065, [ElementType.Q5_1] = 0.04, [ElementType.Q4_K] = 0.12, [ElementType.Q5_K] = 0.07, [ElementType.Q6_K] = 0.05,
        };
        float[] values = Kernels.Widths.Random(new Random(5), 2048);
        foreach ((ElementType type, double step) in steps)
        {
            byte[] bytes = Quantizer.Encode(type, values);
            float[] back = new float[values.Length];
            fixed (byte* data = bytes)
                Dequantize.Row(type, data, back);
            double worst = values.Zip(back, static (a, b) => Math.Abs(a - b)).Max();
            Assert.True(worst <= step, $"{type}: off by {worst}, allowed {step}");
        }
    }
}
