using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Layers;

/// <summary>y = W·x + b.</summary>
internal sealed unsafe class Linear : IDisposable
{
    private readonly TensorView _weight;
    private readonly PackedWeights? _packs;
    private readonly PackedMatrix _packed;
    private readonly Vector? _bias;

    /// <summary>Over weights that stay where they are.</summary>
    /// <param name="packs">The packed forms of a model's matrices; null, or without this one: it is multiplied as it is stored.</param>
    public Linear(LinearWeights weights, PackedWeights? packs)
    {
        (_weight, Inputs, Outputs) = (weights.Weight, weights.Inputs, weights.Outputs);
        if (packs is not null && packs.TryGet(weights.Weight, out PackedMatrix packed))
            (_packs, _packed) = (packs, packed);
        else if (weights.Transposed)
            throw new ArgumentException($"{weights.Weight} is stored the other way round and has no packed form", nameof(weights));
        if (weights.Bias is { } bias)
            _bias = new Vector(bias);
    }

    /// <summary>Values that go in.</summary>
    public int Inputs { get; }

    /// <summary>Values that come out.</summary>
    public int Outputs { get; }

    /// <summary>The product alone, without the bias: for who adds it with <see cref="AddBias"/> while going over the rows anyway.</summary>
    public void Multiply(float* input, float* output, int rows, WorkCrew? crew)
    {
        if (_packs is not null)
            _packs.Multiply(_packed, input, output, rows, crew);
        else
            MatMul.Multiply(_weight, input, output, rows, crew);
    }

    /// <summary>Adds the bias, if there is one, to <paramref name="rows"/> rows of outputs.</summary>
    public void AddBias(float* output, int rows)
    {
        if (_bias is not null)
            Elementwise.AddToRows(output, _bias.Data, rows, Outputs);
    }

    /// <summary><paramref name="input"/> <c>[rows × inputs]</c> to <paramref name="output"/> <c>[rows × outputs]</c>; the two do not overlap.</summary>
    public void Forward(float* input, float* output, int rows, WorkCrew? crew)
    {
        Multiply(input, output, rows, crew);
        if (_bias is not null)
            RowCrew.Run(rows, Outputs, new Biases(this, output), crew);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bias?.Dispose();
    }

    private readonly struct Biases(Linear linear, float* output) : IRowWork
    {
        public void Do(int first, int end) => linear.AddBias(output + ((long)first * linear.Outputs), end - first);
    }
}
