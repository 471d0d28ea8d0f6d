namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Qwen 2 and 2.5 (reference: <c>modeling_qwen2.py</c>): Llama with a bias on queries, keys and values, and a window on the upper layers where it is switched on.</summary>
internal static class Qwen2
{
    public static DecoderArchitecture Architecture { get; } = new("qwen2", Design, StandardNames.All);

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = StandardConfig.Read(config, context: 32_768);
        config.Ignore("attention_bias"); // The class has none of that name: its bias is always there. GGUF's reader says so.
        int firstSliding = config.Int("max_window_layers", 0, StandardConfig.Most, 28);
        return design with
        {
            QkvBias = true,
            Windows = StandardConfig.Windows(config, design.Layers, StandardConfig.SwitchedWindow(config), layer => layer >= firstSliding),
        };
    }
}
