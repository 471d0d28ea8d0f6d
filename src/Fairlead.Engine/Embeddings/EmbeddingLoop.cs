using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Fairlead.Engine.Embeddings;

/// <summary>The tokens of one text, ready for the encoder.</summary>
internal readonly record struct EncoderText(int[] Tokens, int[] Segments, bool IsCut);

/// <summary>Computes the texts of some passes for the loop: <c>[texts]</c> in, a vector for each out.</summary>
internal delegate void EncoderPass(ReadOnlySpan<EncoderText> texts, Span<EmbeddingVector> vectors);

/// <summary>Computes the texts of all requests to one encoder, those of several in one pass: the one owner of its activations.</summary>
/// <remarks>
/// A matrix product over many tokens costs less for each than over few, so a pass is filled with whatever waits. Requests take turns, one text
/// each, so that one of a thousand texts does not keep one of a single text waiting for longer than a pass or two. What a vector becomes does
/// not depend on its neighbours in the pass. A request that is taken back is left out of the next pass. <see cref="Step"/> is the whole loop, one pass of it, on the caller's thread; <see cref="Start"/>
/// gives it a thread of its own.
/// </remarks>
internal sealed class EmbeddingLoop : IDisposable
{
    private readonly EncoderPass _compute;
    private readonly int _tokensPerPass;
    private readonly int _queue;
    private readonly LinkedList<Job> _turns = []; // being computed; the first is next
    private readonly Queue<Job> _waiting = [];
    private readonly List<(Job Job, int Text)> _pass = [];
    private readonly object _gate = new(); // of all lists but the pass; a monitor, because the loop waits on it
    private Thread? _thread;
    private bool _closing;

    /// <param name="compute">Called by whoever steps.</param>
    /// <param name="tokensPerPass">Most tokens of a pass; one longer text is computed alone.</param>
    /// <param name="slots">Requests that take turns.</param>
    /// <param name="queue">Requests that may wait beside them.</param>
    public EmbeddingLoop(EncoderPass compute, int tokensPerPass, int slots, int queue)
    {
        (_compute, _tokensPerPass, _queue) = (compute, tokensPerPass, queue);
        Counters = new EmbeddingCounters { Slots = slots };
    }

    public EmbeddingCounters Counters { get; }

