using System.Collections.Immutable;
using System.Threading.Channels;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Chat;
using Fairlead.Engine.Generation;
using Fairlead.Worker.Answers;

namespace Fairlead.Worker;

/// <summary>What one step adds to a chat: what a choice says, thinks or calls, or its end, and last the usage or a failure.</summary>
internal readonly record struct ChatStep(
    int Choice, ImmutableArray<ChatEvent> Deltas, ImmutableArray<AnswerToken> Tokens, string? Finish, AnswerUsage? Usage, Problem? Failure);

/// <summary>One chat on its way from the model.</summary>
/// <param name="events">From the engine.</param>
/// <param name="parsers">One for each choice.</param>
/// <param name="mostCalls">Tool calls that a choice may make; what the model writes beyond is left out.</param>
internal sealed class ChatTurn(ChannelReader<GenerationEvent> events, ImmutableArray<ChatOutputParser> parsers, int mostCalls)
{
    private readonly bool[] _calls = new bool[parsers.Length];

    /// <summary>Waits for the next step; false after the last.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => events.WaitToReadAsync(cancellationToken);

    /// <summary>A step that is there already, so that steps made at once are sent at once.</summary>
    public bool TryRead(out ChatStep step)
    {
        while (events.TryRead(out GenerationEvent? one))
        {
            switch (one)
            {
                case GenerationEvent.Piece piece:
                    step = new ChatStep(piece.Choice, Kept(piece.Choice, parsers[piece.Choice].Append(piece.Text)), piece.Tokens, null, null, null);
                    return true;
                case GenerationEvent.ChoiceEnded { Reason: not FinishReason.Cancelled } ended:
                    ImmutableArray<ChatEvent> rest = Kept(ended.Choice, parsers[ended.Choice].Finish());
                    string finish = ended.Reason == FinishReason.Length ? "length" : _calls[ended.Choice] ? "tool_calls" : "stop";
                    step = new ChatStep(ended.Choice, rest, [], finish, null, null);
                    return true;
                case GenerationEvent.Ended ended:
                    step = new ChatStep(0, [], [], null, new AnswerUsage(ended.PromptTokens, ended.CachedTokens, ended.CompletionTokens), null);
                    return true;
                case GenerationEvent.Failed failed:
                    step = new ChatStep(0, [], [], null, null, Refusal.Of(failed));
                    return true;
            }
        }
        step = default;
        return false;
    }

    /// <summary>A copy of what the parser gives, which is valid until it is asked again.</summary>
    private ImmutableArray<ChatEvent> Kept(int choice, IReadOnlyList<ChatEvent> given)
    {
        var kept = ImmutableArray.CreateBuilder<ChatEvent>(given.Count);
        foreach (ChatEvent one in given)
        {
            switch (one)
            {
                case ChatEvent.CallEnded:
                    break; // the dialect has no word for it
                case ChatEvent.CallStarted call when call.Index < mostCalls:
                    _calls[choice] = true;
                    kept.Add(one);
                    break;
                case ChatEvent.CallArguments arguments when arguments.Index < mostCalls:
                    kept.Add(one);
                    break;
                case ChatEvent.Content or ChatEvent.Reasoning:
                    kept.Add(one);
                    break;
            }
        }
        return kept.ToImmutable();
    }
}
