using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>Rotary position embedding: pairs of values of a query or key are turned by an angle that grows with the position.</summary>
/// <remarks>
/// Value i is paired with value i + half, as Hugging Face files have it; GGUF's readers undo that format's other order.
/// Frequencies and angles are computed in single precision like the reference implementation (<c>modeling_rope_utils.py</c>): at position
/// 100,000 its rounding of the angle is larger than any tolerance, and models were trained with it.
/// </remarks>
internal sealed unsafe class Rope : IDisposable
{
    private readonly float[] _frequencies;
    private readonly float _attentionFactor;
    private readonly NativeBuffer<float> _table;

    /// <summary>Room for the angles of <paramref name="rows"/> rows at a time.</summary>
    /// <param name="contextLength">Positions that will be served; decides between LongRoPE's two lists.</param>
    public Rope(RopeSettings settings, int contextLength, int rows)
    {
        _frequencies = Frequencies(settings, contextLength);
        _attentionFactor = (float)settings.AttentionFactor;
        _table = new NativeBuffer<float>((long)rows * settings.Dimensions);
    }

    /// <summary>Half the values that are turned.</summary>
    private int Half => _frequencies.Length;

    /// <summary>Prepares the angles of row <paramref name="row"/> of the step.</summary>
    public void SetPosition(int row, int position)
    {
        float* cosines = _table.Data + ((long)row * 2 * Half), sines = cosines + Half;
        for (int i = 0; i < _frequencies.Length; i++)
        {
            float angle = position * _frequencies[i];
            (double sine, double cosine) = Math.SinCos(angle);
            cosines[i] = (float)cosine * _attentionFactor;
            sines[i] = (float)sine * _attentionFactor;
        }
    }

    /// <summary>Turns <paramref name="heads"/> heads of <paramref name="dimension"/> of row <paramref name="row"/> in place.</summary>
    public void Turn(int row, float* first, int heads, int dimension)
    {
        float* cosines = _table.Data + ((long)row * 2 * Half);
        Kernels.Rope.Apply(first, heads, dimension, 2 * Half, cosines, cosines + Half);
    }

    /// <inheritdoc/>
    public void Dispose() => _table.Dispose();

    /// <summary>Radians per position of each pair.</summary>
    internal static float[] Frequencies(RopeSettings settings, int contextLength)
    {
        var frequencies = new float[settings.Dimensions / 2];
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] = 1 / (float)Math.Pow(settings.Theta, (float)(2 * i) / settings.Dimensions);

        switch (settings.Scaling)
        {
            case RopeScaling.Linear:
                for (int i = 0; i < frequencies.Length; i++)
                    frequencies[i] /= (float)settings.Factor;
                break;
            case RopeScaling.Llama3:
                for (int i = 0; i < frequencies.Length; i++)
                    frequencies[i] = Llama3(frequencies[i], settings);
                break;
            case RopeScaling.Yarn:
                Yarn(frequencies, settings);
                break;
        }

        var divisors = contextLength > settings.OriginalContext && !settings.LongFactors.IsEmpty ? settings.LongFactors : settings.ShortFactors;
        for (int i = 0; i < divisors.Length; i++)
            frequencies[i] /= (float)divisors[i];
        return frequencies;
    }

    private static float Llama3(float frequency, RopeSettings settings)
    {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < settings.OriginalContext / settings.HighFrequencyFactor)
            return frequency;
        if (wavelength > settings.OriginalContext / settings.LowFrequencyFactor)
            return (float)(frequency / settings.Factor);
        double kept = ((settings.OriginalContext / wavelength) - settings.LowFrequencyFactor) / (settings.HighFrequencyFactor - settings.LowFrequencyFactor);
        return (float)(((1 - kept) * frequency / settings.Factor) + (kept * frequency));
    }

    private static void Yarn(float[] frequencies, RopeSettings settings)
    {
        // The dimension whose pair turns that many times within the original context.
        double DimensionOf(double rotations) =>
            settings.Dimensions * Math.Log(settings.OriginalContext / (rotations * 2 * Math.PI)) / (2 * Math.Log(settings.Theta));

        double low = DimensionOf(settings.BetaFast), high = DimensionOf(settings.BetaSlow);
        if (settings.Truncate)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, settings.Dimensions - 1));
        if (low == high)
            high += 0.001;
        for (int i = 0; i < frequencies.Length; i++)
        {
            double stretched = Math.Clamp((i - low) / (high - low), 0, 1);
            frequencies[i] = (float)((frequencies[i] / settings.Factor * stretched) + (frequencies[i] * (1 - stretched)));
        }
    }
}
