using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Embeddings;

/// <summary>What a vector is wanted of: a text, or its tokens.</summary>
public readonly record struct EmbeddingInput
{
    /// <summary>A text, which gets the model's special tokens and its default beginning.</summary>
    public EmbeddingInput(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Text = text;
    }

    /// <summary>Tokens, which are taken as they are: no special token is added.</summary>
    public EmbeddingInput(IReadOnlyList<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        Tokens = tokens;
    }

    /// <summary>The text, or null.</summary>
    public string? Text { get; }

    /// <summary>The tokens, or null.</summary>
    public IReadOnlyList<int>? Tokens { get; }
}

/// <summary>The vector of one input.</summary>
/// <param name="Values"><see cref="EmbeddingModel.Dimension"/> numbers.</param>
/// <param name="Tokens">Tokens that were read, special tokens included.</param>
/// <param name="IsCut">Whether the input was longer and lost its end, as the caller asked.</param>
public sealed record EmbeddingVector(float[] Values, int Tokens, bool IsCut);

/// <summary>Why nothing was computed.</summary>
/// <param name="Input">Number of the input that is to blame, from 0.</param>
/// <param name="IsTooLong">Whether a shorter input, or leave to cut it, would be accepted.</param>
/// <param name="Message">In words for whoever wrote the request: what is wrong, and the numbers.</param>
public sealed record EmbeddingRefusal(int Input, bool IsTooLong, string Message)
{
    /// <summary>Nothing is wrong with the inputs: as many requests wait as may, and later there is room.</summary>
    public bool IsBusy { get; init; }
}

/// <summary>How an embedding model is served.</summary>
public sealed record EmbeddingOptions
{
    /// <summary>Threads that compute; null for as many as the process may use.</summary>
    public int? Threads { get; init; }

    /// <summary>Requests whose texts take turns in the passes, ≥ 1. Default 8.</summary>
    public int Slots { get; init; } = 8;

    /// <summary>Requests that may wait beside them, ≥ 1; one more is refused. Default 64.</summary>
    public int Queue { get; init; } = 64;

    /// <summary>
    /// Tokens computed at a time, over several inputs; one longer input is computed alone. Memory for activations is this times five to ten widths of
    /// the model. Default 1,024: in it a matrix product is as fast per token as it gets.
    /// </summary>
    public int TokensPerPass { get; init; } = 1024;

    /// <summary>What matrices of floating-point numbers are quantised to while they are loaded: Q8_0, Q4_0 or Q4_K; null: they stay what they are.</summary>
    public ElementType? Quantize { get; init; }

    /// <summary>Where the packed matrices are kept between loads; null: nowhere.</summary>
    public PackStore? Packs { get; init; }
}
