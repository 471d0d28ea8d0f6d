using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Activation = Fairlead.Engine.Kernels.Activation;

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

    /// <summary>Several layers of the same <paramref name="input"/> <c>[rows × inputs]</c>, and a function of each output where one is named. What can be is shared: reading the rows, and meeting of threads.</summary>
    /// <param name="outputs">One layer or more, of one model.</param>
    public static void Forward(float* input, int rows, WorkCrew? crew, params ReadOnlySpan<LinearOutput> outputs)
    {
        Span<RowProduct> products = stackalloc RowProduct[outputs.Length];
        int together = 0;
        PackedWeights? packs = null;
        foreach (LinearOutput output in outputs)
        {
            Linear layer = output.Layer;
            if (layer._packs is null)
            {
                MatMul.Multiply(layer._weight, input, output.To, rows, crew);
                RowCrew.Run(rows, layer.Outputs, layer.Into(output), crew);
                continue;
            }

            packs = layer._packs;
            products[together++] = layer.Into(output);
        }

        packs?.MultiplyAll(products[..together], input, rows, crew);
    }

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

    private RowProduct Into(in LinearOutput output) =>
        new(_packs is null ? new PackedMatrix(default, Outputs, Inputs, 0) : _packed, output.To, _bias is null ? null : _bias.Data, output.Function);

    private readonly struct Biases(Linear linear, float* output) : IRowWork
    {
        public void Do(int first, int end) => linear.AddBias(output + ((long)first * linear.Outputs), end - first);
    }
}

/// <summary>Where the outputs of a layer go, and what function of them.</summary>
/// <param name="layer">The layer.</param>
/// <param name="to"><c>[rows × outputs]</c>; overlaps no input.</param>
/// <param name="function">Null: none.</param>
internal readonly unsafe struct LinearOutput(Linear layer, float* to, Activation? function = null)
{
    /// <summary>The layer.</summary>
    public Linear Layer => layer;

    /// <summary>Where its outputs go.</summary>
    public float* To => to;

    /// <summary>What becomes of them; null: nothing.</summary>
    public Activation? Function => function;
}
