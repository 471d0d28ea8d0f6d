namespace Fairlead.Engine.Tests.Kernels;

/// <summary>The functions of the kernels in double precision, for the tests to compare with.</summary>
internal static class ExactFunctions
{
    /// <summary>erf by its Taylor series where that converges quickly, by the continued fraction of erfc elsewhere (Abramowitz and Stegun 7.1.5, 7.1.14): 1e-13.</summary>
    internal static double Erf(double x)
    {
        if (double.IsNaN(x))
            return x;
        double size = Math.Abs(x);
        if (size > 6)
            return Math.Sign(x);
        if (size < 2.5)
        {
            double term = x, sum = x;
            for (int n = 1; n < 100; n++)
            {
                term *= -x * x / n;
                sum += term / ((2 * n) + 1);
            }

            return 2 / Math.Sqrt(Math.PI) * sum;
        }

        double fraction = 0;
        for (int n = 200; n > 0; n--)
            fraction = n / 2.0 / (size + fraction);
        return Math.Sign(x) * (1 - (Math.Exp(-size * size) / Math.Sqrt(Math.PI) / (size + fraction)));
    }
}
