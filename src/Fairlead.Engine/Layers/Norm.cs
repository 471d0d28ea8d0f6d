namespace Fairlead.Engine.Layers;

/// <summary>Which norm.</summary>
internal enum NormKind
{
    /// <summary>x / √(mean(x²) + ε) · w (Zhang and Sennrich 2019).</summary>
    RootMeanSquare,

    /// <summary>(x − mean(x)) / √(var(x) + ε) · w + b (Ba et al. 2016).</summary>
    Layer,
}

/// <summary>Brings each row to a like size.</summary>
internal sealed unsafe class Norm : IDisposable
{
    private readonly NormKind _kind;
    private readonly float _epsilon;
    private readonly Vector _scale;
    private readonly Vector? _shift;

    /// <summary>Decodes the weights; with <paramref name="addsOne"/> the scale is stored less one.</summary>
    public Norm(NormKind kind, float epsilon, NormWeights weights, bool addsOne)
    {
        (_kind, _epsilon) = (kind, epsilon);
        _scale = new Vector(weights.Scale, addsOne ? 1 : 0);
        if (weights.Shift is { } shift)
            _shift = new Vector(shift);
    }

    /// <summary>Length of a row.</summary>
    public int Width => _scale.Length;

    /// <summary>Each of <paramref name="rows"/> rows by itself; <paramref name="output"/> may be <paramref name="input"/>.</summary>
    /// <param name="stride">Values from one row to the next, in both.</param>
    public void Forward(float* input, float* output, int rows, int stride)
    {
        for (int row = 0; row < rows; row++)
            One(input + ((long)row * stride), output + ((long)row * stride));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _scale.Dispose();
        _shift?.Dispose();
    }

    private void One(float* input, float* output)
    {
        int width = Width;
        double mean = 0, square = 0;
        if (_kind == NormKind.Layer)
        {
            for (int i = 0; i < width; i++)
                mean += input[i];
            mean /= width;
        }

        for (int i = 0; i < width; i++)
            square += (input[i] - mean) * (input[i] - mean);
        double inverse = 1 / Math.Sqrt((square / width) + _epsilon);
        float* scale = _scale.Data;
        for (int i = 0; i < width; i++)
            output[i] = (float)((input[i] - mean) * inverse) * scale[i];
        if (_shift is not null)
        {
            float* shift = _shift.Data;
            for (int i = 0; i < width; i++)
                output[i] += shift[i];
        }
    }
}
