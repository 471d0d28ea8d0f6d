using Fairlead.Engine.Tensors;

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

    /// <summary>Each of <paramref name="rows"/> rows by itself, one after the other in memory; <paramref name="output"/> may be <paramref name="input"/>.</summary>
    /// <param name="crew">Who shares the work; null: the caller alone.</param>
    public void Forward(float* input, float* output, int rows, WorkCrew? crew) => RowCrew.Run(rows, Width, new Rows(this, input, output), crew);

    /// <summary>As the other, by the caller alone.</summary>
    public void Forward(float* input, float* output, int rows)
    {
        if (_kind == NormKind.Layer)
            Kernels.Norm.Layer(input, _scale.Data, _shift is null ? null : _shift.Data, output, rows, Width, _epsilon);
        else
            Kernels.Norm.RootMeanSquare(input, _scale.Data, output, rows, Width, _epsilon);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _scale.Dispose();
        _shift?.Dispose();
    }

    private readonly struct Rows(Norm norm, float* input, float* output) : IRowWork
    {
        public void Do(int first, int end)
        {
            long from = (long)first * norm.Width;
            norm.Forward(input + from, output + from, end - first);
        }
    }
}
