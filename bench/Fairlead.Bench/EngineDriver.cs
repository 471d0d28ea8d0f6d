using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;

namespace Fairlead.Bench;

/// <summary>
/// Our engine as a process of its own that does what a line on its input says and answers with a line, as bench/peers/llama.mjs does for llama.cpp:
/// <c>prefill TOKENS</c>, <c>decode CONTEXT TOKENS</c>, <c>batch SEQUENCES TOKENS</c>. An answer is <c>{"seconds":…,"cpu":…,"tokens":…}</c>.
/// </summary>
internal sealed class EngineDriver(LanguageModel model, int context)
{
    private const int MostTurns = 20;

    private readonly Random _random = new(1);

    /// <summary>Loads the model and serves until the input ends.</summary>
    public static async Task RunAsync(string path, int threads, int context, int slots)
    {
        var clock = Stopwatch.StartNew();
        using LanguageModel model = LanguageModel.Open(path, new LanguageModelOptions { Threads = threads, ContextLength = context, Slots = slots, Guesses = 0 });
        var driver = new EngineDriver(model, context);
        Say($$"""{"loaded":{{clock.Elapsed.TotalSeconds:F4}},"engine":"Fairlead, {{KernelChoice.Family}}"}""");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            string[] words = line.Split(' ');
            (double seconds, double cpu, int tokens) = words[0] switch
            {
                "prefill" => await driver.PrefillAsync(Number(words[1])),
                "decode" => await driver.DecodeAsync(1, Number(words[1]), Number(words[2])),
                "batch" => await driver.DecodeAsync(Number(words[1]), 16, Number(words[2])),
                _ => throw new ArgumentException($"what is {line}?", nameof(path)),
            };
            using var self = Process.GetCurrentProcess();
            Say($$"""{"seconds":{{seconds:F5}},"cpu":{{cpu:F5}},"tokens":{{tokens}},"rss":{{self.WorkingSet64}}}""");
        }
    }

    /// <summary>A prompt, to its first token.</summary>
    private async Task<(double Seconds, double Cpu, int Tokens)> PrefillAsync(int tokens)
    {
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        await foreach (GenerationEvent happened in Start(tokens, 1).ReadAllAsync())
        {
            if (happened is GenerationEvent.Failed failed)
                throw new InvalidOperationException(failed.Reason);
        }

        return (clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, tokens);
    }

    /// <summary>Tokens of several answers at once, from when all of them have their first.</summary>
    /// <remarks>A small model may have written all of them before anybody could look: then longer answers are measured.</remarks>
    private async Task<(double Seconds, double Cpu, int Tokens)> DecodeAsync(int sequences, int prompt, int tokens)
    {
        for (int turn = 0; turn < MostTurns; turn++)
        {
            (double Seconds, double Cpu, int Tokens) measured = await DecodeOnceAsync(sequences, prompt, tokens);
            if (measured.Tokens > 0)
                return measured;
            tokens = Math.Min(2 * tokens, context - prompt - 1);
        }

        throw new InvalidOperationException($"{MostTurns} times {sequences} answers of up to {tokens} tokens were written before anybody could look");
    }

    private async Task<(double Seconds, double Cpu, int Tokens)> DecodeOnceAsync(int sequences, int prompt, int tokens)
    {
        var answers = new List<ChannelReader<GenerationEvent>>();
        for (int i = 0; i < sequences; i++)
            answers.Add(Start(prompt, tokens + 1));
        foreach (ChannelReader<GenerationEvent> answer in answers)
        {
            if (!await answer.WaitToReadAsync() || !answer.TryRead(out _))
                throw new InvalidOperationException("an answer ended before its first token");
        }

        return await MeasureAsync(answers);
    }

    private static async Task<(double Seconds, double Cpu, int Tokens)> MeasureAsync(List<ChannelReader<GenerationEvent>> answers)
    {
        foreach (ChannelReader<GenerationEvent> answer in answers.Count > 1 ? answers : [])
        {
            while (answer.TryPeek(out GenerationEvent? early) && early is GenerationEvent.Piece)
                answer.TryRead(out _); // written while the others' prompts were read, so not within the time
        }

        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        int tokens = 0;
        foreach (ChannelReader<GenerationEvent> answer in answers)
        {
            await foreach (GenerationEvent happened in answer.ReadAllAsync())
            {
                if (happened is GenerationEvent.Failed failed)
                    throw new InvalidOperationException(failed.Reason);
                tokens += happened is GenerationEvent.Piece piece ? piece.Tokens.Length : 0;
            }
        }

        return (clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, tokens);
    }

    private ChannelReader<GenerationEvent> Start(int prompt, int tokens)
    {
        var request = new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(0, prompt).Select(_ => _random.Next(300, model.VocabularySize - 300))],
            MaxTokens = tokens,
            MinTokens = tokens,
            Sampling = new SamplingSettings { Temperature = 0 },
        };
        return model.TryStart(request, default, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal) ? events : throw new InvalidOperationException(refusal.ToString());
    }

    private static int Number(string word) => int.Parse(word, CultureInfo.InvariantCulture);

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
