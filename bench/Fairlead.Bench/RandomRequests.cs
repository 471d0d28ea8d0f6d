using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;

namespace Fairlead.Bench;

/// <summary>
/// Random requests to a real model for some minutes: lengths, temperatures, choices, cancellations, beginnings that others share and that are left in the middle of a block,
/// tenants. Then every greedy answer that is remembered is asked for once more, alone and with nothing that was read before, and must be the same; and the
/// process must not have grown.
/// </summary>
internal sealed class RandomRequests(LanguageModel model, int seed)
{
    private const int Callers = 24;

    /// <summary>Greedy requests that are asked again: spread over the run, because the latest push out earlier ones by chance.</summary>
    private const int Remembered = 200;

    /// <summary>What resident memory may vary by between the second quarter of a run and the last: the collector's heap comes and goes.</summary>
    private const long MostDrift = 24 << 20;

    private readonly ConcurrentDictionary<int, (GenerationRequest Request, int[] Answer, bool IsCut)> _greedy = new();
    private readonly List<(double Second, long Resident)> _memory = [];
    private int[][] _beginnings = [];
    private long _requests;
    private long _cancelled;
    private long _tokens;
    private int _wrong;

    /// <summary>Loads the model, runs, prints; true if all was as it should be.</summary>
    public static async Task<bool> RunAsync(string path, TimeSpan length, int threads, int seed)
    {
        using LanguageModel model = LanguageModel.Open(path, new LanguageModelOptions { Threads = threads, ContextLength = 512, Queue = Callers * 2 });
        return await new RandomRequests(model, seed).RunAsync(length);
    }

    private async Task<bool> RunAsync(TimeSpan length)
    {
        var random = new Random(seed);
        _beginnings = [.. Enumerable.Range(0, 6).Select(_ => Tokens(random, 20 + random.Next(150)))];
        long began = Stopwatch.GetTimestamp();
        Task[] callers = [.. Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(new Random(seed + caller + 1), began, length)))];
        Task all = Task.WhenAll(callers);
        while (await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(1))) != all)
        {
            using var self = Process.GetCurrentProcess();
            _memory.Add((Stopwatch.GetElapsedTime(began).TotalSeconds, self.WorkingSet64));
        }

        await all;
        foreach ((GenerationRequest request, int[] answer, bool isCut) in _greedy.Values)
        {
            int[] alone = await AnswerAsync(request with { PrefixScope = $"alone {Guid.CreateVersion7()}" }, int.MaxValue);
            if (!(isCut ? alone.AsSpan().StartsWith(answer) : alone.AsSpan().SequenceEqual(answer)))
                _wrong++;
        }

        return Report(length);
    }

    private bool Report(TimeSpan length)
    {
        GenerationCounters counters = model.Counters;
        (double early, double late) = (Resident(0.25, 0.5), Resident(0.75, 1));
        bool isFlat = late - early <= MostDrift;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{KernelChoice.Family}, {length.TotalSeconds:0} s, seed {seed}: {_requests} requests, {_cancelled} of them taken back, {_tokens} tokens, {counters.Steps} steps of {(double)counters.Rows / counters.Steps:0.0} rows"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"prompts: {counters.PromptTokens} tokens, {counters.CachedTokens} of them known; {counters.PutBack} answers put back, {counters.Failed} failed"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"greedy answers asked again alone: {_greedy.Count}, {_wrong} of them other than before"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"resident memory: {early / 1048576:0.0} MiB in the second quarter, {late / 1048576:0.0} MiB in the last; {(isFlat ? "flat" : "GROWN")}"));
        return _wrong == 0 && counters.Failed == 0 && isFlat && !_greedy.IsEmpty;

        double Resident(double from, double to)
        {
            List<long> samples = [.. _memory.Where(sample => sample.Second >= from * length.TotalSeconds && sample.Second <= to * length.TotalSeconds).Select(static sample => sample.Resident).Order()];
            return samples.Count == 0 ? 0 : samples[samples.Count / 2];
        }
    }

    private async Task CallAsync(Random random, long began, TimeSpan length)
    {
        while (Stopwatch.GetElapsedTime(began) < length)
        {
            GenerationRequest request = Next(random);
            int cutAfter = random.Next(5) == 0 ? random.Next(10) : int.MaxValue;
            int[] answer = await AnswerAsync(request, cutAfter);
            Interlocked.Increment(ref _requests);
            Interlocked.Add(ref _tokens, answer.Length);
            if (request is { Choices: 1, Sampling.Temperature: 0 })
                _greedy[random.Next(Remembered)] = (request, answer, cutAfter != int.MaxValue);
        }
    }

    /// <summary>Tokens of the first choice.</summary>
    private async Task<int[]> AnswerAsync(GenerationRequest request, int cutAfter)
    {
        using var cut = new CancellationTokenSource();
        if (cutAfter == 0)
            await cut.CancelAsync();
        if (!model.TryStart(request, cut.Token, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal))
            throw new InvalidOperationException(refusal.Message);
        var tokens = new List<int>();
        await foreach (GenerationEvent happened in events.ReadAllAsync())
        {
            if (happened is GenerationEvent.Piece { Choice: 0 } piece)
                tokens.AddRange(piece.Tokens.Select(static token => token.Id));
            if (tokens.Count >= cutAfter && !cut.IsCancellationRequested)
            {
                Interlocked.Increment(ref _cancelled);
                await cut.CancelAsync();
            }
        }

        return [.. tokens];
    }

    private GenerationRequest Next(Random random)
    {
        int[] beginning = _beginnings[random.Next(_beginnings.Length)];
        int most = Math.Min(200, model.ContextLimit / 2);
        int shared = random.Next(Math.Min(beginning.Length, most));
        ImmutableArray<int> prompt = [.. beginning.AsSpan(0, shared), .. Tokens(random, 1 + random.Next(most - shared))];
        bool isGreedy = random.Next(2) == 0;
        return new GenerationRequest
        {
            Prompt = prompt,
            MaxTokens = 1 + random.Next(random.Next(10) == 0 ? 200 : 30),
            Choices = random.Next(4) == 0 ? 1 + random.Next(4) : 1,
            Sampling = new SamplingSettings
            {
                Temperature = isGreedy ? 0 : (float)(random.NextDouble() * 1.5),
                TopK = random.Next(3) * 20,
                TopP = random.Next(2) == 0 ? 1 : 0.9f,
                RepetitionPenalty = random.Next(4) == 0 ? 1.2f : 1,
                Seed = (ulong)random.NextInt64(),
            },
            PrefixScope = random.Next(3) == 0 ? "another" : null,
        };
    }

    private int[] Tokens(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(model.VocabularySize))];
}
