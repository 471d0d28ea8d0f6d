namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Llama 2, 3, 3.1 and 3.2 (Touvron et al. 2023; reference: <c>modeling_llama.py</c>), and all that share its layout.</summary>
internal static class Llama
{
    public static DecoderArchitecture Architecture { get; } = new("llama", Design, StandardNames.All);

    private static DecoderDesign Design(ConfigReader config)
    {
        bool attentionBias = config.Flag("attention_bias", false);
        return StandardConfig.Read(config, context: 2048) with
        {
            QkvBias = attentionBias,
            OutputBias = attentionBias,
            MlpBias = config.Flag("mlp_bias", false),
        };
    }
}
