using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;

namespace Fairlead.Bench;

/// <summary>
/// What a draft saves or costs: the same questions, greedy, to one model with a draft, with guesses from its own text alone, and without any. All three stay loaded and take turns, round by round, so a
/// ratio compares what met the same machine; the best round of each counts, and every text has to be the same. Beside the rate stands the processor's time, which what others do on the machine changes
/// less, and both of the first round, in which nothing is known of the draft yet.
/// </summary>
internal sealed class DraftBench
{
    private const int Rounds = 3;
    private const int Tokens = 48;

    private static readonly string[] s_questions =
    [
        "What is Fairlead?", "How do I make a key?", "Which models can it serve?", "What does it cost?", "How do I see what was spent?", "Where is the configuration?", "What happens when a provider is down?", "How do I stop a model?",
    ];

    /// <summary>Loads them, measures one answer at a time and four at once, and prints a table.</summary>
    /// <param name="before">Text that stands before every question, as instructions do; "" for none. Its first 400 tokens count.</param>
    public static async Task RunAsync(string path, string draft, int threads, string before)
    {
        Console.WriteLine($"{path} with {draft}, {threads} threads, kernels {KernelChoice.Family}\n");
        Console.WriteLine("| at once | guesses | tokens/s | ÷ without | first round | per processor second ÷ without | first round | steps | drafted | came true | draft's share of the time |\n| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        var options = new LanguageModelOptions { Threads = threads, ContextLength = 512, Slots = 4 };
        (string Name, LanguageModelOptions Options)[] kinds = [("none", options with { Guesses = 0 }), ("own text", options), ("draft", options with { Draft = draft })];
        foreach (int together in (int[])[1, 4])
        {
            LanguageModel[] models = [.. kinds.Select(kind => LanguageModel.Open(path, kind.Options))];
            try
            {
                foreach (LanguageModel model in models)
                    await AskAsync(model, before, "Hello"); // compiles what runs
                var first = new Rates[kinds.Length];
                var best = new Rates[kinds.Length];
                string[] said = new string[kinds.Length];
                for (int round = 0; round < Rounds; round++)
                {
                    for (int i = 0; i < kinds.Length; i++)
                    {
                        (Rates rates, said[i]) = await AskAsync(models[i], before, together);
                        first[i] = round == 0 ? rates : first[i];
                        best[i] = new Rates(Math.Max(best[i].PerSecond, rates.PerSecond), Math.Max(best[i].PerProcessorSecond, rates.PerProcessorSecond));
                    }
                }

                if (said.Distinct().Count() != 1)
                    throw new InvalidOperationException("a guess has changed an answer");
                for (int i = 0; i < kinds.Length; i++)
                    Print(together, kinds[i].Name, best[i], best[i].Over(best[0]), first[i].Over(first[0]), models[i].Counters);
            }
            finally
            {
                Array.ForEach(models, static model => model.Dispose());
            }
        }
    }

    private static void Print(int together, string name, Rates rates, Rates ratio, Rates first, GenerationCounters counters)
    {
        double share = counters.Drafted == 0 ? 0 : (double)counters.DraftedRight / counters.Drafted;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {together} | {name} | {rates.PerSecond:0.0} | {ratio.PerSecond:0.00} | {first.PerSecond:0.00} | {ratio.PerProcessorSecond:0.00} | {first.PerProcessorSecond:0.00} | {counters.Steps} | {counters.Drafted} | {share:P0} | {counters.DraftSeconds / counters.BusySeconds:P0} |"));
    }

    private static async Task<(Rates Rates, string Said)> AskAsync(LanguageModel model, string before, int together)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        int tokens = 0;
        var said = new List<string>();
        foreach (string[] questions in s_questions.Chunk(together))
        {
            foreach ((int count, string text) in await Task.WhenAll(questions.Select(question => AskAsync(model, before, question))))
            {
                tokens += count;
                said.Add(text);
            }
        }

        return (new Rates(tokens / clock.Elapsed.TotalSeconds, tokens / (Environment.CpuUsage.TotalTime - processor).TotalSeconds), string.Join('\n', said));
    }

    private static async Task<(int Tokens, string Text)> AskAsync(LanguageModel model, string before, string question)
    {
        var request = new GenerationRequest
        {
            Prompt = [.. Encode(model, $"<|bos|>{before}").Take(400), .. Encode(model, $"<|user|>{question}<|end|><|assistant|>")],
            MaxTokens = Tokens,
            Sampling = new SamplingSettings { Temperature = 0 },
        };
        if (!model.TryStart(request, default, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal))
            throw new InvalidOperationException(refusal.Message);
        (int tokens, string text) = (0, "");
        await foreach (GenerationEvent happened in events.ReadAllAsync())
        {
            if (happened is GenerationEvent.Failed failed)
                throw new InvalidOperationException(failed.Reason);
            if (happened is GenerationEvent.Piece piece)
                text += piece.Text;
            tokens = happened is GenerationEvent.Ended ended ? ended.CompletionTokens : tokens;
        }

        return (tokens, text);
    }

    private static int[] Encode(LanguageModel model, string text) => model.Tokenizer.Encode(text, addSpecialTokens: false).Ids.ToArray();

    /// <summary>Tokens in a second of the clock, and in one of a processor.</summary>
    private readonly record struct Rates(double PerSecond, double PerProcessorSecond)
    {
        public Rates Over(Rates other) => new(PerSecond / other.PerSecond, PerProcessorSecond / other.PerProcessorSecond);
    }
}
