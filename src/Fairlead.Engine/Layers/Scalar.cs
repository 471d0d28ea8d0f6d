namespace Fairlead.Engine.Layers;

/// <summary>The element-wise functions of the layers, one value at a time.</summary>
internal static unsafe class Scalar
{
    /// <summary><c>x ← f(x)</c> for <paramref name="count"/> values.</summary>
    public static void Apply(Activation activation, float* x, long count)
    {
        switch (activation)
        {
            case Activation.Silu:
                for (long i = 0; i < count; i++)
                    x[i] = (float)(x[i] / (1 + Math.Exp(-x[i])));
                break;
            case Activation.Gelu:
                for (long i = 0; i < count; i++)
                    x[i] = (float)(0.5 * x[i] * (1 + Erf(x[i] * 0.70710678118654752)));
                break;
            case Activation.GeluTanh:
                for (long i = 0; i < count; i++)
                    x[i] = (float)(0.5 * x[i] * (1 + Math.Tanh(0.79788456080286536 * (x[i] + (0.044715 * x[i] * x[i] * x[i])))));
                break;
            default:
                for (long i = 0; i < count; i++)
                    x[i] = Math.Max(x[i], 0);
                break;
        }
    }

    /// <summary>The error function within 1.5e-7 (Abramowitz and Stegun 7.1.26).</summary>
    private static double Erf(double x)
    {
        double t = 1 / (1 + (0.3275911 * Math.Abs(x)));
        double y = 1 - (((((((((1.061405429 * t) - 1.453152027) * t) + 1.421413741) * t) - 0.284496736) * t) + 0.254829592) * t * Math.Exp(-x * x));
        return x < 0 ? -y : y;
    }
}
