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

    /// <summary>Most pages of one paged document; Anthropic takes 100, of its newest models 600.</summary>
    public long PagesAtMost { get; init; } = 600;

    /// <summary>Fewest bytes of a page in base 64: its text compressed and the objects around it. Smaller ones hold next to nothing.</summary>
    public long BytesPerPageAtLeast { get; init; } = 2048;

    /// <summary>Bytes that a page is expected to be in base 64.</summary>
    public long BytesPerPageExpected { get; init; } = 65_536;

    /// <summary>Most tokens of one page: 3,000 of text and its picture, as Anthropic states them.</summary>
    public long TokensPerPageAtMost { get; init; } = 4600;

    /// <summary>Tokens that one page is expected to be.</summary>
    public long TokensPerPageExpected { get; init; } = 2000;

    /// <summary>Most tokens of paged documents together.</summary>
    /// <param name="documents">How many.</param>
    /// <param name="bytes">Bytes of their data in base 64.</param>
    public long DocumentTokensAtMost(long documents, long bytes) => Math.Min(documents * PagesAtMost, documents + bytes / BytesPerPageAtLeast) * TokensPerPageAtMost;

    /// <summary>Tokens that paged documents together are expected to be.</summary>
    /// <param name="documents">How many.</param>
    /// <param name="bytes">Bytes of their data in base 64.</param>
    public long DocumentTokensExpected(long documents, long bytes) => Math.Min(documents * PagesAtMost, documents + bytes / BytesPerPageExpected) * TokensPerPageExpected;
}
