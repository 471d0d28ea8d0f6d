using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Activation = Fairlead.Engine.Kernels.Activation;

namespace Fairlead.Engine.Embeddings;

/// <summary>A linear layer and a function behind the pooling. Reference: sentence-transformers <c>models/Dense.py</c>.</summary>
internal sealed unsafe class DenseStep : IVectorStep
{
    private readonly SafeTensorsWeights _weights;
    private readonly Linear _linear;
    private readonly Activation? _activation;

    private DenseStep(SafeTensorsWeights weights, Linear linear, Activation? activation)
    {
        _weights = weights;
        _linear = linear;
        _activation = activation;
    }

    /// <summary>The file, as it was when it was opened.</summary>
    public IEnumerable<FileStamp> Stamps => _weights.Stamps;

    /// <inheritdoc/>
    public int Outputs => _linear.Outputs;

    /// <summary>Reads <c>config.json</c> and <c>model.safetensors</c> of the module's <paramref name="folder"/>.</summary>
    /// <exception cref="ModelFileException">One is missing or refused, or the layer does not fit vectors of <paramref name="width"/>.</exception>
    public static DenseStep Open(FolderFiles files, string folder, int width)
    {
        JsonConfig config = ModuleFiles.Config(files, folder);
        if (config.Int("in_features") != width)
            throw config.Refuse("in_features", $"differs from the {width} values that come in");
        if (config.TextOrNull("module_input_name") is { } input and not "sentence_embedding")
            throw config.Refuse("module_input_name", $"is not supported ({Excerpt.Of(input)})");
        if (config.TextOrNull("module_output_name") is { } output and not "sentence_embedding")
            throw config.Refuse("module_output_name", $"is not supported ({Excerpt.Of(output)})");
        Activation? activation = ActivationOf(config);
        int outputs = config.Count("out_features");
        bool bias = config.Flag("bias", true);
        string name = $"{folder}/model.safetensors";
        if (files.Locate(name) is not { } path)
        {
            string pickle = $"{folder}/pytorch_model.bin";
            throw files.Locate(pickle) is null
                ? new ModelFileException(files.Shown(name), null, "is missing")
                : new ModelFileException(files.Shown(pickle), null, FileKind.OnlyOurs);
        }

        SafeTensorsWeights weights = SafeTensorsWeights.OpenSingle(path, files.Shown(name));
        try
        {
            CheckpointReader tensors = new(files.Shown(name), weights);
            LinearWeights linear = tensors.Linear("linear", outputs, width, bias);
            tensors.Finish();
            return new DenseStep(weights, new Linear(linear, null), activation);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> input, Span<float> output)
    {
        fixed (float* from = input, to = output)
        {
            _linear.Forward(from, to, 1, null);
            if (_activation is { } activation)
                Activations.Apply(activation, to, output.Length);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _linear.Dispose();
        _weights.Dispose();
    }

    // A Python class by its full name; a module without the key has a hyperbolic tangent.
    private static Activation? ActivationOf(JsonConfig config) => config.TextOrNull("activation_function") switch
    {
        null or "torch.nn.modules.activation.Tanh" => Activation.Tanh,
        "torch.nn.modules.linear.Identity" => null,
        "torch.nn.modules.activation.ReLU" => Activation.Relu,
        "torch.nn.modules.activation.GELU" => Activation.Gelu,
        "torch.nn.modules.activation.SiLU" => Activation.Silu,
        "torch.nn.modules.activation.Sigmoid" => Activation.Sigmoid,
        _ => throw config.Refuse("activation_function", "is not supported"),
    };
}
