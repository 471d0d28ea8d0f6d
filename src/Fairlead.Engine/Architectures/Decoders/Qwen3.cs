namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Qwen 3 (reference: <c>modeling_qwen3.py</c>): Llama with a norm on each head's query and key, and heads of a length of their own.</summary>
internal static class Qwen3
{
    public static DecoderArchitecture Architecture { get; } = new("qwen3", Design, StandardNames.All);

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = StandardConfig.Read(config, headDimension: 128, context: 32_768);
        bool bias = config.Flag("attention_bias", false);
        int firstSliding = config.Int("max_window_layers", 0, StandardConfig.Most, 28);
        return design with
        {
            QkvBias = bias,
            OutputBias = bias,
            QkNorm = QkNorm.PerHead,
            Windows = StandardConfig.Windows(config, design.Layers, StandardConfig.SwitchedWindow(config), layer => layer >= firstSliding),
        };
    }
}
