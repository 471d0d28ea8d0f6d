using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>
/// Falcon in both layouts (Almazrouei et al. 2023; reference: <c>modeling_falcon.py</c>): the first with one key/value head for all (7B), the new one
/// with groups (40B, 180B, 11B). Attention and feed-forward layer in parallel, or one after the other in the first.
/// </summary>
internal static class Falcon
{
    public static DecoderArchitecture Architecture { get; } = new("falcon", Design, Weights);

    private static DecoderDesign Design(ConfigReader config)
    {
        // Falcon-RW's slopes are rounded to bfloat16 in the reference, which no other engine reproduces.
        config.Only("alibi", supported: false, missing: false);
        config.Ignore("apply_residual_connection_post_layernorm", "ff_factor"); // Not read by the class either.
        int width = config.Int("hidden_size", 1, StandardConfig.Widest), heads = config.Int("num_attention_heads", 1, StandardConfig.Most);
        bool grouped = config.Flag("new_decoder_architecture", false), shared = config.Flag("multi_query", true);
        int written = config.Int("num_kv_heads", 1, StandardConfig.Most, heads), kvHeads = grouped ? written : shared ? 1 : heads;
        if (heads % kvHeads != 0)
            throw config.Unsupported("num_kv_heads");
        int length = StandardConfig.Split(config, width, heads), context = config.Int("max_position_embeddings", 1, RopeConfig.LongestContext, 2048);
        bool bias = config.Flag("bias", false);
        config.Int("head_dim", length, length, length);
        config.Int("num_ln_in_parallel_attn", 1, 2, 2); // The tensors themselves tell.
        return new DecoderDesign
        {
            Vocabulary = config.Int("vocab_size", 1, StandardConfig.LargestVocabulary),
            Width = width,
            Layers = config.Int("num_hidden_layers", 1, StandardConfig.Most),
            Heads = heads,
            KvHeads = kvHeads,
            HeadDimension = length,
            FeedForward = config.Int("ffn_hidden_size", 1, StandardConfig.Widest, 4 * width),
            ContextLength = context,
            Norm = NormKind.Layer,
            NormEpsilon = (float)config.Number("layer_norm_epsilon", 0, 1, 1e-5),
            TiedHead = config.Flag("tie_word_embeddings", true),
            Parallel = config.Flag("parallel_attn", true) || grouped,
            QkvBias = bias,
            OutputBias = bias,
            MlpBias = bias,
            Activation = StandardConfig.ActivationOf(config, "activation", "gelu"),
            AttentionScale = StandardConfig.Inverse(length),
            Ropes = [RopeConfig.Read(config, length, context)],
        };
    }

    private static DecoderWeights Weights(CheckpointReader weights, DecoderDesign design)
    {
        TensorView tokens = weights.Tensor("transformer.word_embeddings.weight", design.Vocabulary, design.Width);
        return new DecoderWeights
        {
            Tokens = tokens,
            Layers = [.. Enumerable.Range(0, design.Layers).Select(layer => Layer(weights, design, $"transformer.h.{layer}"))],
            FinalNorm = weights.Norm("transformer.ln_f", design.Width, design.Norm),
            Head = StandardNames.Head(weights, design, tokens),
        };
    }

    private static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, string name)
    {
        bool twoNorms = weights.Has($"{name}.ln_attn.weight");
        int queries = design.Heads * design.HeadDimension;
        LinearWeights fused = weights.Linear(
            $"{name}.self_attention.query_key_value", queries + (2 * design.KvHeads * design.HeadDimension), design.Width, design.QkvBias);
        return new LayerWeights
        {
            BeforeAttention = weights.Norm(twoNorms ? $"{name}.ln_attn" : $"{name}.input_layernorm", design.Width, design.Norm),
            BeforeMlp = twoNorms ? weights.Norm($"{name}.ln_mlp", design.Width, design.Norm)
                : design.Parallel ? null
                : weights.Norm($"{name}.post_attention_layernorm", design.Width, design.Norm),
            // With one key/value head the only group is all there is.
            Qkv = QkvWeights.Grouped(fused, design.Heads, design.KvHeads, design.HeadDimension),
            Output = weights.Linear($"{name}.self_attention.dense", design.Width, queries, design.OutputBias),
            Mlp = new MlpWeights(
                null,
                weights.Linear($"{name}.mlp.dense_h_to_4h", design.FeedForward, design.Width, design.MlpBias),
                weights.Linear($"{name}.mlp.dense_4h_to_h", design.Width, design.FeedForward, design.MlpBias)),
        };
    }
}
