using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>Every width of vector that this machine can run, one after the other. Tests that use it, or choose a family of kernels, run while no other does: the choice is the process's.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Widths
{
    public const string Name = "kernels";

    /// <summary>The families this machine runs, the scalar one first.</summary>
    public static IEnumerable<SimdFamily> All => Enum.GetValues<SimdFamily>().Where(family => family <= Simd.Best);

    /// <summary>Computes <paramref name="kernel"/> in every width; the bits must be those of the scalar one, which are returned.</summary>
    internal static float[] Same(int outputs, Action<NativeBuffer<float>> kernel)
    {
        float[]? scalar = null;
        SimdFamily before = Simd.Family;
        try
        {
            foreach (SimdFamily family in All)
            {
                Simd.Family = family;
                using var output = new NativeBuffer<float>(outputs);
                kernel(output);
                float[] result = output.Slice(0, outputs).ToArray();
                if (scalar is null)
                    scalar = result;
                else
                    AssertSameBits(scalar, result, family.ToString());
            }
        }
        finally
        {
            Simd.Family = before;
        }

        return scalar!;
    }

    /// <summary>Equal in every bit; of what is no number there are many, and they count as one.</summary>
    internal static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(actual[i]) || (float.IsNaN(expected[i]) && float.IsNaN(actual[i]));
            if (!same)
                Assert.Fail($"{what}: value {i} is {actual[i]:R}, expected {expected[i]:R}");
        }
    }

    /// <summary>|actual − expected| ≤ absolute + relative · |expected|, and no numbers and infinities in the same places.</summary>
    internal static void AssertNear(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double absolute, double relative, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool near = double.IsFinite(expected[i])
                ? Math.Abs(actual[i] - expected[i]) <= absolute + (relative * Math.Abs(expected[i]))
                : double.IsNaN(expected[i]) ? float.IsNaN(actual[i]) : actual[i] == expected[i];
            if (!near)
                Assert.Fail($"{what}: value {i} is {actual[i]:R}, expected {expected[i]:R}");
        }
    }

    /// <summary>A buffer with the values in it.</summary>
    internal static NativeBuffer<float> Buffer(ReadOnlySpan<float> values)
    {
        var buffer = new NativeBuffer<float>(values.Length);
        values.CopyTo(buffer.Slice(0, values.Length));
        return buffer;
    }

    /// <summary>Values between −size and size.</summary>
    internal static float[] Random(Random random, int count, float size = 1f) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1) * size)];
}
