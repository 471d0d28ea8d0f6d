using Fairlead.Engine.Embeddings;

namespace Fairlead.Engine.Tests.Embeddings;

/// <summary>Embedding for a test that has nothing else to do than wait.</summary>
internal static class EmbeddingRuns
{
    /// <summary>The vectors; null with a refusal.</summary>
    public static EmbeddingVector[]? Embed(this EmbeddingModel model, IReadOnlyList<EmbeddingInput> inputs, bool cutLong, out EmbeddingRefusal? refusal, CancellationToken cancellationToken) =>
        model.TryStart(inputs, cutLong, cancellationToken, out Task<EmbeddingVector[]>? vectors, out refusal) ? vectors.GetAwaiter().GetResult() : null;
}
