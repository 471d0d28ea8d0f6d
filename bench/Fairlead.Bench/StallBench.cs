using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;

namespace Fairlead.Bench;

/// <summary>
/// How long answers that are being written wait for their next token while a long prompt is read beside them: eight streams, each read by a caller of its own that
/// notes when its tokens come, before a long prompt arrives, until its first token, and after that.
/// </summary>
internal sealed class StallBench(LanguageModel model, int longPrompt)
{
    private const int Streams = 8;
    private const int ShortPrompt = 64;

    /// <summary>Tokens of each stream in the phases before and after.</summary>
    private const int PhaseTokens = 64;

    private readonly Random _random = new(1);

    /// <summary>Loads the model, measures, and prints a table.</summary>
    /// <param name="longPrompt">Tokens of the prompt that arrives.</param>
    /// <param name="stall">What a step is to last beside answers; null for the default.</param>
    public static async Task RunAsync(string path, int threads, int longPrompt, TimeSpan? stall)
    {
        var options = new LanguageModelOptions { Threads = threads, ContextLength = longPrompt * 2, Slots = Streams + 1 };
        options = options with { Stall = stall ?? options.Stall };
        using LanguageModel model = LanguageModel.Open(path, options);
        await new StallBench(model, longPrompt).MeasureAsync(options);
    }

    private async Task MeasureAsync(LanguageModelOptions options)
    {
        await FirstTokenAsync(ShortPrompt); // compiles what runs, and measures the first rows
        TimeSpan alone = await FirstTokenAsync(longPrompt);
        using var stop = new CancellationTokenSource();
        var arrivals = new List<long>[Streams];
        var readers = new Task[Streams];
        using var written = new SemaphoreSlim(0);
        for (int i = 0; i < Streams; i++)
        {
            ChannelReader<GenerationEvent> events = Start(ShortPrompt, longPrompt, stop.Token);
            List<long> times = arrivals[i] = [];
            readers[i] = Task.Run(async () =>
            {
                await foreach (GenerationEvent happened in events.ReadAllAsync())
                {
                    if (happened is not GenerationEvent.Piece)
                        continue;
                    lock (times)
                        times.Add(Stopwatch.GetTimestamp());
                    written.Release();
                }
            });
        }

        await TokensAsync(written, Streams * 8); // all prompts are read
        long before = Stopwatch.GetTimestamp();
        await TokensAsync(written, Streams * PhaseTokens);
        long during = Stopwatch.GetTimestamp();
        TimeSpan beside = await FirstTokenAsync(longPrompt);
        long after = Stopwatch.GetTimestamp();
        await TokensAsync(written, written.CurrentCount); // those that came meanwhile
        await TokensAsync(written, Streams * PhaseTokens);
        long end = Stopwatch.GetTimestamp();
        await stop.CancelAsync();
        await Task.WhenAll(readers);

        Console.WriteLine(Line($"{KernelChoice.Family}, {options.Threads} threads, a step is to last {options.Stall.TotalMilliseconds:0} ms beside answers"));
        Console.WriteLine(Line($"prompt of {longPrompt}: first token after {alone.TotalSeconds:0.00} s alone, {beside.TotalSeconds:0.00} s beside {Streams} answers"));
        Console.WriteLine("| phase | gap p50, ms | p99, ms | longest, ms | tokens/s of all streams |");
        Console.WriteLine("|---|---:|---:|---:|---:|");
        Print("before", before, during);
        Print("during", during, after);
        Print("after", after, end);

        void Print(string phase, long from, long to)
        {
            var gaps = new List<double>();
            foreach (List<long> times in arrivals)
            {
                for (int i = 1; i < times.Count; i++)
                {
                    if (times[i] > from && times[i] <= to)
                        gaps.Add(Stopwatch.GetElapsedTime(times[i - 1], times[i]).TotalMilliseconds);
                }
            }

            gaps.Sort();
            double seconds = Stopwatch.GetElapsedTime(from, to).TotalSeconds;
            Console.WriteLine(gaps.Count == 0
                ? Line($"| {phase} | no token came | | | 0 |")
                : Line($"| {phase} | {gaps[gaps.Count / 2]:0.0} | {gaps[(int)((gaps.Count - 1) * 0.99)]:0.0} | {gaps[^1]:0.0} | {gaps.Count / seconds:0.0} |"));
        }
    }

    private static async Task TokensAsync(SemaphoreSlim written, int count)
    {
        for (int i = 0; i < count; i++)
            await written.WaitAsync();
    }

    private async Task<TimeSpan> FirstTokenAsync(int prompt)
    {
        long began = Stopwatch.GetTimestamp();
        ChannelReader<GenerationEvent> events = Start(prompt, 1, CancellationToken.None);
        await foreach (GenerationEvent happened in events.ReadAllAsync())
        {
            if (happened is GenerationEvent.Failed failed)
                throw new InvalidOperationException(failed.Reason);
        }

        return Stopwatch.GetElapsedTime(began);
    }

    private ChannelReader<GenerationEvent> Start(int prompt, int tokens, CancellationToken cancellation)
    {
        var request = new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(0, prompt).Select(_ => _random.Next(model.VocabularySize))],
            MaxTokens = tokens,
            MinTokens = tokens,
            Sampling = new SamplingSettings { Temperature = 0 },
            PrefixScope = _random.Next().ToString(CultureInfo.InvariantCulture),
        };
        return model.TryStart(request, cancellation, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal) ? events : throw new InvalidOperationException(refusal.Message);
    }

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}
