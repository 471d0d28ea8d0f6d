using Fairlead.Engine.Kernels;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Gemma (Gemma Team 2024; reference: <c>modeling_gemma.py</c>): scaled embeddings, norms stored less one, GELU in the gate.</summary>
internal static class Gemma
{
    public static DecoderArchitecture Architecture { get; } = new("gemma", Design, StandardNames.All);

    /// <summary>What all three generations share.</summary>
    public static DecoderDesign Common(ConfigReader config, int context, double theta = 10_000)
    {
        DecoderDesign design = StandardConfig.Read(config, tied: true, headDimension: 256, context: context, theta: theta);
        bool bias = config.Flag("attention_bias", false);
        return design with
        {
            QkvBias = bias,
            OutputBias = bias,
            NormAddsOne = true,
            EmbeddingScale = (float)Math.Sqrt(design.Width),
            Activation = StandardConfig.ActivationOf(config, "hidden_activation", "gelu_pytorch_tanh"),
        };
    }

    private static DecoderDesign Design(ConfigReader config)
    {
        DecoderDesign design = Common(config, context: 8192);
        // The first files say "gelu" in hidden_act, where the models were trained with the hyperbolic tangent.
        return design with { Activation = config.Has("hidden_activation") ? design.Activation : Activation.GeluTanh };
    }
}
