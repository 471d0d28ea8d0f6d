namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>MPNet (Song et al. 2020): RoBERTa without segments, and with a learned number for each bucket of distances in attention. Reference: transformers <c>modeling_mpnet.py</c>.</summary>
internal static class MpNet
{
    public static EncoderArchitecture Architecture { get; } = new(
        ["mpnet"],
        "mpnet.",
        Design,
        static (tensors, design) => Bert.Weights(tensors, design, "attention.attn", "q", "k", "v") with
        {
            DistanceBias = tensors.Tensor("encoder.relative_attention_bias.weight", design.DistanceBuckets, design.Heads),
        });

    private static EncoderDesign Design(ConfigReader config)
    {
        EncoderDesign design = Roberta.Design(config) with { Segments = 0, DistanceBuckets = config.Int("relative_attention_num_buckets", 4, 1 << 16, 32) };

        // every head has a number for every pair of tokens: 200 MB for 12 heads at the most. The published models have 514.
        return design.Positions <= 2050 ? design : throw config.Unsupported("max_position_embeddings");
    }
}
