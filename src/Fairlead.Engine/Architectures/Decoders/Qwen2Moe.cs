namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Qwen 1.5 and 2 with experts (reference: <c>modeling_qwen2_moe.py</c>): one expert more that every token uses, as far as a gate lets it.</summary>
internal static class Qwen2Moe
{
    public static DecoderArchitecture Architecture { get; } = new("qwen2_moe", Design, static (weights, design) => StandardNames.All(weights, design, QwenExperts.Layer));

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = StandardConfig.Read(config, context: 32_768);
        config.Ignore("attention_bias"); // As in Qwen2.
        return design with
        {
            QkvBias = config.Flag("qkv_bias", true),
            Moe = QwenExperts.Read(config, design.Layers, experts: 60, perToken: 4, feedForward: 1408, sharedFeedForward: 5632),
        };
    }
}
