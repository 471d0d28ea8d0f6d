using System.Collections.Immutable;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures;

/// <summary>The tensor names that Llama began and most decoders keep: <c>model.layers.0.self_attn.q_proj.weight</c>.</summary>
internal static class StandardNames
{
    /// <summary>The whole model, each layer by <see cref="Layer"/>.</summary>
    public static DecoderWeights All(CheckpointReader weights, DecoderDesign design) => All(weights, design, Layer);

    /// <summary>The whole model, each layer by <paramref name="layer"/>.</summary>
    public static DecoderWeights All(CheckpointReader weights, DecoderDesign design, Func<CheckpointReader, DecoderDesign, int, LayerWeights> layer)
    {
        TensorView tokens = weights.Tensor("model.embed_tokens.weight", design.Vocabulary, design.Width);
        return new DecoderWeights
        {
            Tokens = tokens,
            Layers = [.. Enumerable.Range(0, design.Layers).Select(index => layer(weights, design, index))],
            FinalNorm = weights.Norm("model.norm", design.Width, design.Norm),
            Head = Head(weights, design, tokens),
        };
    }

    /// <summary>The head: the embedding table, or a matrix of its own.</summary>
    public static LinearWeights Head(CheckpointReader weights, DecoderDesign design, TensorView tokens)
    {
        if (!design.TiedHead)
            return weights.Linear("lm_head", design.Vocabulary, design.Width);
        weights.Ignore(static name => name == "lm_head.weight"); // Some files store the table twice.
        return new LinearWeights(tokens, null);
    }

    /// <summary>One layer with norms before attention and before the feed-forward layer.</summary>
    public static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, int layer)
    {
        string name = $"model.layers.{layer}";
        return Attention(weights, design, layer) with
        {
            BeforeAttention = weights.Norm($"{name}.input_layernorm", design.Width, design.Norm),
            BeforeMlp = weights.Norm($"{name}.post_attention_layernorm", design.Width, design.Norm),
            Mlp = GatedMlp(weights, design, $"{name}.mlp", design.FeedForward),
        };
    }

    /// <summary>The attention of one layer, without norms on the stream.</summary>
    public static LayerWeights Attention(CheckpointReader weights, DecoderDesign design, int layer)
    {
        string name = $"model.layers.{layer}.self_attn";
        int queries = design.Heads * design.HeadDimension, keys = design.KvHeads * design.HeadDimension;
        return new LayerWeights
        {
            Qkv = QkvWeights.Separate(
                weights.Linear($"{name}.q_proj", queries, design.Width, design.QkvBias),
                weights.Linear($"{name}.k_proj", keys, design.Width, design.QkvBias),
                weights.Linear($"{name}.v_proj", keys, design.Width, design.QkvBias)),
            QueryNorm = QkNorm($"{name}.q_norm", queries),
            KeyNorm = QkNorm($"{name}.k_norm", keys),
            Output = weights.Linear($"{name}.o_proj", design.Width, queries, design.OutputBias),
        };

        NormWeights? QkNorm(string norm, int row) => design.QkNorm switch
        {
            Architectures.QkNorm.PerHead => weights.Norm(norm, design.HeadDimension, NormKind.RootMeanSquare),
            Architectures.QkNorm.WholeRow => weights.Norm(norm, row, NormKind.RootMeanSquare),
            _ => null,
        };
    }

    /// <summary><c>gate_proj</c>, <c>up_proj</c>, <c>down_proj</c>.</summary>
    public static MlpWeights GatedMlp(CheckpointReader weights, DecoderDesign design, string name, int feedForward) => new(
        weights.Linear($"{name}.gate_proj", feedForward, design.Width, design.MlpBias),
        weights.Linear($"{name}.up_proj", feedForward, design.Width, design.MlpBias),
        weights.Linear($"{name}.down_proj", design.Width, feedForward, design.MlpBias));

    /// <summary>Experts under <c>mlp.experts</c>, as Qwen names them.</summary>
    public static ImmutableArray<MlpWeights> Experts(CheckpointReader weights, DecoderDesign design, MoeSettings moe, string name) =>
        [.. Enumerable.Range(0, moe.Experts).Select(expert => GatedMlp(weights, design, $"{name}.experts.{expert}", moe.FeedForward))];
}
