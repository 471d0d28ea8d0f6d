namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Qwen 3 with experts (reference: <c>modeling_qwen3_moe.py</c>).</summary>
internal static class Qwen3Moe
{
    public static DecoderArchitecture Architecture { get; } = new("qwen3_moe", Design, static (weights, design) => StandardNames.All(weights, design, QwenExperts.Layer));

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = StandardConfig.Read(config, context: 32_768);
        bool bias = config.Flag("attention_bias", false);
        return design with
        {
            QkvBias = bias,
            OutputBias = bias,
            QkNorm = QkNorm.PerHead,
            Moe = QwenExperts.Read(config, design.Layers, experts: 128, perToken: 8, feedForward: 768, sharedFeedForward: 0),
        };
    }
}
