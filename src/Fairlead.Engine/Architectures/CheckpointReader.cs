using Fairlead.Engine.Formats;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures;

/// <summary>Takes tensors out of a checkpoint by name and shape, and keeps account of which were taken.</summary>
/// <remarks>A tensor that is left over is refused like an unknown option: a bias or a norm that nobody applies would change every answer.</remarks>
internal sealed class CheckpointReader
{
    private readonly IWeights _weights;
    private readonly HashSet<string> _left;
    private readonly string _root;

    /// <summary>Reads <paramref name="weights"/>; <paramref name="file"/> is named in refusals.</summary>
    public CheckpointReader(string file, IWeights weights)
        : this(file, weights, new HashSet<string>(weights.Names, StringComparer.Ordinal), "model.")
    {
    }

    private CheckpointReader(string file, IWeights weights, HashSet<string> left, string root) => (File, _weights, _left, _root) = (file, weights, left, root);

    /// <summary>The checkpoint's name, for messages.</summary>
    public string File { get; }

    /// <summary>Where the tensors come from.</summary>
    public IWeights Source => _weights;

    /// <summary>The same account of the same tensors, for a model that is part of a larger one: what it calls <c>model.…</c> stands under <paramref name="root"/>.</summary>
    public CheckpointReader Within(string root) => new(File, _weights, _left, root);

    /// <summary>True where there is such a tensor.</summary>
    public bool Has(string name) => _weights.TryGet(Placed(name), out _);

    /// <summary>The tensor of that name and shape.</summary>
    /// <exception cref="ModelFileException">There is none, or it has another shape; the message says which was found.</exception>
    public TensorView Tensor(string name, params ReadOnlySpan<long> shape)
    {
        name = Placed(name);
        if (!_weights.TryGet(name, out TensorView tensor))
            throw new ModelFileException(File, null, $"the tensor {name} [{Shown(shape)}] is missing: the file is incomplete, or the configuration describes another model");
        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
            throw new ModelFileException(File, null, $"the tensor {name} is {tensor}, expected [{Shown(shape)}]: the configuration describes another model");
        _left.Remove(name);
        return tensor with { Name = name };
    }

    /// <summary><c>name.weight</c> <c>[outputs × inputs]</c> and, if asked for, <c>name.bias</c>.</summary>
    public LinearWeights Linear(string name, int outputs, int inputs, bool bias = false) =>
        new(Tensor($"{name}.weight", outputs, inputs), bias ? Tensor($"{name}.bias", outputs) : null);

    /// <summary><c>name.weight</c> and, for a layer norm, <c>name.bias</c>, both <c>[width]</c>.</summary>
    public NormWeights Norm(string name, int width, NormKind kind) =>
        new(Tensor($"{name}.weight", width), kind == NormKind.Layer ? Tensor($"{name}.bias", width) : null);

    /// <summary>Takes note of tensors that hold nothing the engine does not compute itself: masks, tables of frequencies.</summary>
    public void Ignore(Func<string, bool> names) => _left.RemoveWhere(name => names(name));

    /// <summary>To be called when all is taken.</summary>
    /// <exception cref="ModelFileException">A tensor is left that the architecture has no place for.</exception>
    public void Finish()
    {
        // Computed from the configuration, stored by old versions of the library.
        Ignore(static name => name.EndsWith(".inv_freq", StringComparison.Ordinal));
        if (_left.Count > 0)
        {
            throw new ModelFileException(File, null,
                $"the tensor {_left.Order(StringComparer.Ordinal).First()} has no place in this architecture ({_left.Count} such in all), and leaving it out may change the model's answers. {ConfigReader.Elsewhere}");
        }
    }

    private string Placed(string name) => name.StartsWith("model.", StringComparison.Ordinal) ? string.Concat(_root, name.AsSpan("model.".Length)) : name;

    private static string Shown(ReadOnlySpan<long> shape) => string.Join(" × ", shape.ToArray());
}
