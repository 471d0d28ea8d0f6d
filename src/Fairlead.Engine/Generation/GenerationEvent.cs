using System.Collections.Immutable;

namespace Fairlead.Engine.Generation;

/// <summary>
/// What becomes of a request: pieces of each choice, the end of each choice, and then exactly one <see cref="Ended"/> or <see cref="Failed"/>, after
/// which the channel is complete.
/// </summary>
public abstract record GenerationEvent
{
    private GenerationEvent()
    {
    }

    /// <summary>The next part of one choice.</summary>
    /// <param name="Choice">From 0.</param>
    /// <param name="Text">Whole characters; may be empty where <paramref name="Tokens"/> says something that cannot wait.</param>
    /// <param name="Tokens">The tokens that the text came from. One whose characters stand in two pieces belongs to the first. End tokens and the
    /// tokens of a stop string are not among them.</param>
    public sealed record Piece(int Choice, string Text, ImmutableArray<AnswerToken> Tokens) : GenerationEvent;

    /// <summary>One choice is complete.</summary>
    /// <param name="Choice">From 0.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Stop">The stop string that ended it.</param>
    /// <param name="EndToken">The end token that ended it.</param>
    /// <param name="CompletionTokens">Tokens chosen for it, the end token and those of a stop string included: each one was a step of the model.</param>
    public sealed record ChoiceEnded(int Choice, FinishReason Reason, string? Stop, int? EndToken, int CompletionTokens) : GenerationEvent;

    /// <summary>All choices are complete.</summary>
    /// <param name="PromptTokens">Length of the prompt, counted once for all choices.</param>
    /// <param name="CachedTokens">How many of them did not have to be read because an earlier prompt began alike.</param>
    /// <param name="CompletionTokens">Sum over the choices.</param>
    /// <param name="Seed">The seed that was used, for whoever wants the same answer again.</param>
    public sealed record Ended(int PromptTokens, int CachedTokens, int CompletionTokens, ulong Seed) : GenerationEvent;

    /// <summary>The request cannot be carried to its end.</summary>
    /// <param name="Reason">What happened, for the person who asked.</param>
    /// <param name="IsOfRequest">The request itself is the reason: what its answer must look like cannot be kept to.</param>
    public sealed record Failed(string Reason, bool IsOfRequest = false) : GenerationEvent;
}

/// <summary>Why a choice ended.</summary>
public enum FinishReason
{
    /// <summary>An end token, a stop string, or a constraint that allows nothing more.</summary>
    Stop,

    /// <summary>The longest answer, as asked or as the context has room for.</summary>
    Length,

    /// <summary>The caller took the request back.</summary>
    Cancelled,
}

/// <summary>One token of an answer.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Logprob">Natural logarithm of its probability in the model's own distribution, before bias, penalties, temperature and constraint
/// (as OpenAI's and vLLM's are), not below −9999; null where it was not asked for and for a prompt's first token.</param>
/// <param name="Top">The most probable tokens of that distribution, best first; empty where they were not asked for.</param>
public readonly record struct AnswerToken(int Id, float? Logprob, ImmutableArray<TokenLogprob> Top);

/// <summary>A token and the natural logarithm of its probability.</summary>
public readonly record struct TokenLogprob(int Id, float Logprob);
