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
        using var gaps = new TokenGaps(Streams);
        var readers = new Task[Streams];
        for (int i = 0; i < Streams; i++)
        {
            ChannelReader<GenerationEvent> events = Start(ShortPrompt, longPrompt, stop.Token);
            int answer = i;
            readers[i] = Task.Run(async () =>
            {
                await foreach (GenerationEvent happened in events.ReadAllAsync())
                {
                    if (happened is GenerationEvent.Failed failed)
                        throw new InvalidOperationException(failed.Reason);
                    if (happened is GenerationEvent.Piece piece)
                        gaps.Came(answer, piece.Tokens.Length);
                }
            });
        }

        await gaps.UntilAsync(Streams * 8, readers); // all prompts are read
        long before = Stopwatch.GetTimestamp();
        await gaps.UntilAsync(Streams * PhaseTokens, readers);
        long during = Stopwatch.GetTimestamp();
        TimeSpan beside = await FirstTokenAsync(longPrompt);
        long after = Stopwatch.GetTimestamp();
        await gaps.UntilAsync(null, readers); // those that came meanwhile
        await gaps.UntilAsync(Streams * PhaseTokens, readers);
        long end = Stopwatch.GetTimestamp();
        await stop.CancelAsync();
        await Task.WhenAll(readers);

        Console.WriteLine(Line($"{KernelChoice.Family}, {options.Threads} threads, a token is to come {options.Stall.TotalMilliseconds:0} ms after the one before it at the latest"));
        Console.WriteLine(Line($"prompt of {longPrompt}: first token after {alone.TotalSeconds:0.00} s alone, {beside.TotalSeconds:0.00} s beside {Streams} answers"));
        Console.WriteLine(TokenGaps.Head);
        Console.WriteLine(gaps.Row("before", before, during));
        Console.WriteLine(gaps.Row("during", during, after));
        Console.WriteLine(gaps.Row("after", after, end));
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
