using System.Collections.Immutable;
using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>DistilBERT (Sanh et al. 2019): BERT without segments, under names of its own. Reference: transformers <c>modeling_distilbert.py</c>.</summary>
internal static class DistilBert
{
    public static EncoderArchitecture Architecture { get; } = new(["distilbert"], "distilbert.", Design, Weights);

    private static EncoderDesign Design(ConfigReader config)
    {
        Bert.IgnoreHeadsAndTraining(config);
        config.Ignore("dropout", "qa_dropout", "seq_classif_dropout");
        config.Ignore("sinusoidal_pos_embds"); // how the table of positions was first filled; the checkpoint holds the table itself
        return new EncoderDesign
        {
            Vocabulary = config.Int("vocab_size", 1, int.MaxValue),
            Width = Bert.Width(config, "dim", "n_heads", out int heads),
            Heads = heads,
            Layers = config.Int("n_layers", 1, ushort.MaxValue),
            Inner = config.Int("hidden_dim", 1, 1 << 24),
            Epsilon = 1e-12f, // fixed in the reference
            Activation = Bert.ActivationOf(config, "activation"),
            Positions = config.Int("max_position_embeddings", 1, Bert.MostPositions),
        };
    }

    private static EncoderWeights Weights(CheckpointReader tensors, EncoderDesign design)
    {
        int width = design.Width;
        var layers = ImmutableArray.CreateBuilder<EncoderLayerWeights>();
        for (int i = 0; i < design.Layers; i++)
        {
            string layer = $"transformer.layer.{i}.";
            layers.Add(new EncoderLayerWeights(
                tensors.Linear($"{layer}attention.q_lin", width, width, bias: true),
                tensors.Linear($"{layer}attention.k_lin", width, width, bias: true),
                tensors.Linear($"{layer}attention.v_lin", width, width, bias: true),
                tensors.Linear($"{layer}attention.out_lin", width, width, bias: true),
                tensors.Norm($"{layer}sa_layer_norm", width, NormKind.Layer),
                tensors.Linear($"{layer}ffn.lin1", design.Inner, width, bias: true),
                tensors.Linear($"{layer}ffn.lin2", width, design.Inner, bias: true),
                tensors.Norm($"{layer}output_layer_norm", width, NormKind.Layer)));
        }

        return new EncoderWeights(
            tensors.Tensor("embeddings.word_embeddings.weight", design.Vocabulary, width),
            tensors.Tensor("embeddings.position_embeddings.weight", design.Positions, width),
            null,
            tensors.Norm("embeddings.LayerNorm", width, NormKind.Layer),
            layers.ToImmutable());
    }
}
