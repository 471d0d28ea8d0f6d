using System.Collections.Frozen;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>One kind of encoder: how its configuration becomes a design, and its tensor names become roles.</summary>
/// <param name="ModelTypes">The <c>model_type</c>s of its <c>config.json</c>.</param>
/// <param name="Prefix">What stands before every name of the encoder in a checkpoint that has a head on top: <c>bert.</c></param>
/// <param name="Design">Reads every option that changes what is computed.</param>
/// <param name="Weights">Takes every tensor, checks its shape and gives it its role.</param>
internal sealed record EncoderArchitecture(string[] ModelTypes, string Prefix, Func<ConfigReader, EncoderDesign> Design, Func<CheckpointReader, EncoderDesign, EncoderWeights> Weights)
{
    private static readonly FrozenDictionary<string, EncoderArchitecture> s_known = new[] { Bert.Architecture, Roberta.Architecture, DistilBert.Architecture, MpNet.Architecture }
        .SelectMany(static architecture => architecture.ModelTypes, static (architecture, type) => (type, architecture))
        .ToFrozenDictionary(static pair => pair.type, static pair => pair.architecture, StringComparer.Ordinal);

    /// <summary>Every <c>model_type</c> that <see cref="Find"/> knows, in order.</summary>
    public static IEnumerable<string> ModelTypesKnown => s_known.Keys.Order(StringComparer.Ordinal);

    /// <summary>Whether there is an encoder of that <c>model_type</c>.</summary>
    public static bool IsKnown(string modelType) => s_known.ContainsKey(modelType);

    /// <summary>The encoder of that <c>model_type</c>.</summary>
    /// <exception cref="ModelFileException">This engine has none of that name.</exception>
    public static EncoderArchitecture Find(string file, string modelType) => s_known.TryGetValue(modelType, out EncoderArchitecture? found)
        ? found
        : throw new ModelFileException(file, null,
            $"\"model_type\": \"{Excerpt.Of(modelType)}\" is not among the text encoders that this engine runs. text-embeddings-inference or llama-server may serve it. Encoders that it runs: {string.Join(", ", ModelTypesKnown)}");
}
