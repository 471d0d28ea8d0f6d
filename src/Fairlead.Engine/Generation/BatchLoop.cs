using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation.Speculation;

namespace Fairlead.Engine.Generation;

/// <summary>Writes the answers of all requests to one model, several at once: the one owner of its cache and its sequences.</summary>
/// <remarks>
/// <see cref="Step"/> is the whole loop, one turn of it, on the caller's thread; <see cref="Start"/> gives it a thread of its own. A turn: requests come in (<see cref="RequestIntake"/>) and
/// enter (<see cref="BatchRoster"/>) where there is room (<see cref="CacheRoom"/>), the rows of the answers are decided on (<see cref="StepPlan"/>) and computed, prompts get on beside them (<see cref="PromptPass"/>), and scores become text
/// (<see cref="AnswerWriter"/>). So answers join and leave between any two steps.
/// </remarks>
internal sealed class BatchLoop : IDisposable
{
    private readonly BatchModel _model;
    private readonly KvCache _cache;
    private readonly TimeProvider _time;
    private readonly RequestIntake _intake;
    private readonly BatchRoster _roster;
    private readonly StepPlan _plan;
    private readonly PromptPass _prompts;
    private readonly StepPace _pace;
    private readonly Speculator _speculator;
    private readonly AnswerWriter _writer;
    private readonly int _mostRows;
    private readonly float[] _scores; // [rows of a step that want them × vocabulary]
    private readonly WakeSignal _wake = new();
    private int _promptSequences; // that had rows on their way in the step that is being computed
    private Thread? _thread;
    private volatile bool _closing;

