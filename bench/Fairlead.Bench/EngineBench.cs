using System.Globalization;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>
/// Our engine beside llama.cpp on the same file with as many threads, in one run: both processes stay, and take turns round by round, so that what the machine does to one it does to
/// the other. bench/engine.sh builds and calls this. ENGINE_ROUNDS (3), ENGINE_THREADS (1,2), ENGINE_ONLY (compare,context,slots,size) and ENGINE_TYPES (Q8_0,Q4_0,Q4_K) narrow a run.
/// </summary>
internal sealed class EngineBench
{
    private static readonly LlamaShape s_half = new("0.5 B", 1280, 24, 20, 5, 3584);

    private static readonly LlamaShape[] s_sizes =
    [
        new("0.1 B", 768, 10, 12, 4, 2048), s_half, new("1.1 B", 2048, 22, 32, 4, 5632), new("3 B", 3072, 26, 48, 8, 8192),
    ];

    private readonly string _folder = Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.GetTempPath(), "fairlead-bench");
    private readonly int _rounds = int.Parse(Setting("ENGINE_ROUNDS", "3"), CultureInfo.InvariantCulture);
    private readonly int[] _threads = [.. Setting("ENGINE_THREADS", Environment.ProcessorCount > 1 ? "1,2" : "1").Split(',').Select(static word => int.Parse(word, CultureInfo.InvariantCulture))];
    private readonly string[] _only = Setting("ENGINE_ONLY", "compare,context,slots,size").Split(',');
    private readonly ElementType[] _types = [.. Setting("ENGINE_TYPES", "Q8_0,Q4_0,Q4_K").Split(',').Select(Enum.Parse<ElementType>)];

    public async Task RunAsync()
    {
        Directory.CreateDirectory(_folder);
        foreach (int threads in _threads)
        {
            if (_only.Contains("compare"))
                await CompareAsync(threads);
        }

        int most = _threads.Max();
        if (_only.Contains("context"))
            await GrowAsync("context", most, [512, 2048, 8192], s_half, 9216, 1, static context => $"decode {context} 24");
        if (_only.Contains("slots"))
            await GrowAsync("sequences at once", most, [1, 2, 4, 8, 16, 32], s_half, 2048, 32, static slots => $"batch {slots} 16");
        if (_only.Contains("size"))
            await GrowBySizeAsync(most);
    }

    private async Task CompareAsync(int threads)
    {
        double bandwidth = MemoryBandwidth.Measure(threads);
        Console.WriteLine();
        Console.WriteLine(Text($"### {threads} thread{(threads > 1 ? "s" : "")}, {s_half.Parameters / 1e6:F0} M parameters; memory is read at {bandwidth / 1e9:F1} GB/s"));
        Console.WriteLine();
        bool told = false;
        foreach (ElementType type in _types)
        {
            string model = Model(s_half, type);
            using EngineProcess theirs = await EngineProcess.LlamaAsync(model, threads, 2048, 8), ours = await EngineProcess.OursAsync(model, threads, 2048, 8);
            if (!told)
            {
                Console.WriteLine($"{ours.Engine}; {theirs.Engine}. Tokens a second, median [lowest–highest] of {_rounds} rounds; the ratio is that of the medians.");
                Console.WriteLine();
                Console.WriteLine("| | Fairlead | llama.cpp | ratio | per processor second | share of the bandwidth |");
                Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
                told = true;
            }

            (string Name, string Line)[] rows =
                [("prompt of 512", "prefill 512"), ("one answer", "decode 16 48"), ("8 answers at once, together", "batch 8 24"), ("first token after a prompt of 64", "prefill 64")];
            foreach ((_, string line) in rows)
            {
                await ours.DoAsync(line); // compiled, and its pages there
                await theirs.DoAsync(line);
            }

            long bytes = BytesPerToken(type);
            var energy = new List<string>();
            foreach ((string name, string line) in rows)
            {
                (List<EngineFigure> mine, List<EngineFigure> other) = await TurnsAsync(ours, theirs, line);
                double speed = Median(mine, static figure => figure.TokensPerSecond);
                Console.WriteLine(Text(
                    $"| {type} {name} | {Range(mine)} | {Range(other)} | **{speed / Median(other, static figure => figure.TokensPerSecond):F2}** | {Median(mine, PerCpu) / Median(other, PerCpu):F2} | {(name == "one answer" ? Text($"{speed * bytes / bandwidth:F2}") : "")} |"));
                if (mine.Concat(other).All(static figure => figure.Joules is not null))
                    energy.Add(Text($"{name} {Median(mine, PerToken):F2} and {Median(other, PerToken):F2}"));
            }

            EngineFigure last = await ours.DoAsync("prefill 64"), theirLast = await theirs.DoAsync("prefill 64");
            Console.WriteLine(Text($"| {type} load, s | {ours.LoadSeconds:F2} | {theirs.LoadSeconds:F2} | {theirs.LoadSeconds / ours.LoadSeconds:F2} | | |"));
            Console.WriteLine(Text($"| {type} resident, MB | {last.ResidentBytes / 1e6:F0} | {theirLast.ResidentBytes / 1e6:F0} | {(double)theirLast.ResidentBytes / last.ResidentBytes:F2} | | |"));
            Console.WriteLine($"| {type} energy, J per token (ours and theirs) | {(energy.Count > 0 ? string.Join("; ", energy) : "the machine does not tell")} | | | | |");
        }
    }

    private async Task GrowAsync(string what, int threads, int[] steps, LlamaShape shape, int context, int slots, Func<int, string> line)
    {
        Console.WriteLine();
        Console.WriteLine(Text($"### Cost as the {what} grows: {shape.Name}, Q4_0, {threads} threads, processor ms per token"));
        Console.WriteLine();
        Console.WriteLine($"| {what} | Fairlead | llama.cpp | ratio of tokens a second |");
        Console.WriteLine("| ---: | ---: | ---: | ---: |");
        string model = Model(shape, ElementType.Q4_0);
        using EngineProcess theirs = await EngineProcess.LlamaAsync(model, threads, context, slots), ours = await EngineProcess.OursAsync(model, threads, context, slots);
        foreach (int step in steps)
        {
            (List<EngineFigure> mine, List<EngineFigure> other) = await TurnsAsync(ours, theirs, line(step));
            Console.WriteLine(Growth(step.ToString(CultureInfo.InvariantCulture), mine, other));
        }
    }

    private async Task GrowBySizeAsync(int threads)
    {
        Console.WriteLine();
        Console.WriteLine(Text($"### Cost as the model grows: one answer, Q4_0, {threads} threads, processor ms per token"));
        Console.WriteLine();
        Console.WriteLine("| parameters | Fairlead | llama.cpp | ratio of tokens a second |");
        Console.WriteLine("| ---: | ---: | ---: | ---: |");
        foreach (LlamaShape shape in s_sizes)
        {
            string model = Model(shape, ElementType.Q4_0);
            using EngineProcess theirs = await EngineProcess.LlamaAsync(model, threads, 1024, 1), ours = await EngineProcess.OursAsync(model, threads, 1024, 1);
            (List<EngineFigure> mine, List<EngineFigure> other) = await TurnsAsync(ours, theirs, "decode 16 24");
            Console.WriteLine(Growth(Text($"{shape.Parameters / 1e9:F2} B"), mine, other));
        }
    }

    private async Task<(List<EngineFigure> Ours, List<EngineFigure> Theirs)> TurnsAsync(EngineProcess ours, EngineProcess theirs, string line)
    {
        List<EngineFigure> mine = [], other = [];
        for (int round = 0; round < _rounds; round++)
        {
            other.Add(await theirs.DoAsync(line));
            mine.Add(await ours.DoAsync(line));
        }

        return (mine, other);
    }

    private string Model(LlamaShape shape, ElementType type)
    {
        string file = Path.Combine(_folder, Text($"{shape.Parameters / 1_000_000}M-{type}.gguf"));
        if (!File.Exists(file))
            RandomGguf.Write(file, shape, type);
        return file;
    }

    /// <summary>Packed weights that one token reads: all but the embedding.</summary>
    private static long BytesPerToken(ElementType type)
    {
        PackedFormat format = PackedLayout.FormatFor(type, s_half.Width, KernelChoice.Family) ?? throw new InvalidOperationException($"{type} is not packed");
        long Bytes(int outputs, int inputs) => PackedLayout.BytesFor(format, outputs, inputs);
        int heads = s_half.Heads * LlamaShape.HeadDimension, kvHeads = s_half.KvHeads * LlamaShape.HeadDimension;
        return Bytes(LlamaShape.Vocabulary, s_half.Width) + (s_half.Layers
            * (Bytes(heads, s_half.Width) + (2 * Bytes(kvHeads, s_half.Width)) + Bytes(s_half.Width, heads) + (2 * Bytes(s_half.FeedForward, s_half.Width)) + Bytes(s_half.Width, s_half.FeedForward)));
    }

    private static string Growth(string step, List<EngineFigure> mine, List<EngineFigure> other)
    {
        double speed = Median(mine, static figure => figure.TokensPerSecond) / Median(other, static figure => figure.TokensPerSecond);
        return Text($"| {step} | {1000 / Median(mine, PerCpu):F1} | {1000 / Median(other, PerCpu):F1} | {speed:F2} |");
    }

    private static double PerToken(EngineFigure figure) => figure.Joules!.Value / figure.Tokens;

    private static double PerCpu(EngineFigure figure) => figure.Tokens / figure.CpuSeconds;

    private static string Range(List<EngineFigure> figures) =>
        Text($"{Median(figures, static figure => figure.TokensPerSecond):F1} [{figures.Min(static figure => figure.TokensPerSecond):F1}–{figures.Max(static figure => figure.TokensPerSecond):F1}]");

    private static double Median(List<EngineFigure> figures, Func<EngineFigure, double> of)
    {
        double[] sorted = [.. figures.Select(of).Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Setting(string name, string otherwise) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } given ? given : otherwise;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
