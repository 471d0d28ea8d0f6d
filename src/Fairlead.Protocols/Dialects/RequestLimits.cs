using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Dialects;

/// <summary>Bounds of one request body beside its size.</summary>
public sealed record RequestLimits
{
    public static RequestLimits Default { get; } = new();

    public JsonBounds Json { get; init; } = JsonBounds.Default;

    /// <summary>Characters of <c>model</c>.</summary>
    public int ModelLength { get; init; } = 256;

    /// <summary>Entries of <c>models</c> and of each list in <c>provider</c>.</summary>
    public int ListLength { get; init; } = 16;

    /// <summary>Top-level members.</summary>
    public int TopMembers { get; init; } = 256;

    /// <summary>Choices (<c>n</c>); OpenAI's clients refuse more in an answer.</summary>
    public int Choices { get; init; } = 128;

    /// <summary>Texts of one embeddings request, as OpenAI allows.</summary>
    public int EmbeddingInputs { get; init; } = 2048;

    /// <summary>Most tokens that one image is taken for; the dearest of the known tokenizations of a large picture.</summary>
    public long TokensPerImageAtMost { get; init; } = 4096;

    /// <summary>Tokens that one image is expected to be.</summary>
    public long TokensPerImageExpected { get; init; } = 1024;
}
