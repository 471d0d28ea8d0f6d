using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Fairlead.Engine.Constraints;

namespace Fairlead.Engine.Generation;

/// <summary>One step of a model: reads the rows, adds their keys and values to the cache, and writes a row of scores for each that wants them.</summary>
/// <param name="rows">Rows of one sequence stand together, in ascending order.</param>
/// <param name="cache">Where the rows' sequences have room.</param>
/// <param name="logits"><c>[rows that want logits × vocabulary]</c>, in the order of the rows.</param>
public delegate void ModelStep(ReadOnlySpan<StepRow> rows, KvCache cache, Span<float> logits);

/// <summary>What the loop must know of a model.</summary>
/// <param name="Step">The model itself.</param>
/// <param name="VocabularySize">Length of a row of scores.</param>
/// <param name="ContextLength">Most positions the model has been made for.</param>
/// <param name="EndTokens">Tokens with which it ends an answer.</param>
/// <param name="NewDecoder">Begins a text; true leaves special tokens out.</param>
internal sealed record BatchModel(
    ModelStep Step, int VocabularySize, int ContextLength, ImmutableArray<int> EndTokens, Func<bool, AnswerDecoder> NewDecoder);

/// <summary>How much the loop takes on.</summary>
/// <param name="Slots">Answers written at once.</param>
/// <param name="Queue">Requests that may wait for a slot.</param>
/// <param name="StepTokens">Most rows of a step; at least as many as slots.</param>
internal sealed record BatchLimits(int Slots, int Queue, int StepTokens)
{
    /// <summary>See <see cref="LanguageModelOptions.Stall"/>; as long as there is time: no bound but <see cref="StepTokens"/>.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.MaxValue;

    /// <summary>See <see cref="LanguageModelOptions.Guesses"/>.</summary>
    public int Guesses { get; init; }
}

/// <summary>Writes the answers of all requests to one model, several at once: the one owner of its cache and its sequences.</summary>
/// <remarks>
/// Each step takes one row of every answer that is being written and fills up with rows of prompts, never more than
/// <see cref="BatchLimits.StepTokens"/> and than <see cref="StepPace"/> allows: a long prompt delays the others' next token by that much and no more. Prompts that are read at the same
/// time share what is left evenly. Answers join and leave between any two steps.
/// <para>
/// Room: a sequence enters when its prompt fits and every running one could still take a block. When a running one needs a block and neither
/// a free nor a kept one is left, the youngest sequence is put back to the front of the queue, blocks and all; it is read again later and goes on
/// with the same text, because a row does not depend on what it is computed with. The oldest is never put back for another, and alone it
/// always fits (a request that would not is refused), so somebody always goes on.
/// </para>
/// <para><see cref="Step"/> is the whole loop, one turn of it, on the caller's thread; <see cref="Start"/> gives it a thread of its own.</para>
/// </remarks>
internal sealed class BatchLoop : IDisposable
{
    /// <summary>Rows of a step beyond one a slot that may ask for scores: a prompt whose log-probabilities are wanted is read in such pieces.</summary>
    private const int PromptScoreRows = 16;

    /// <summary>Rows of a step that may belong to answers: beyond so many, guesses would take time that nobody is sure to save.</summary>
    private const int AnswerRows = 16;

    private readonly BatchModel _model;
    private readonly BatchLimits _limits;
    private readonly KvCache _cache;
    private readonly PrefixCache _prefixes;
    private readonly Func<ulong> _drawSeed;
    private readonly TimeProvider _time;
    private readonly Channel<BatchRequest> _arrivals =
        Channel.CreateUnbounded<BatchRequest>(new UnboundedChannelOptions { SingleReader = true }); // bounded by _queued
    private readonly List<BatchSequence> _waiting = []; // oldest first
    private readonly List<BatchSequence> _running; // oldest first
    private readonly List<BatchSequence> _stepped;
    private readonly List<int> _shared = [];
    private readonly StepRow[] _rows;
    private readonly float[] _logits;
    private readonly float[] _raw;
    private readonly SamplerScratch _scratch;
    private readonly StepPace _pace;
    private readonly object _gate = new(); // of _awake; a monitor, because a caller may still ring when everything else is disposed
    private bool _awake;
    private Thread? _thread;
    private int _queued;
    private long _arrived;
    private volatile bool _closing;

