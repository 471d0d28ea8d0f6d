namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Mistral (Jiang et al. 2023; reference: <c>modeling_mistral.py</c>), also Zephyr and OpenChat: Llama with a window over the latest positions.</summary>
internal static class Mistral
{
    public static DecoderArchitecture Architecture { get; } = new("mistral", Design, StandardNames.All);

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = StandardConfig.Read(config, context: 4096 * 32);
        // A file that does not say null means the class's own 4,096.
        int window = config.Says("sliding_window") ? config.Int("sliding_window", 0, RopeConfig.LongestContext, 0) : 4096;
        return design with { Windows = StandardConfig.Windows(config, design.Layers, window, _ => true) };
    }
}
