using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>GPT-2 (Radford et al. 2019; reference: <c>modeling_gpt2.py</c>): learned positions, layer norms, weights stored the other way round.</summary>
internal static class Gpt2
{
    public static DecoderArchitecture Architecture { get; } = new("gpt2", Design, Weights);

    private static DecoderDesign Design(ConfigReader config)
    {
        // Both change the scores in a way of their own; no published model that we know of has them.
        config.Only("scale_attn_by_inverse_layer_idx", supported: false, missing: false);
        config.Only("add_cross_attention", supported: false, missing: false);
        config.Ignore("attn_pdrop", "reorder_and_upcast_attn", "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "n_ctx");
        int width = config.Int("n_embd", 1, StandardConfig.Widest), heads = config.Int("n_head", 1, StandardConfig.Most);
        int length = StandardConfig.Split(config, width, heads);
        return new DecoderDesign
        {
            Vocabulary = config.Int("vocab_size", 1, StandardConfig.LargestVocabulary),
            Width = width,
            Layers = config.Int("n_layer", 1, StandardConfig.Most),
            Heads = heads,
            KvHeads = heads,
            HeadDimension = length,
            FeedForward = config.Int("n_inner", 1, StandardConfig.Widest, 4 * width),
            ContextLength = config.Int("n_positions", 1, RopeConfig.LongestContext, 1024),
            Norm = NormKind.Layer,
            NormEpsilon = (float)config.Number("layer_norm_epsilon", 0, 1, 1e-5),
            TiedHead = config.Flag("tie_word_embeddings", true),
            QkvBias = true,
            OutputBias = true,
            MlpBias = true,
            Activation = StandardConfig.ActivationOf(config, "activation_function", "gelu_new"),
            AttentionScale = config.Flag("scale_attn_weights", true) ? StandardConfig.Inverse(length) : 1,
        };
    }

    private static DecoderWeights Weights(CheckpointReader weights, DecoderDesign design)
    {
        string root = weights.Has("wte.weight") ? "" : "transformer."; // The files of the Hub's gpt2 begin at the inner model.
        // The causal mask, stored by old versions of the library.
        weights.Ignore(static name => name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal));
        TensorView tokens = weights.Tensor($"{root}wte.weight", design.Vocabulary, design.Width);
        return new DecoderWeights
        {
            Tokens = tokens,
            Positions = weights.Tensor($"{root}wpe.weight", design.ContextLength, design.Width),
            Layers = [.. Enumerable.Range(0, design.Layers).Select(layer => Layer(weights, design, $"{root}h.{layer}"))],
            FinalNorm = weights.Norm($"{root}ln_f", design.Width, design.Norm),
            Head = StandardNames.Head(weights, design, tokens),
        };
    }

    private static LayerWeights Layer(CheckpointReader weights, DecoderDesign design, string name) => new()
    {
        BeforeAttention = weights.Norm($"{name}.ln_1", design.Width, design.Norm),
        Qkv = QkvWeights.Concatenated(Turned(weights, $"{name}.attn.c_attn", 3 * design.Width, design.Width), design.Heads, design.Heads, design.HeadDimension),
        Output = Turned(weights, $"{name}.attn.c_proj", design.Width, design.Width),
        BeforeMlp = weights.Norm($"{name}.ln_2", design.Width, design.Norm),
        Mlp = new MlpWeights(
            null,
            Turned(weights, $"{name}.mlp.c_fc", design.FeedForward, design.Width),
            Turned(weights, $"{name}.mlp.c_proj", design.Width, design.FeedForward)),
    };

    private static LinearWeights Turned(CheckpointReader weights, string name, int outputs, int inputs) =>
        new(weights.Tensor($"{name}.weight", inputs, outputs), weights.Tensor($"{name}.bias", outputs), Transposed: true);
}
