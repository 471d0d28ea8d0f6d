using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Fairlead.Engine.Generation;

/// <summary>Where requests come in: checked, numbered and counted by the caller's thread, then handed to the loop's.</summary>
/// <param name="contextLimit">Most positions of prompt and answer together.</param>
/// <param name="drawSeed">Chance for requests that bring none; called by any thread.</param>
internal sealed class RequestIntake(BatchModel model, BatchLimits limits, int contextLimit, Func<ulong> drawSeed)
{
    private readonly Channel<BatchRequest> _arrivals =
        Channel.CreateUnbounded<BatchRequest>(new UnboundedChannelOptions { SingleReader = true }); // bounded by _queued
    private int _queued;
    private long _arrived;

    /// <summary>Takes a request on, or says why not. From any thread.</summary>
    public bool TryAccept(
        GenerationRequest request,
        CancellationToken cancellation,
        [NotNullWhen(true)] out BatchRequest? accepted,
        [NotNullWhen(false)] out GenerationRefusal? refusal)
    {
        accepted = null;
        refusal = RequestCheck.Refusal(request, model.VocabularySize, contextLimit, limits.Slots);
        if (refusal is not null)
            return false;
        if (Interlocked.Increment(ref _queued) > limits.Queue)
        {
            Interlocked.Decrement(ref _queued);
            refusal = new GenerationRefusal(
                RefusalReason.QueueFull, $"{limits.Queue} requests wait for this model already ({limits.Slots} are answered at once); try again when some are done");
            return false;
        }

        int room = contextLimit - request.Prompt.Length;
        accepted = new BatchRequest(
            request,
            Math.Min(request.MaxTokens ?? room, room),
            [.. model.EndTokens.Concat(request.EndTokens).Distinct()],
            request.Sampling.Seed ?? drawSeed(),
            Interlocked.Increment(ref _arrived),
            cancellation);
        if (_arrivals.Writer.TryWrite(accepted))
            return true;
        Interlocked.Decrement(ref _queued);
        accepted = null;
        refusal = new GenerationRefusal(RefusalReason.Closed, "the model is being unloaded");
        return false;
    }

    /// <summary>The next request that was accepted; it counts as waiting until <see cref="LeaveQueue"/>. By the loop's thread.</summary>
    public bool TryTake([NotNullWhen(true)] out BatchRequest? request) => _arrivals.Reader.TryRead(out request);

    /// <summary>The request has a slot, or has ended without one: another may wait in its place. Counts once. By the loop's thread.</summary>
    public void LeaveQueue(BatchRequest request)
    {
        if (!request.IsQueued)
            return;
        request.IsQueued = false;
        Interlocked.Decrement(ref _queued);
    }

    /// <summary>Whatever comes from here on is refused.</summary>
    public void Close() => _arrivals.Writer.TryComplete();
}
