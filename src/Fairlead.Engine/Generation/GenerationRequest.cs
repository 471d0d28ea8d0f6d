using System.Collections.Immutable;
using Fairlead.Engine.Constraints;

namespace Fairlead.Engine.Generation;

/// <summary>What to write, and how.</summary>
public sealed record GenerationRequest
{
    /// <summary>Most answers to one prompt.</summary>
    public const int MostChoices = 128;

    /// <summary>The prompt as token ids, special tokens included; at least one.</summary>
    public required ImmutableArray<int> Prompt { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>
    /// Longest answer in tokens, its end token included; null for as long as the context allows. More than the context has left after the prompt
    /// is cut to that. 0 only with <see cref="Echo"/>: the prompt is read and nothing is written.
    /// </summary>
    public int? MaxTokens { get; init; }

    /// <summary>End tokens are not chosen before the answer has this many tokens.</summary>
    public int MinTokens { get; init; }

    /// <summary>The answer ends before the first of these, at most 16 of at most 1,024 UTF-16 units each.</summary>
    public ImmutableArray<string> Stop { get; init; } = [];

    /// <summary>Tokens that end the answer besides the model's own end tokens; at most 64.</summary>
    public ImmutableArray<int> EndTokens { get; init; } = [];

    /// <summary>Answers to write to the prompt, 1…128 and no more than the model has slots. They share the prompt's keys and values.</summary>
    public int Choices { get; init; } = 1;

    /// <summary>
    /// What every answer must look like, at its beginning and made for this model (<see cref="LanguageModel.Constraints"/>); it is not changed. An
    /// answer that has nothing more to add ends with <see cref="FinishReason.Stop"/>, one that is cut with <see cref="FinishReason.Length"/>.
    /// </summary>
    public TokenConstraint? Constraint { get; init; }

    /// <summary>Gives each token's log-probability.</summary>
    public bool Logprobs { get; init; }

    /// <summary>Gives this many best alternatives for each token, 0…20; needs <see cref="Logprobs"/>.</summary>
    public int TopLogprobs { get; init; }

    /// <summary>
    /// Each answer begins with the prompt's text and tokens. With <see cref="Logprobs"/> the prompt's tokens have theirs too, all but the first,
    /// which nothing precedes; such a prompt is read whole and takes nothing from earlier ones.
    /// </summary>
    public bool Echo { get; init; }

    /// <summary>
    /// True where the answer goes on with the prompt's text, so that a token that begins a word keeps the space before it. False where it is a
    /// text of its own, as an assistant's turn is: decoders take the space from a text's beginning.
    /// </summary>
    public bool ContinuesPrompt { get; init; } = true;

    /// <summary>Leaves special tokens out of the text, as a reader wants it; false for whoever parses them.</summary>
    public bool SkipSpecialTokens { get; init; } = true;

    /// <summary>
    /// Only requests of the same scope share their prompts' keys and values; null is a scope as well. Whoever serves several tenants gives each its own:
    /// that a prompt's beginning is known shows in the time of the first token (arXiv 2502.07776).
    /// </summary>
    public string? PrefixScope { get; init; }
}