    /// <param name="cache">The model's; owned by the loop from here on, and disposed with it.</param>
    /// <param name="drawSeed">Chance for requests that bring none; called by any thread.</param>
    /// <param name="time">What steps are measured by; null for the system's.</param>
    public BatchLoop(BatchModel model, BatchLimits limits, KvCache cache, Func<ulong> drawSeed, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.Slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.StepTokens, limits.Slots);
        (_model, _cache, _time) = (model, cache, time ?? TimeProvider.System);
        Counters = new GenerationCounters { Slots = limits.Slots, Blocks = cache.Blocks, FreeBlocks = cache.FreeBlocks };
        ContextLimit = (int)Math.Min(model.ContextLength, (long)cache.Blocks * KvCache.BlockPositions);
        var room = new CacheRoom(cache, model.DependsOnPhase);
        _speculator = new Speculator(model, limits, cache, _time);
        _intake = new RequestIntake(model, limits, ContextLimit, drawSeed);
        _roster = new BatchRoster(model, limits, _intake, room, _speculator, Counters);
        _pace = new StepPace(limits.Stall);
        _plan = new StepPlan(limits, _speculator, model.DependsOnPhase);
        _prompts = new PromptPass(model, cache, limits);
        _mostRows = limits.StepTokens;
        _writer = new AnswerWriter(model.VocabularySize, room, _speculator, Counters);
        _scores = new float[checked(StepPlan.MostScores(limits) * model.VocabularySize)];
    }

    /// <summary>Bytes that a loop takes beside its cache: rows of scores, room for choosing, and what answers of full length keep of their tokens.</summary>
    public static long BytesFor(BatchLimits limits, int vocabularySize, int contextLength) =>
        ((long)StepPlan.MostScores(limits) * vocabularySize * sizeof(float)) + AnswerWriter.BytesFor(vocabularySize)
        + (limits.Slots * (long)contextLength * BatchSequence.BytesPerToken);

    /// <summary>Prompt and answer together: what the model was made for, or what the cache has room for where that is less.</summary>
    public int ContextLimit { get; }

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
        if (!_intake.TryAccept(request, cancellation, out BatchRequest? accepted, out refusal))
            return false;
        _wake.Ring();
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
        long began = _time.GetTimestamp(), chosen = Counters.CompletionTokens;
        _roster.TakeArrivals();
        _roster.DropCancelled();
        _roster.Admit();
        _roster.Publish();
        if (_roster.Running.IsEmpty)
            return _roster.Waiting > 0; // never so by design; but if it were, turning on would be found out and sleeping would not
        int promptRows;
        try
        {
            _roster.MakeRoom();
            ComputeAnswers(began);
            promptRows = AdvancePrompts(began);
        }
        catch (Exception e)
        {
            // The model is at fault, not one of the requests; which of their keys and values were written is unknown, so all of them end.
            _roster.FailRunning($"the model could not compute this step: {e.Message}");
            return true;
        }

        Measure(promptRows, SecondsSince(began), Counters.CompletionTokens - chosen);
        _roster.Publish();
        return true;
    }

    /// <summary>Ends the thread after the step it is in; whatever is not answered fails.</summary>
    public void Dispose()
    {
        if (_closing)
            return;
        _closing = true;
        _intake.Close();
        _wake.Ring();
        _thread?.Join();
        _roster.TakeArrivals();
        _roster.FailAll("the model was unloaded before the answer was complete");
        _speculator.Dispose();
        _cache.Dispose();
    }

    private void Run()
    {
        while (!_closing)
        {
            if (!Step())
                _wake.Wait();
        }
    }

    /// <summary>Each answer gets its next token; whoever waits for it need not wait for the prompts as well.</summary>
    private void ComputeAnswers(long began)
    {
        _plan.Make(_roster.Running);
        if (_plan.Answers > 0)
            _model.Step(_plan.Rows, _cache, RoomFor(_plan.Rows.Length));
        TakeScores(_plan.Sequences);
        _pace.Answered(_plan.Answers, SecondsSince(began));
    }

    /// <summary>Takes prompts as far as there is time for, chooses the tokens that follow those which are through, and says how many rows those were.</summary>
    private int AdvancePrompts(long began)
    {
        int through = 0, rows;
        _promptSequences = 0;
        _prompts.Forget();
        do
        {
            if (_prompts.Rows == 0)
                _prompts.Begin(_roster.Running, _pace.BeginPass(_prompts.Layers, _mostRows - through));
            rows = _prompts.Rows;
            if (rows == 0)
                break;
            _promptSequences = Math.Max(_promptSequences, _prompts.Sequences.Length);
            _prompts.Resume();
            for (double before = SecondsSince(began), after; !_prompts.IsThrough && _pace.HasTime(rows, before); before = after)
            {
                _prompts.Advance();
                after = SecondsSince(began);
                _pace.Advanced(rows, after - before);
            }

            double scored = SecondsSince(began);
            if (!_prompts.IsThrough || !_pace.HasTimeForScores(_prompts.Scores, scored))
                break;
            _prompts.Complete(RoomFor(_prompts.Scores));
            TakeScores(_prompts.Sequences);
            _pace.PassEnded(rows, _prompts.Scores, SecondsSince(began) - scored);
            through += rows;
        }
        while (_plan.Answers > 0 && through + rows <= _mostRows && _pace.HasTime(rows, SecondsSince(began))); // without answers the step ends: there may be one now

        return through;
    }

    /// <summary>Chooses the tokens of sequences whose rows have been computed.</summary>
    private void TakeScores(ReadOnlySpan<PlannedSequence> sequences)
    {
        foreach (ref readonly PlannedSequence planned in sequences)
        {
            BatchRequest request = planned.Sequence.Request;
            if (request.HasEnded)
                continue; // another of its choices has failed in this step
            try
            {
                if (_writer.TakeScores(planned, _scores.AsSpan(planned.FirstScore * _model.VocabularySize, planned.Scores * _model.VocabularySize)) is { } end)
                    _roster.End(planned.Sequence, end);
            }
            catch (Exception e)
            {
                // One request's scores, constraint or decoder: it ends with the reason, the others go on.
                _roster.Fail(request, $"the answer cannot go on: {e.Message}", isOfRequest: e is ConstraintException);
            }
        }
    }

    private Span<float> RoomFor(int count) => _scores.AsSpan(0, count * _model.VocabularySize);

    private double SecondsSince(long began) => _time.GetElapsedTime(began).TotalSeconds;

    /// <summary>What guesses are planned by, and what is told of all steps.</summary>
    /// <param name="promptRows">Rows of prompts that have come through in the step.</param>
    /// <param name="seconds">How long the step took, from taking arrivals on to choosing its tokens.</param>
    /// <param name="tokens">Those that were chosen.</param>
    private void Measure(int promptRows, double seconds, long tokens)
    {
        int rows = _plan.Rows.Length;
        if (_promptSequences == 0)
            _speculator.Stepped(rows, seconds - _speculator.Seconds);
        Counters.DraftSeconds += _speculator.Seconds;
        Counters.Stepped(rows + promptRows, _plan.Sequences.Length + _promptSequences, tokens, seconds);
    }
}
