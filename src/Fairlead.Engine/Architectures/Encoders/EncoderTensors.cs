using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>A checkpoint as the encoder in it sees it: without the prefix that a model with a head puts before the names, and without the head.</summary>
/// <remarks>
/// Checkpoints from before 2019 call the weights of a norm <c>gamma</c> and <c>beta</c> (bert-base-uncased still does). Heads are what
/// sequence and token classifiers, question answering, masked language models and BERT's own pooler put on top: they read the encoder's
/// output and change nothing of it.
/// </remarks>
internal sealed class EncoderTensors : IWeights
{
    private static readonly string[] s_heads = ["classifier.", "pre_classifier.", "pooler.", "cls.", "lm_head.", "qa_outputs.", "vocab_transform.", "vocab_layer_norm.", "vocab_projector.", "score."];

    private readonly IWeights _weights;
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>Sees <paramref name="weights"/> so; they stay the caller's.</summary>
    /// <exception cref="ModelFileException">Two tensors come to the same name.</exception>
    public EncoderTensors(string file, IWeights weights, string prefix)
    {
        _weights = weights;
        foreach (string stored in weights.Names)
        {
            string name = stored.StartsWith(prefix, StringComparison.Ordinal) ? stored[prefix.Length..] : stored;

            // numbers of positions, which old versions of the library stored as a tensor
            if (name == "embeddings.position_ids" || Array.Exists(s_heads, head => name.StartsWith(head, StringComparison.Ordinal)))
                continue;
            if (name.EndsWith("LayerNorm.gamma", StringComparison.Ordinal))
                name = string.Concat(name.AsSpan(0, name.Length - "gamma".Length), "weight");
            else if (name.EndsWith("LayerNorm.beta", StringComparison.Ordinal))
                name = string.Concat(name.AsSpan(0, name.Length - "beta".Length), "bias");
            if (!_names.TryAdd(name, stored))
                throw new ModelFileException(file, null, $"the tensors {_names[name]} and {stored} are the same part of the model");
        }
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names => _names.Keys;

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorView tensor)
    {
        if (_names.TryGetValue(name, out string? stored))
            return _weights.TryGet(stored, out tensor);
        tensor = default;
        return false;
    }

    /// <summary>Nothing is held here.</summary>
    public void Dispose()
    {
    }
}
