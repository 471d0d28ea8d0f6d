using System.Collections.Immutable;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Activation = Fairlead.Engine.Kernels.Activation;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>BERT (Devlin et al. 2019): learned positions and segments. Reference: transformers <c>modeling_bert.py</c>.</summary>
internal static class Bert
{
    /// <summary>Longest table of positions that is believed: a text as long takes memory for all its tokens at once. The longest published encoders of this kind have 8,194.</summary>
    public const int MostPositions = 1 << 15;

    public static EncoderArchitecture Architecture { get; } = new(["bert"], "bert.", static config => Design(config), static (tensors, design) => Weights(tensors, design, "attention.self", "query", "key", "value"));

    /// <summary>The options that BERT, RoBERTa and MPNet share.</summary>
    public static EncoderDesign Design(ConfigReader config)
    {
        IgnoreHeadsAndTraining(config);
        config.Ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout");
        if (config.Text("position_embedding_type") is not (null or "absolute"))
            throw config.Unsupported("position_embedding_type");
        config.Only("is_decoder", supported: false, missing: false);
        config.Only("add_cross_attention", supported: false, missing: false);
        return new EncoderDesign
        {
            Vocabulary = config.Int("vocab_size", 1, int.MaxValue),
            Width = Width(config, "hidden_size", "num_attention_heads", out int heads),
            Heads = heads,
            Layers = config.Int("num_hidden_layers", 1, ushort.MaxValue),
            Inner = config.Int("intermediate_size", 1, 1 << 24),
            Epsilon = (float)config.Number("layer_norm_eps", 0, 1, 1e-12),
            Activation = ActivationOf(config, "hidden_act"),
            Positions = config.Int("max_position_embeddings", 1, MostPositions),
            Segments = config.Int("type_vocab_size", 0, ushort.MaxValue, 0),
        };
    }

    /// <summary>Keys that say how a head on top or the training works, or that an old library wrote into every file.</summary>
    public static void IgnoreHeadsAndTraining(ConfigReader config) => config.Ignore(
        "_num_labels", "classifier_activation", "cls_token_id", "directionality", "gradient_checkpointing", "language", "mask_token_id", "matryoshka_dimensions", "model_max_length", "name", "num_labels", "output_past",
        "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type", "sep_token_id", "tie_encoder_decoder", "tie_weights_", "tie_word_embeddings", "use_bfloat16", "xla_device");

    /// <summary>The width, which the heads must share evenly.</summary>
    public static int Width(ConfigReader config, string width, string heads, out int count)
    {
        int values = config.Int(width, 1, 1 << 20);
        count = config.Int(heads, 1, 1 << 16);
        return values % count == 0 && values / count <= 1024 ? values : throw config.Unsupported(heads);
    }

    /// <summary>The function named there.</summary>
    public static Activation ActivationOf(ConfigReader config, string key) =>
        Activations.TryParse(config.Text(key) ?? "gelu", out Activation activation) ? activation : throw config.Unsupported(key);

    /// <summary>The tensors of BERT, RoBERTa and MPNet, which differ in what they call attention.</summary>
    public static EncoderWeights Weights(CheckpointReader tensors, EncoderDesign design, string attention, string query, string key, string value)
    {
        int width = design.Width;
        var layers = ImmutableArray.CreateBuilder<EncoderLayerWeights>();
        for (int i = 0; i < design.Layers; i++)
        {
            string layer = $"encoder.layer.{i}.";
            bool isMpNet = attention == "attention.attn";
            layers.Add(new EncoderLayerWeights(
                tensors.Linear($"{layer}{attention}.{query}", width, width, bias: true),
                tensors.Linear($"{layer}{attention}.{key}", width, width, bias: true),
                tensors.Linear($"{layer}{attention}.{value}", width, width, bias: true),
                tensors.Linear(isMpNet ? $"{layer}attention.attn.o" : $"{layer}attention.output.dense", width, width, bias: true),
                tensors.Norm(isMpNet ? $"{layer}attention.LayerNorm" : $"{layer}attention.output.LayerNorm", width, NormKind.Layer),
                tensors.Linear($"{layer}intermediate.dense", design.Inner, width, bias: true),
                tensors.Linear($"{layer}output.dense", width, design.Inner, bias: true),
                tensors.Norm($"{layer}output.LayerNorm", width, NormKind.Layer)));
        }

        return new EncoderWeights(
            tensors.Tensor("embeddings.word_embeddings.weight", design.Vocabulary, width),
            tensors.Tensor("embeddings.position_embeddings.weight", design.Positions, width),
            design.Segments > 0 ? tensors.Tensor("embeddings.token_type_embeddings.weight", design.Segments, width) : null,
            tensors.Norm("embeddings.LayerNorm", width, NormKind.Layer),
            layers.ToImmutable());
    }
}
