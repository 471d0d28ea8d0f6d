using System.Collections.Immutable;
using System.Threading.Channels;

namespace Fairlead.Engine.Generation;

/// <summary>An accepted request: what was asked, and what its choices share.</summary>
/// <param name="Request">Checked.</param>
/// <param name="MaxTokens">Longest answer, cut to the context.</param>
/// <param name="EndTokens">The model's and the request's, each in the vocabulary.</param>
/// <param name="Seed">The request's, or the one drawn for it.</param>
/// <param name="Arrival">Place in the order of requests.</param>
internal sealed record BatchRequest(
    GenerationRequest Request, int MaxTokens, ImmutableArray<int> EndTokens, ulong Seed, long Arrival, CancellationToken Cancellation)
{
    /// <summary>Bounded by the answer: at most a few events for each token that may be written.</summary>
    public Channel<GenerationEvent> Events { get; } =
        Channel.CreateUnbounded<GenerationEvent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    /// <summary>The first choice has read the prompt: the others find its blocks.</summary>
    public bool PromptRead { get; set; }

    /// <summary>What the model makes of each token of the prompt; filled where log-probabilities of an echoed prompt are asked for.</summary>
    public AnswerToken[]? PromptTokens { get; } = Request.Echo
        ? [.. Request.Prompt.Select(static id => new AnswerToken(id, null, []))]
        : null;

    public int ChoicesLeft { get; set; } = Request.Choices;

    public int CachedTokens { get; set; }

    public int CompletionTokens { get; set; }

    /// <summary>No choice of it has had a slot yet: it counts as waiting in the queue.</summary>
    public bool IsQueued { get; set; } = true;

    /// <summary>The last event is written.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Lets whoever asked hear of something, if there is anything.</summary>
    public void Write(GenerationEvent? happened)
    {
        if (happened is not null)
            Events.Writer.TryWrite(happened); // unbounded, and completed only after the last event
    }
}