    /// <summary>Runs on a thread of its own from now on.</summary>
    public void Start()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "fairlead embedding loop" };
        _thread.Start();
    }

    /// <summary>Computes the texts that wait, as many as a pass takes, or finds that there are none: false.</summary>
    public bool Step()
    {
        TakeTurns();
        if (_pass.Count == 0)
            return false;
        Compute();
        return true;
    }

    /// <summary>Takes a request on, from any thread; false where as many wait as may, or the model is being unloaded.</summary>
    /// <param name="texts">Any number.</param>
    /// <param name="cancellationToken">Takes it back.</param>
    /// <param name="vectors">One for each text, in order.</param>
    public bool TryStart(EncoderText[] texts, CancellationToken cancellationToken, [NotNullWhen(true)] out Task<EmbeddingVector[]>? vectors)
    {
        vectors = null;
        lock (_gate)
        {
            if (_closing || _waiting.Count >= _queue)
                return false;
            var job = new Job(texts, cancellationToken);
            vectors = job.Vectors;
            if (job.IsOver)
                return true; // no texts, or taken back already
            _waiting.Enqueue(job);
            Admit();
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Ends the thread after the pass it is in; whatever is not answered fails.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }

        _thread?.Join();
        foreach (Job job in _turns.Concat(_waiting))
            job.Fail(new ObjectDisposedException(nameof(EmbeddingModel), "the model was unloaded before the vectors were complete"));
    }

    private void Run()
    {
        while (AwaitTexts())
            Step();
    }

    /// <summary>Waits until there is something to do; false when the model is unloaded.</summary>
    private bool AwaitTexts()
    {
        lock (_gate)
        {
            while (!_closing && _turns.Count == 0)
                Monitor.Wait(_gate);
            return !_closing;
        }
    }

    /// <summary>Fills a pass.</summary>
    private void TakeTurns()
    {
        _pass.Clear();
        lock (_gate)
        {
            int tokens = 0;
            while (_turns.First is { } first)
            {
                Job job = first.Value;
                _turns.RemoveFirst();
                if (job.IsOver)
                {
                    Admit();
                    continue;
                }

                int length = job.Texts[job.Next].Tokens.Length;
                if (tokens > 0 && tokens + length > _tokensPerPass)
                {
                    _turns.AddFirst(first); // its turn is the next pass: a short text that overtakes again and again would starve a long one
                    break;
                }

                tokens += length;
                _pass.Add((job, job.Next++));
                if (job.Next < job.Texts.Length)
                    _turns.AddLast(first);
                else
                    Admit();
            }

            Publish(_pass);
        }
    }

    private void Compute()
    {
        var texts = new EncoderText[_pass.Count];
        for (int i = 0; i < texts.Length; i++)
            texts[i] = _pass[i].Job.Texts[_pass[i].Text];
        var vectors = new EmbeddingVector[texts.Length];
        int tokens = texts.Sum(static text => text.Tokens.Length);
        long began = Stopwatch.GetTimestamp();
        try
        {
            _compute(texts, vectors);
        }
        catch (Exception e)
        {
            // Memory ran out, or the model is at fault: those whose texts these were end with the reason, the others go on.
            foreach ((Job job, _) in _pass)
                job.Fail(e);
            return;
        }

        lock (_gate)
            Publish([]); // before anybody hears of it: who has an answer is not counted as running
        Counters.Passed(texts.Length, tokens, Math.Min(1, (double)tokens / _tokensPerPass), Stopwatch.GetElapsedTime(began).TotalSeconds);
        for (int i = 0; i < vectors.Length; i++)
            _pass[i].Job.Take(_pass[i].Text, vectors[i]);
    }

    /// <summary>Lets those who wait take turns, as far as there are slots.</summary>
    private void Admit()
    {
        while (_turns.Count < Counters.Slots && _waiting.TryDequeue(out Job? next))
            _turns.AddLast(next);
        Publish([]);
    }

    private void Publish(List<(Job Job, int Text)> pass)
    {
        Counters.Running = Math.Max(_turns.Count, pass.Select(static one => one.Job).Distinct().Count());
        Counters.Waiting = _waiting.Count;
    }

    /// <summary>The texts of one request.</summary>
    private sealed class Job
    {
        private readonly TaskCompletionSource<EmbeddingVector[]> _whole = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly EmbeddingVector[] _vectors;
        private readonly CancellationTokenRegistration _cancellation;
        private int _left;

        public Job(EncoderText[] texts, CancellationToken cancellationToken)
        {
            Texts = texts;
            _vectors = new EmbeddingVector[texts.Length];
            _left = texts.Length;
            _cancellation = cancellationToken.Register(() => _whole.TrySetCanceled(cancellationToken));
            if (texts.Length == 0)
                _whole.TrySetResult([]);
        }

        public EncoderText[] Texts { get; }

        /// <summary>Text that no pass has taken yet.</summary>
        public int Next { get; set; }

        public Task<EmbeddingVector[]> Vectors => _whole.Task;

        /// <summary>Nobody waits for it any more.</summary>
        public bool IsOver => _whole.Task.IsCompleted;

        public void Take(int text, EmbeddingVector vector)
        {
            _vectors[text] = vector;
            if (--_left == 0)
            {
                _cancellation.Dispose();
                _whole.TrySetResult(_vectors);
            }
        }

        public void Fail(Exception reason)
        {
            _cancellation.Dispose();
            if (_whole.TrySetException(reason))
                _ = _whole.Task.Exception; // its caller may be gone
        }
    }
}
