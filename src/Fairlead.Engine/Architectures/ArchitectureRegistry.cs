using System.Collections.Frozen;
using Fairlead.Engine.Architectures.Decoders;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Architectures;

/// <summary>The decoders this engine runs, by <c>model_type</c>. A new one is a file in <c>Decoders</c> and a line here.</summary>
internal static class ArchitectureRegistry
{
    private static readonly FrozenDictionary<string, DecoderArchitecture> s_decoders = new[]
    {
        Bloom.Architecture,
        Falcon.Architecture,
        Gemma.Architecture,
        Gemma2.Architecture,
        Gemma3.Architecture,
        Gemma3WithImages.Architecture,
        Gpt2.Architecture,
        Granite.Architecture,
        Llama.Architecture,
        Mistral.Architecture,
        Mixtral.Architecture,
        Olmo2.Architecture,
        Phi3.Architecture,
        Qwen2.Architecture,
        Qwen2Moe.Architecture,
        Qwen3.Architecture,
        Qwen3Moe.Architecture,
        SmolLm3.Architecture,
        StarCoder2.Architecture,
    }.ToFrozenDictionary(architecture => architecture.ModelType, StringComparer.Ordinal);

    /// <summary>Every <c>model_type</c> that <see cref="Find"/> knows, in order.</summary>
    public static IEnumerable<string> ModelTypes => s_decoders.Keys.Order(StringComparer.Ordinal);

    /// <summary>The architecture of that <c>model_type</c>.</summary>
    /// <exception cref="ModelFileException">This engine has none of that name.</exception>
    public static DecoderArchitecture Find(string file, string modelType) =>
        s_decoders.TryGetValue(modelType, out DecoderArchitecture? architecture)
            ? architecture
            : throw new ModelFileException(file, null,
                $"\"model_type\": \"{Excerpt.Of(modelType)}\" is not among the models that this engine runs. {ConfigReader.Elsewhere} Language models that it runs: {string.Join(", ", ModelTypes)}; encoders: {string.Join(", ", EncoderArchitecture.ModelTypesKnown)}");
}
