using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>BLOOM (BigScience 2022; reference: <c>modeling_bloom.py</c>): slopes instead of positions, a norm on the embeddings, queries, keys and values interleaved by head.</summary>
internal static class Bloom
{
    public static DecoderArchitecture Architecture { get; } = new("bloom", Design, Weights);

    private static DecoderDesign Design(ConfigReader config)
    {
        config.Only("apply_residual_connection_post_layernorm", supported: false, missing: false);
        // Settings of its training code and of how its products are cut; none changes what is computed.
        config.Ignore("slow_but_exact", "offset_alibi", "skip_bias_add", "skip_bias_add_qkv", "attention_softmax_in_fp32", "masked_softmax_fusion", "bias_dropout_fusion", "n_inner", "unk_token_id");
        int width = config.Int("hidden_size", 1, StandardConfig.Widest, config.Int("n_embed", 1, StandardConfig.Widest, 64));
        int heads = config.Int("n_head", 1, StandardConfig.Most, config.Int("num_attention_heads", 1, StandardConfig.Most, 8));
        int length = StandardConfig.Split(config, width, heads);
        return new DecoderDesign
        {
            Vocabulary = config.Int("vocab_size", 1, StandardConfig.LargestVocabulary),
            Width = width,
            Layers = config.Int("n_layer", 1, StandardConfig.Most, config.Int("num_hidden_layers", 1, StandardConfig.Most, 2)),
            Heads = heads,
            KvHeads = heads,
            HeadDimension = length,
            FeedForward = 4 * width,
            // Slopes know no last position; this is the length of its training.
            ContextLength = config.Int("seq_length", 1, RopeConfig.LongestContext, 2048),
            Norm = NormKind.Layer,
            NormEpsilon = (float)config.Number("layer_norm_epsilon", 0, 1, 1e-5),
            TiedHead = config.Flag("tie_word_embeddings", true),
            QkvBias = true,
            OutputBias = true,
            MlpBias = true,
            Alibi = true,
            Activation = Activation.GeluTanh,
            AttentionScale = StandardConfig.Inverse(length),
        };
    }

    private static DecoderWeights Weights(CheckpointReader weights, DecoderDesign design)
    {
        string root = weights.Has("word_embeddings.weight") ? "" : "transformer."; // The files of the Hub's bloom models begin at the inner model.
        TensorView tokens = weights.Tensor($"{root}word_embeddings.weight", design.Vocabulary, design.Width);
        return new DecoderWeights
        {
            Tokens = tokens,
            EmbeddingNorm = weights.Norm($"{root}word_embeddings_layernorm", design.Width, design.Norm),
            Layers = [.. Enumerable.Range(0, design.Layers).Select(layer => Layer(weights, design, $"{root}h.{layer}"))],
            FinalNorm = weights.Norm($"{root}ln_f", design.Width, design.Norm),
            Head = StandardNames.Head(weights, design, tokens),
        };
    }

    private static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, string name)
    {
        LinearWeights fused = weights.Linear($"{name}.self_attention.query_key_value", 3 * design.Width, design.Width, bias: true);
        return new LayerWeights
        {
            BeforeAttention = weights.Norm($"{name}.input_layernorm", design.Width, design.Norm),
            Qkv = QkvWeights.Grouped(fused, design.Heads, design.Heads, design.HeadDimension),
            Output = weights.Linear($"{name}.self_attention.dense", design.Width, design.Width, bias: true),
            BeforeMlp = weights.Norm($"{name}.post_attention_layernorm", design.Width, design.Norm),
            Mlp = new MlpWeights(
                null,
                weights.Linear($"{name}.mlp.dense_h_to_4h", design.FeedForward, design.Width, bias: true),
                weights.Linear($"{name}.mlp.dense_4h_to_h", design.Width, design.FeedForward, bias: true)),
        };
    }
}
