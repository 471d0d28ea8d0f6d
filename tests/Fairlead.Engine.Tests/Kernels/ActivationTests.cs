using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class ActivationTests
{
    private static readonly float[] s_special =
        [0f, -0f, 1e-45f, -1e-45f, 1e-20f, 1f, -1f, 30f, -30f, 87f, -87f, 88.3f, -88.3f, 88.5f, -88.5f, 89f, -89f, 104f, -104f, 1e4f, -1e4f, 3e18f, float.NaN];

    [Fact]
    public void Every_function_is_within_a_millionth_of_the_exact_one_in_every_width()
    {
        float[] values = [.. s_special, .. Widths.Random(new Random(1), 1000, 10f), .. Widths.Random(new Random(2), 1000, 1f), .. Widths.Random(new Random(3), 500, 100f)];
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            float[] result = Widths.Same(values.Length, output =>
            {
                values.CopyTo(output.Slice(0, values.Length));
                Activations.Apply(activation, output.Data, values.Length);
            });
            for (int i = 0; i < values.Length; i++)
            {
                double exact = Exact(activation, values[i]);
                Widths.AssertNear([exact], result.AsSpan(i, 1), 1e-6, 1e-6, $"{activation} of {values[i]:R}");
            }
        }
    }

    [Fact]
    public void A_gate_multiplies_what_came_up_and_may_be_written_over_either()
    {
        float[] gates = Widths.Random(new Random(1), 117, 5f), ups = Widths.Random(new Random(2), 117, 5f);
        using NativeBuffer<float> gate = Widths.Buffer(gates), up = Widths.Buffer(ups);
        float[] result = Widths.Same(117, output => Activations.Gate(Activation.Silu, gate.Data, up.Data, output.Data, 117));
        for (int i = 0; i < 117; i++)
            Assert.Equal(Exact(Activation.Silu, gates[i]) * ups[i], result[i], 1e-5);
        Widths.AssertSameBits(result, Widths.Same(117, output =>
        {
            ups.CopyTo(output.Slice(0, 117));
            Activations.Gate(Activation.Silu, gate.Data, output.Data, output.Data, 117);
        }), "over up");
    }

    [Fact]
    public void A_soft_cap_is_the_tangent_it_should_be()
    {
        float[] values = [0f, 1f, -1f, 29f, 1000f, -1000f, float.PositiveInfinity, float.NegativeInfinity, float.NaN, .. Widths.Random(new Random(1), 100, 60f)];
        float[] result = Widths.Same(values.Length, output =>
        {
            values.CopyTo(output.Slice(0, values.Length));
            Activations.SoftCap(30f, output.Data, values.Length);
        });
        Widths.AssertNear([.. values.Select(value => 30 * Math.Tanh(value / 30d))], result, 1e-5, 0, "cap 30");
    }

    [Fact]
    public void Names_of_configurations_that_mean_the_same_are_one_function_and_unknown_ones_are_none()
    {
        foreach (string name in new[] { "gelu_new", "gelu_pytorch_tanh", "gelu_fast" })
            Assert.True(Activations.TryParse(name, out Activation activation) && activation == Activation.GeluTanh);
        Assert.True(Activations.TryParse("swish", out Activation silu) && silu == Activation.Silu);
        Assert.False(Activations.TryParse("mish", out _));
    }

    [Fact]
    public void The_exponential_is_within_two_units_of_the_last_place_and_the_error_function_within_its_bound()
    {
        for (float x = -87.3f; x < 88.3f; x += 0.00917f)
        {
            double exact = Math.Exp(x);
            float actual = LaneMath.Exp<Lanes1, float>(x);
            Assert.True(Math.Abs(actual - exact) <= 2 * (MathF.BitIncrement((float)exact) - (float)exact), $"exp {x:R} is {actual:R}, exactly {exact:R}");
        }

        for (float x = -6f; x < 6f; x += 0.00037f)
            Assert.True(Math.Abs(LaneMath.Erf<Lanes1, float>(x) - ExactFunctions.Erf(x)) <= 5e-7, $"erf {x:R} is {LaneMath.Erf<Lanes1, float>(x):R}");
        Assert.Equal(0f, LaneMath.Exp<Lanes1, float>(float.NegativeInfinity));
        Assert.Equal(float.PositiveInfinity, LaneMath.Exp<Lanes1, float>(float.PositiveInfinity));
        Assert.True(float.IsNaN(LaneMath.Exp<Lanes1, float>(float.NaN)));
    }

    private static double Exact(Activation activation, double x) => activation switch
    {
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Gelu => x / 2 * (1 + ExactFunctions.Erf(x / Math.Sqrt(2))),
        Activation.GeluTanh => x / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        Activation.QuickGelu => x / (1 + Math.Exp(-1.702 * x)),
        Activation.Relu => x < 0 ? 0 : x,
        Activation.SquaredRelu => x < 0 ? 0 : x * x,
        Activation.Tanh => Math.Tanh(x),
        _ => 1 / (1 + Math.Exp(-x)),
    };
}
