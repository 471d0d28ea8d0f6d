using System.Runtime.InteropServices;
using Fairlead.Engine.Generation.Speculation;

namespace Fairlead.Engine.Generation;

/// <summary>The sequences that are being written and those that wait for it: how they enter, give way, and end.</summary>
/// <remarks>
/// A sequence enters in the order of arrival, when a slot is free and its prompt fits. When a running one needs a block and none is left, the youngest is put back to the front of the queue,
/// blocks and all; it is read again later and goes on with the same text, because a row does not depend on what it is computed with. The oldest is never put back for another, and alone it
/// always fits (a request that would not is refused), so somebody always goes on. Used by the batch loop's thread only.
/// </remarks>
internal sealed class BatchRoster(BatchModel model, BatchLimits limits, RequestIntake intake, CacheRoom room, Speculator speculator, GenerationCounters counters)
{
    private readonly List<BatchSequence> _waiting = []; // oldest first
    private readonly List<BatchSequence> _running = new(limits.Slots); // oldest first

    /// <summary>Those that have a slot, oldest first; until the next change.</summary>
    public ReadOnlySpan<BatchSequence> Running => CollectionsMarshal.AsSpan(_running);

    /// <summary>Sequences that have none.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Puts whatever has been accepted into the queue, a sequence for each choice.</summary>
    public void TakeArrivals()
    {
        while (intake.TryTake(out BatchRequest? request))
        {
            counters.Accepted++;
            for (int choice = 0; choice < request.Request.Choices; choice++)
                Insert(_waiting, new BatchSequence(request, choice));
        }
    }

    /// <summary>Ends what was taken back.</summary>
    /// <remarks>
    /// From the oldest to the youngest: a token that is cancelled while this goes on is seen by all that are looked at later, so no choice
    /// stays behind that waits for an older one which is gone.
    /// </remarks>
    public void DropCancelled()
    {
        DropCancelled(_running);
        DropCancelled(_waiting);
    }

    /// <summary>Lets those enter for which there are a slot and room.</summary>
    public void Admit()
    {
        for (int i = 0; i < _waiting.Count && _running.Count < limits.Slots;)
        {
            BatchSequence next = _waiting[i];
            if (next.Choice > 0 && !next.Request.PromptRead)
                i++; // it waits for the blocks of the first choice; whoever is behind need not
            else if (!TryBegin(next))
                i = 0; // the request has failed and its choices are gone from the queue
            else if (TryEnter(next))
                _waiting.RemoveAt(i);
            else
                break; // strictly in order: a short prompt that overtakes again and again would starve a long one
        }
    }

    /// <summary>Makes room for the next token of each running sequence; the youngest are put back where that takes it.</summary>
    public void MakeRoom()
    {
        for (int i = 0; i < _running.Count; i++)
        {
            BatchSequence sequence = _running[i];
            while (!room.TryGrow(sequence.Cached, sequence.Length))
            {
                BatchSequence youngest = _running[^1];
                PutBack(youngest);
                if (youngest == sequence)
                    break;
            }
        }
    }

    /// <summary>A choice is complete, and its request with the last one.</summary>
    public void End(BatchSequence sequence, AnswerEnd end)
    {
        BatchRequest request = sequence.Request;
        if (end.Reason != FinishReason.Cancelled && request.MaxTokens > 0)
            request.Write(sequence.Text.Rest());
        request.Write(new GenerationEvent.ChoiceEnded(sequence.Choice, end.Reason, sequence.Stop, end.Token, sequence.Chosen));
        Leave(sequence);
        _waiting.Remove(sequence);
        if (--request.ChoicesLeft == 0)
            End(request, new GenerationEvent.Ended(request.Request.Prompt.Length, request.CachedTokens, request.CompletionTokens, request.Seed));
    }

    /// <summary>The request cannot be carried to its end; all of its choices go.</summary>
    /// <param name="isOfRequest">See <see cref="GenerationEvent.Failed"/>.</param>
    public void Fail(BatchRequest request, string reason, bool isOfRequest = false)
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            if (_running[i].Request == request)
                Leave(_running[i]);
        }

        _waiting.RemoveAll(sequence => sequence.Request == request);
        counters.Failed++;
        End(request, new GenerationEvent.Failed(reason, isOfRequest));
    }

    /// <summary>Fails every request that has a sequence among the running ones.</summary>
    public void FailRunning(string reason)
    {
        while (_running.Count > 0)
            Fail(_running[0].Request, reason);
        Publish();
    }

    /// <summary>Fails every request.</summary>
    public void FailAll(string reason)
    {
        FailRunning(reason);
        while (_waiting.Count > 0)
            Fail(_waiting[0].Request, reason);
    }

    /// <summary>Lets the counters tell how it stands.</summary>
    public void Publish()
    {
        (counters.Running, counters.Waiting) = (_running.Count, _waiting.Count);
        (counters.FreeBlocks, counters.KeptBlocks) = (room.FreeBlocks, room.KeptBlocks);
    }

    private void DropCancelled(List<BatchSequence> sequences)
    {
        for (int i = 0; i < sequences.Count;)
        {
            if (sequences[i].Request.Cancellation.IsCancellationRequested)
                End(sequences[i], new AnswerEnd(FinishReason.Cancelled)); // takes it out of the list
            else
                i++;
        }
    }

    private bool TryBegin(BatchSequence sequence)
    {
        try
        {
            sequence.Begin(model.NewDecoder, limits.Guesses, model.Draft?.ContextLength ?? 0);
            return true;
        }
        catch (Exception e)
        {
            Fail(sequence.Request, $"the answer could not be begun: {e.Message}");
            return false;
        }
    }

    private bool TryEnter(BatchSequence sequence)
    {
        // A block is left for each that is running: none of them gives way for this one at the next step.
        if (!room.TryPlace(sequence.Cached, reserve: _running.Count, readsAll: sequence.WantsPromptScores))
            return false;
        counters.PromptTokens += sequence.Length;
        counters.CachedTokens += sequence.Read;
        if (sequence.Request.IsQueued)
            sequence.Request.CachedTokens = sequence.Read;
        intake.LeaveQueue(sequence.Request);
        Insert(_running, sequence);
        return true;
    }

    private void PutBack(BatchSequence sequence)
    {
        Leave(sequence);
        Insert(_waiting, sequence);
        counters.PutBack++;
    }

    private void End(BatchRequest request, GenerationEvent last)
    {
        intake.LeaveQueue(request);
        request.HasEnded = true;
        counters.Ended++;
        Publish(); // before anybody hears of it: who has an answer is not counted as running
        request.Write(last);
        request.Events.Writer.Complete();
    }

    /// <summary>The sequence gives its slot and its blocks back.</summary>
    private void Leave(BatchSequence sequence)
    {
        _running.Remove(sequence);
        sequence.UnderWay = 0;
        room.Leave(sequence.Cached);
        speculator.Leave(sequence);
    }

    private static void Insert(List<BatchSequence> sequences, BatchSequence sequence)
    {
        int at = sequences.Count;
        while (at > 0 && sequence.IsOlderThan(sequences[at - 1]))
            at--;
        sequences.Insert(at, sequence);
    }
}
