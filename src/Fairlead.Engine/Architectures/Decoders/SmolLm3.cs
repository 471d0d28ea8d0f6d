using System.Collections.Immutable;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>SmolLM3 (reference: <c>modeling_smollm3.py</c>): Llama in which every fourth layer does without positions.</summary>
internal static class SmolLm3
{
    public static DecoderArchitecture Architecture { get; } = new("smollm3", Design, StandardNames.All);

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = StandardConfig.Read(config, tied: true, context: 32_768, theta: 2e6);
        config.Ignore("max_window_layers"); // Qwen's; here the layers without positions are the ones with a window.
        bool bias = config.Flag("attention_bias", false);
        int interval = config.Int("no_rope_layer_interval", 1, StandardConfig.Most, 4);
        // 1 for a layer with rotary embeddings: the list is named for its zeros.
        ImmutableArray<int> written = config.Ints("no_rope_layers") ?? [];
        if (!written.IsEmpty && (written.Length != design.Layers || written.Any(flag => flag is not (0 or 1))))
            throw config.Unsupported("no_rope_layers");
        bool Turns(int layer) => written.IsEmpty ? (layer + 1) % interval != 0 : written[layer] == 1;
        return design with
        {
            QkvBias = bias,
            OutputBias = bias,
            MlpBias = config.Flag("mlp_bias", false),
            RopeOfLayer = [.. Enumerable.Range(0, design.Layers).Select(layer => Turns(layer) ? 0 : -1)],
            Windows = StandardConfig.Windows(config, design.Layers, StandardConfig.SwitchedWindow(config), layer => !Turns(layer)),
        };
    }
}
