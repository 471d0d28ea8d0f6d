using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Generation;
using Fairlead.Worker.Answers;

namespace Fairlead.Worker;

/// <summary>What one step adds to a completion: a piece or the end of a choice, and last the usage or a failure.</summary>
internal readonly record struct CompletionStep(CompletionChunk? Chunk, AnswerUsage? Usage, Problem? Failure);

/// <summary>The prompts of one completion on their way: all are generated at once and told one after the other.</summary>
/// <param name="events">One reader for each prompt.</param>
/// <param name="choices">Answers to each prompt.</param>
/// <param name="all">Takes all of them back; owned from here on.</param>
internal sealed class CompletionTurn(ImmutableArray<ChannelReader<GenerationEvent>> events, int choices, CancellationTokenSource all) : IDisposable
{
    /// <summary>The steps, to the last: exactly one with a usage or a failure ends them.</summary>
    public async IAsyncEnumerable<CompletionStep> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        AnswerUsage total = default;
        for (int prompt = 0; prompt < events.Length; prompt++)
        {
            var written = new int[choices];
            await foreach (GenerationEvent one in events[prompt].ReadAllAsync(cancellationToken))
            {
                switch (one)
                {
                    case GenerationEvent.Piece piece:
                        yield return new CompletionStep(
                            new CompletionChunk((prompt * choices) + piece.Choice, piece.Text, null, piece.Tokens, written[piece.Choice]), null, null);
                        written[piece.Choice] += piece.Text.Length;
                        break;
                    case GenerationEvent.ChoiceEnded { Reason: not FinishReason.Cancelled } ended:
                        yield return new CompletionStep(
                            new CompletionChunk((prompt * choices) + ended.Choice, "", ended.Reason == FinishReason.Length ? "length" : "stop", [], written[ended.Choice]), null, null);
                        break;
                    case GenerationEvent.Ended ended:
                        total += new AnswerUsage(ended.PromptTokens, ended.CachedTokens, ended.CompletionTokens);
                        break;
                    case GenerationEvent.Failed failed:
                        yield return new CompletionStep(null, null, Refusal.Of(failed));
                        yield break;
                }
            }
        }
        yield return new CompletionStep(null, total, null);
    }

    /// <summary>Takes back what is still being generated.</summary>
    public void Dispose()
    {
        all.Cancel();
        all.Dispose();
    }
}
