using System.Collections.Immutable;
using System.Threading.Channels;
using Fairlead.Engine.Generation;
using Fairlead.Worker.Answers;

namespace Fairlead.Worker;

/// <summary>What one step adds to a chat: deltas of a choice or its end, and last the usage or a failure.</summary>
internal readonly record struct ChatStep(
    int Choice, ImmutableArray<ChatDelta> Deltas, ImmutableArray<AnswerToken> Tokens, string? Finish, AnswerUsage? Usage, string? Failure);

/// <summary>One chat on its way from the model.</summary>
/// <param name="events">From the engine.</param>
internal sealed class ChatTurn(ChannelReader<GenerationEvent> events)
{
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
                    step = new ChatStep(piece.Choice, piece.Text.Length > 0 ? [new ChatDelta.Content(piece.Text)] : [], piece.Tokens, null, null, null);
                    return true;
                case GenerationEvent.ChoiceEnded { Reason: not FinishReason.Cancelled } ended:
                    step = new ChatStep(ended.Choice, [], [], ended.Reason == FinishReason.Length ? "length" : "stop", null, null);
                    return true;
                case GenerationEvent.Ended ended:
                    step = new ChatStep(0, [], [], null, new AnswerUsage(ended.PromptTokens, ended.CachedTokens, ended.CompletionTokens), null);
                    return true;
                case GenerationEvent.Failed failed:
                    step = new ChatStep(0, [], [], null, null, failed.Reason);
                    return true;
            }
        }
        step = default;
        return false;
    }
}
