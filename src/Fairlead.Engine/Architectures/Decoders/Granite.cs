namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Granite 3 (reference: <c>modeling_granite.py</c>): Llama with a factor on embeddings, attention, residuals and logits.</summary>
internal static class Granite
{
    public static DecoderArchitecture Architecture { get; } = new("granite", Design, StandardNames.All);

    private static DecoderDesign Design(ConfigReader config)
    {
        bool bias = config.Flag("attention_bias", false);
        return StandardConfig.Read(config, context: 2048) with
        {
            QkvBias = bias,
            OutputBias = bias,
            MlpBias = config.Flag("mlp_bias", false),
            EmbeddingScale = (float)config.Number("embedding_multiplier", 1e-6, 1e6, 1),
            AttentionScale = (float)config.Number("attention_multiplier", 1e-6, 1e6, 1),
            ResidualScale = (float)config.Number("residual_multiplier", 1e-6, 1e6, 1),
            LogitScale = (float)(1 / config.Number("logits_scaling", 1e-6, 1e6, 1)),
        };
    }
}