    /// <param name="cache">The model's; owned by the loop from here on, and disposed with it.</param>
    /// <param name="drawSeed">Chance for requests that bring none; called by any thread.</param>
    /// <param name="time">What steps are measured by; null for the system's.</param>
    public BatchLoop(BatchModel model, BatchLimits limits, KvCache cache, Func<ulong> drawSeed, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.Slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.StepTokens, limits.Slots);
        (_model, _limits, _cache, _drawSeed) = (model, limits, cache, drawSeed);
        _time = time ?? TimeProvider.System;
        _prefixes = new PrefixCache(cache);
        (_running, _stepped) = (new(limits.Slots), new(limits.Slots));
        _rows = new StepRow[limits.StepTokens];
        _logits = new float[checked(ScoreRows(limits) * model.VocabularySize)];
        _raw = new float[model.VocabularySize];
        _scratch = new SamplerScratch(model.VocabularySize);
        _pace = new StepPace(limits.Stall);
        Counters = new GenerationCounters { Slots = limits.Slots, Blocks = cache.Blocks, FreeBlocks = cache.FreeBlocks };
    }

    /// <summary>Bytes that a loop takes beside its cache: rows of scores, room for choosing, and what answers of full length keep of their tokens.</summary>
    public static long BytesFor(BatchLimits limits, int vocabularySize, int contextLength)
    {
        long scores = (ScoreRows(limits) + 1L) * vocabularySize * sizeof(float);
        return scores + SamplerScratch.BytesFor(vocabularySize) + (limits.Slots * (long)contextLength * BatchSequence.BytesPerToken);
    }

    private static int ScoreRows(BatchLimits limits) => limits.Slots + PromptScoreRows + (limits.Guesses > 0 ? AnswerRows : 0);

    /// <summary>Prompt and answer together: what the model was made for, or what the cache has room for where that is less.</summary>
    public int ContextLimit => (int)Math.Min(_model.ContextLength, (long)_cache.Blocks * KvCache.BlockPositions);

    public GenerationCounters Counters { get; }

    /// <summary>Takes a request on, from any thread.</summary>
    /// <param name="cancellation">Ends the request before the next step; its choices then end as <see cref="FinishReason.Cancelled"/>.</param>
    /// <param name="events">What becomes of it; to be read by one reader.</param>
    public bool TryStart(
        GenerationRequest request,
        CancellationToken cancellation,
        [NotNullWhen(true)] out ChannelReader<GenerationEvent>? events,
        [NotNullWhen(false)] out GenerationRefusal? refusal)
    {
        events = null;
        refusal = RequestCheck.Refusal(request, _model.VocabularySize, ContextLimit, _limits.Slots);
        if (refusal is not null)
            return false;
        if (Interlocked.Increment(ref _queued) > _limits.Queue)
        {
            Interlocked.Decrement(ref _queued);
            refusal = new GenerationRefusal(
                RefusalReason.QueueFull, $"{_limits.Queue} requests wait for this model already ({_limits.Slots} are answered at once); try again when some are done");
            return false;
        }

        int room = ContextLimit - request.Prompt.Length;
        var accepted = new BatchRequest(
            request,
            Math.Min(request.MaxTokens ?? room, room),
            [.. _model.EndTokens.Concat(request.EndTokens).Distinct()],
            request.Sampling.Seed ?? _drawSeed(),
            Interlocked.Increment(ref _arrived),
            cancellation);
        if (!_arrivals.Writer.TryWrite(accepted))
        {
            Interlocked.Decrement(ref _queued);
            refusal = new GenerationRefusal(RefusalReason.Closed, "the model is being unloaded");
            return false;
        }

        Wake();
        events = accepted.Events.Reader;
        return true;
    }

    /// <summary>Runs the loop on a thread of its own until <see cref="Dispose"/>.</summary>
    public void Start()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "fairlead batch loop" };
        _thread.Start();
    }

    /// <summary>One turn: takes arrivals on, drops what was taken back, steps the model once. False when there is nothing to do.</summary>
    public bool Step()
    {
        TakeArrivals();
        DropCancelled();
        Admit();
        Publish();
        if (_running.Count == 0)
            return _waiting.Count > 0; // never so by design; but if it were, turning on would be found out and sleeping would not
        int rows = Plan();
        int scores = 0;
        foreach (StepRow row in _rows.AsSpan(0, rows))
            scores += row.WantsLogits ? 1 : 0;
        long began = _time.GetTimestamp(), chosen = Counters.CompletionTokens;
        int answers = _running.Count, written = 0, guessed = 0;
        foreach (BatchSequence sequence in _running)
        {
            written += sequence.Missing == 1 ? 1 : 0;
            guessed += sequence.Guessed;
        }

        try
        {
            _model.Step(_rows.AsSpan(0, rows), _cache, _logits.AsSpan(0, scores * _model.VocabularySize));
        }
        catch (Exception e)
        {
            // The model is at fault, not one of the requests; which of their keys and values were written is unknown, so all of them end.
            FailAll($"the model could not compute this step: {e.Message}");
            return true;
        }

        TakeResults();
        double seconds = _time.GetElapsedTime(began).TotalSeconds;
        _pace.Stepped(written, rows - written - guessed, seconds);
        Counters.Stepped(rows, answers, Counters.CompletionTokens - chosen, seconds);
        Publish();
        return true;
    }

    /// <summary>Ends the thread after the step it is in; whatever is not answered fails.</summary>
    public void Dispose()
    {
        if (_closing)
            return;
        _closing = true;
        _arrivals.Writer.TryComplete();
        Wake();
        _thread?.Join();
        TakeArrivals();
        FailAll("the model was unloaded before the answer was complete");
        _cache.Dispose();
    }

    private void Run()
    {
        while (!_closing)
        {
            if (!Step())
                Sleep();
        }
    }

    private void Wake()
    {
        lock (_gate)
        {
            _awake = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Until somebody has called <see cref="Wake"/> since the last time, which may have been just before.</summary>
    private void Sleep()
    {
        lock (_gate)
        {
            while (!_awake)
                Monitor.Wait(_gate);
            _awake = false;
        }
    }

    private void TakeArrivals()
    {
        while (_arrivals.Reader.TryRead(out BatchRequest? request))
        {
            Counters.Accepted++;
            for (int choice = 0; choice < request.Request.Choices; choice++)
                Insert(_waiting, new BatchSequence(request, choice));
        }
    }

    /// <summary>
    /// From the oldest to the youngest: a token that is cancelled while this goes on is seen by all that are looked at later, so no choice
    /// stays behind that waits for an older one which is gone.
    /// </summary>
    private void DropCancelled()
    {
        DropCancelled(_running);
        DropCancelled(_waiting);
    }

    private void DropCancelled(List<BatchSequence> sequences)
    {
        for (int i = 0; i < sequences.Count;)
        {
            if (sequences[i].Request.Cancellation.IsCancellationRequested)
                End(sequences[i], FinishReason.Cancelled); // takes it out of the list
            else
                i++;
        }
    }

    private void Admit()
    {
        for (int i = 0; i < _waiting.Count && _running.Count < _limits.Slots;)
        {
            BatchSequence next = _waiting[i];
            if (next.Choice > 0 && !next.Request.PromptRead)
                i++; // it waits for the blocks of the first choice; whoever is behind need not
            else if (!TryBegin(next))
                i = 0; // the request has failed and its choices are gone from the queue
            else if (TryPlace(next))
                _waiting.RemoveAt(i);
            else
                break; // strictly in order: a short prompt that overtakes again and again would starve a long one
        }
    }

    private bool TryBegin(BatchSequence sequence)
    {
        try
        {
            sequence.Begin(_model.NewDecoder, _limits.Guesses);
            return true;
        }
        catch (Exception e)
        {
            Fail(sequence.Request, $"the answer could not be begun: {e.Message}");
            return false;
        }
    }

    private bool TryPlace(BatchSequence sequence)
    {
        ReadOnlySpan<int> tokens = sequence.Tokens.AsSpan(0, sequence.Length);
        string? scope = sequence.Request.Request.PrefixScope;
        int last = PrefixCache.Root;
        _shared.Clear();
        // The last token is read in any case: its scores choose the next one, and blocks hold no scores.
        int full = sequence.WantsPromptScores ? 0 : (tokens.Length - 1) / KvCache.BlockPositions;
        while (_shared.Count < full && _prefixes.TryUse(scope, last, BlockOf(tokens, _shared.Count), out int block))
        {
            _shared.Add(block);
            last = block;
        }

        int missing = KvCache.BlocksFor(tokens.Length) - _shared.Count;
        if (missing + _running.Count > _cache.FreeBlocks + _prefixes.Unused)
        {
            _prefixes.Leave(last);
            return false;
        }

        sequence.Blocks.BeginWith(_cache, _shared);
        while (!sequence.Blocks.TryReserve(_cache, tokens.Length))
        {
            if (!_prefixes.TryEvict())
                throw new InvalidOperationException("the cache has fewer blocks than it counts");
        }

        sequence.Known = (last, _shared.Count);
        sequence.Read = (_shared.Count * KvCache.BlockPositions) + (sequence.WantsPromptScores ? 0 : CopyBegun(sequence, tokens[..^1]));
        Counters.PromptTokens += tokens.Length;
        Counters.CachedTokens += sequence.Read;
        if (sequence.Request.IsQueued)
        {
            sequence.Request.IsQueued = false;
            sequence.Request.CachedTokens = sequence.Read;
            Interlocked.Decrement(ref _queued);
        }

        Insert(_running, sequence);
        return true;
    }

    /// <summary>
    /// Finds the text that agrees longest with these tokens beyond the blocks that the sequence shares with it, kept or being written, copies the positions
    /// for which it does into the sequence's first own block, and says how many those are. Looks after that block was taken, for this may have cost a kept one.
    /// </summary>
    private int CopyBegun(BatchSequence sequence, ReadOnlySpan<int> tokens)
    {
        (int last, int count) = sequence.Known;
        string? scope = sequence.Request.Request.PrefixScope;
        tokens = tokens[(count * KvCache.BlockPositions)..];
        tokens = tokens[..Math.Min(tokens.Length, KvCache.BlockPositions)];
        int nearest = _prefixes.Nearest(scope, last, tokens, out int most);
        foreach (BatchSequence other in _running)
        {
            // Who has filled more blocks than these is found by the block that follows, among the kept ones.
            if (other.Known != sequence.Known || (last == PrefixCache.Root && !string.Equals(other.Request.Request.PrefixScope, scope, StringComparison.Ordinal)))
                continue;
            int common = tokens.CommonPrefixLength(other.Tokens.AsSpan(count * KvCache.BlockPositions, other.Read - (count * KvCache.BlockPositions)));
            if (common > most)
                (nearest, most) = (other.Blocks.Blocks[count], common);
        }

        if (most > 0)
            _cache.CopyPositions(nearest, sequence.Blocks.Blocks[count], most);
        return most;
    }

    /// <summary>Chooses the rows of the next step.</summary>
    private int Plan()
    {
        for (int i = 0; i < _running.Count; i++)
            MakeRoom(_running[i]);
        ShareStep();
        int count = 0;
        foreach (BatchSequence sequence in _running)
        {
            for (int position = sequence.Read; position < sequence.Read + sequence.Take; position++)
            {
                bool chooses = position == sequence.Length - 1 && sequence.Request.MaxTokens > 0;
                _rows[count++] = new StepRow(sequence.Tokens[position], sequence.Blocks, position, chooses || sequence.WantsPromptScores);
            }

            for (int i = 0; i < sequence.Guessed; i++)
                _rows[count++] = new StepRow(sequence.Guess[i], sequence.Blocks, sequence.Length + i, WantsLogits: true);
        }

        return count;
    }

    private void MakeRoom(BatchSequence sequence)
    {
        while (!sequence.Blocks.TryReserve(_cache, sequence.Length))
        {
            if (_prefixes.TryEvict())
                continue;
            BatchSequence youngest = _running[^1];
            PutBack(youngest);
            if (youngest == sequence)
                return;
        }
    }

    private void PutBack(BatchSequence sequence)
    {
        Leave(sequence);
        Insert(_waiting, sequence);
        Counters.PutBack++;
    }

    /// <summary>One row for each answer; the rest of the step goes to prompts, in even parts, and what short ones leave to the oldest.</summary>
    private void ShareStep()
    {
        int reading = 0, answers = 0, leftScores = PromptScoreRows;
        foreach (BatchSequence sequence in _running)
        {
            sequence.Take = sequence.Missing == 1 ? 1 : 0;
            answers += sequence.Take;
            reading += 1 - sequence.Take;
        }

        int left = _pace.PromptRows(answers, _limits.StepTokens - answers - Guess(answers));
        int share = left / Math.Max(1, reading);
        for (int most = share; left > 0; most = left)
        {
            int before = left;
            foreach (BatchSequence sequence in _running)
            {
                int more = Math.Min(Math.Min(sequence.Missing - sequence.Take, most), left);
                if (sequence.WantsPromptScores)
                {
                    more = Math.Min(more, leftScores);
                    leftScores -= more;
                }

                sequence.Take += more;
                left -= more;
            }

            if (left == before)
                break;
        }
    }

    /// <summary>Guesses how the answers go on, and says how many rows that takes. A guess displaces nobody: it takes free room or none.</summary>
    private int Guess(int answers)
    {
        int left = Math.Min(AnswerRows, _limits.StepTokens) - answers, guessed = 0;
        foreach (BatchSequence sequence in _running)
        {
            sequence.Guessed = 0;
            if (_limits.Guesses == 0 || sequence.Take != 1 || sequence.Missing != 1 || left <= guessed)
                continue;
            int room = Math.Min(left - guessed, sequence.Request.MaxTokens - sequence.Chosen - 1);
            sequence.Guessed = sequence.Propose(Math.Min(_limits.Guesses, room));
            if (sequence.Guessed > 0 && !sequence.Blocks.TryReserve(_cache, sequence.Length + sequence.Guessed))
                sequence.Guessed = 0;
            guessed += sequence.Guessed;
        }

        return guessed;
    }

    private void TakeResults()
    {
        _stepped.Clear();
        _stepped.AddRange(_running);
        int row = 0;
        foreach (BatchSequence sequence in _stepped)
        {
            int first = row;
            int wanted = sequence.WantsPromptScores ? sequence.Take : sequence.Take == sequence.Missing && sequence.Request.MaxTokens > 0 ? 1 : 0;
            row += wanted + sequence.Guessed;
            if (sequence.Request.HasEnded)
                continue; // another of its choices has failed in this step
            try
            {
                if (sequence.WantsPromptScores)
                    DescribePrompt(sequence, first);
                sequence.Read += sequence.Take;
                KeepFullBlocks(sequence);
                if (sequence.Missing == 0)
                    Continue(sequence, Math.Max(0, first + wanted - 1), sequence.Guessed);
            }
            catch (Exception e)
            {
                // One request's scores, constraint or decoder: it ends with the reason, the others go on.
                Fail(sequence.Request, $"the answer cannot go on: {e.Message}", isOfRequest: e is ConstraintException);
            }
        }
    }

    /// <summary>
    /// All tokens of the sequence are read: the next one is chosen, or there is none. While it is the one that was guessed, it is read as well, and the row after it chooses
    /// the next: every token is chosen from the same scores and with the same chance as without guesses.
    /// </summary>
    private void Continue(BatchSequence sequence, int row, int guessed)
    {
        int right = 0;
        while (TryContinue(sequence, ScoresOf(row + right)) && right < guessed && sequence.Tokens[sequence.Length - 1] == sequence.Guess[right])
        {
            right++;
            sequence.Read++;
            KeepFullBlocks(sequence);
        }

        if (guessed == 0)
            return;
        sequence.Came(guessed, right);
        Counters.Guessed += guessed;
        Counters.GuessedRight += right;
    }

    private Span<float> ScoresOf(int row) => _logits.AsSpan(row * _model.VocabularySize, _model.VocabularySize);

    /// <summary>Chooses the next token; false where the sequence ends with it.</summary>
    private bool TryContinue(BatchSequence sequence, Span<float> scores)
    {
        BatchRequest request = sequence.Request;
        GenerationRequest asked = request.Request;
        request.PromptRead = true;
        if (sequence.Sampler.Chosen == 0 && request.PromptTokens is { } echoed)
            Write(request, new GenerationEvent.Piece(sequence.Choice, sequence.PromptText, [.. echoed]));
        if (request.MaxTokens == 0)
        {
            End(sequence, FinishReason.Length);
            return false;
        }

        if (asked.Logprobs)
            scores.CopyTo(_raw);
        int token = sequence.Sampler.Choose(scores, _scratch, mayEnd: sequence.Sampler.Chosen >= asked.MinTokens, sequence.Constraint);
        request.CompletionTokens++;
        Counters.CompletionTokens++;
        if (request.EndTokens.Contains(token))
        {
            End(sequence, FinishReason.Stop, token);
            return false;
        }

        AnswerToken described = asked.Logprobs ? TokenLogprobs.Describe(_raw, token, asked.TopLogprobs, _scratch) : new AnswerToken(token, null, []);
        Write(request, sequence.Text.Append(described));
        if (sequence.Text.Stop is not null || sequence.Constraint is { MustEnd: true })
        {
            End(sequence, FinishReason.Stop);
            return false;
        }

        if (sequence.Sampler.Chosen == request.MaxTokens)
        {
            End(sequence, FinishReason.Length);
            return false;
        }

        sequence.Add(token);
        return true;
    }

    private void DescribePrompt(BatchSequence sequence, int row)
    {
        GenerationRequest asked = sequence.Request.Request;
        for (int i = 0; i < sequence.Take; i++, row++)
        {
            int next = sequence.Read + i + 1;
            if (next < asked.Prompt.Length && sequence.Request.PromptTokens is { } described)
            {
                ReadOnlySpan<float> scores = _logits.AsSpan(row * _model.VocabularySize, _model.VocabularySize);
                described[next] = TokenLogprobs.Describe(scores, asked.Prompt[next], asked.TopLogprobs, _scratch);
            }
        }
    }

    /// <summary>Tells <see cref="PrefixCache"/> of the blocks that this step has filled.</summary>
    private void KeepFullBlocks(BatchSequence sequence)
    {
        (int last, int count) = sequence.Known;
        for (; (count + 1) * KvCache.BlockPositions <= sequence.Read; count++)
        {
            int own = sequence.Blocks.Blocks[count];
            last = _prefixes.Add(sequence.Request.Request.PrefixScope, last, BlockOf(sequence.Tokens, count), own);
            if (last != own)
                sequence.Blocks.Exchange(_cache, count, last); // two read the same prompt at the same time: one copy is enough
        }

        sequence.Known = (last, count);
    }

    private void End(BatchSequence sequence, FinishReason reason, int? endToken = null)
    {
        BatchRequest request = sequence.Request;
        if (reason != FinishReason.Cancelled && request.MaxTokens > 0)
            Write(request, sequence.Text.Rest());
        Write(request, new GenerationEvent.ChoiceEnded(sequence.Choice, reason, sequence.Stop, endToken, sequence.Chosen));
        Leave(sequence);
        _waiting.Remove(sequence);
        if (--request.ChoicesLeft == 0)
            End(request, new GenerationEvent.Ended(request.Request.Prompt.Length, request.CachedTokens, request.CompletionTokens, request.Seed));
    }

    private void Fail(BatchRequest request, string reason, bool isOfRequest = false)
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            if (_running[i].Request == request)
                Leave(_running[i]);
        }

        _waiting.RemoveAll(sequence => sequence.Request == request);
        Counters.Failed++;
        End(request, new GenerationEvent.Failed(reason, isOfRequest));
    }

    private void FailAll(string reason)
    {
        while (_running.Count > 0)
            Fail(_running[0].Request, reason);
        while (_closing && _waiting.Count > 0)
            Fail(_waiting[0].Request, reason);
        Publish();
    }

    private void End(BatchRequest request, GenerationEvent last)
    {
        if (request.IsQueued)
        {
            request.IsQueued = false;
            Interlocked.Decrement(ref _queued);
        }

        request.HasEnded = true;
        Counters.Ended++;
        Publish(); // before anybody hears of it: who has an answer is not counted as running
        Write(request, last);
        request.Events.Writer.Complete();
    }

    /// <summary>The sequence gives its slot and its blocks back; what it has filled is kept for prompts that begin alike.</summary>
    private void Leave(BatchSequence sequence)
    {
        _running.Remove(sequence);
        _prefixes.Leave(sequence.Known.Last);
        sequence.Blocks.Release(_cache);
        (sequence.Known, sequence.Read) = ((PrefixCache.Root, 0), 0);
    }

    private void Publish()
    {
        (Counters.Running, Counters.Waiting) = (_running.Count, _waiting.Count);
        (Counters.FreeBlocks, Counters.KeptBlocks) = (_cache.FreeBlocks, _prefixes.Unused);
    }

    private static void Write(BatchRequest request, GenerationEvent? happened)
    {
        if (happened is not null)
            request.Events.Writer.TryWrite(happened); // unbounded and completed only by End
    }

    private static void Insert(List<BatchSequence> sequences, BatchSequence sequence)
    {
        int at = sequences.Count;
        while (at > 0 && sequence.IsOlderThan(sequences[at - 1]))
            at--;
        sequences.Insert(at, sequence);
    }

    private static ReadOnlySpan<int> BlockOf(ReadOnlySpan<int> tokens, int index) =>
        tokens.Slice(index * KvCache.BlockPositions, KvCache.BlockPositions);
}
