using System.Globalization;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>One model in several formats, ours and llama.cpp in turns: a prompt, one answer, eight at once, the first token, start, load, memory and energy.</summary>
internal sealed class EngineComparison(EngineSettings settings)
{
    private const int Slots = 8, AnswerPrompt = 16, AnswerTokens = 48;

    private readonly (string Name, string Line)[] _rows =
    [
        ($"prompt of {settings.Prompt}", $"prefill {settings.Prompt}"),
        ("one answer", $"decode {AnswerPrompt} {AnswerTokens}"),
        ("8 answers at once, together", $"batch {Slots} 24"),
        ("first token after a prompt of 64", "prefill 64"),
    ];

    private double _ownShare = double.NaN;

    /// <summary>Prints the table for one number of threads.</summary>
    public async Task RunAsync(int threads)
    {
        double bandwidth = MemoryBandwidth.Measure(threads);
        Console.WriteLine();
        Console.WriteLine(Text($"### {threads} thread{(threads > 1 ? "s" : "")}, {settings.Shape.Parameters / 1e6:F0} M parameters; memory is read at {bandwidth / 1e9:F1} GB/s"));
        Console.WriteLine();
        foreach (ElementType type in settings.Types)
        {
            if (settings.Model(settings.Shape, type) is not { } model)
                continue;
            using EngineProcess theirs = await EngineProcess.LlamaAsync(model, threads, 2048, Slots), ours = await EngineProcess.OursAsync(model, threads, 2048, Slots);
            if (type == settings.Types[0])
            {
                Console.WriteLine($"{ours.Engine}; {theirs.Engine}. Tokens a second, median [lowest–highest] of {settings.Rounds} rounds; the ratio is that of the medians, above 1 where ours is ahead.");
                Console.WriteLine();
                Console.WriteLine("| | Fairlead | llama.cpp | ratio | per processor second | share of the bandwidth |");
                Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
            }

            await FormatAsync(type, ours, theirs, bandwidth);
        }

        if (!double.IsNaN(_ownShare))
        {
            Console.WriteLine();
            Console.WriteLine(Text($"llama.cpp's own clock has {_ownShare:P0} of the time of its answers, at least; the rest is node's, and choosing the token."));
        }
    }

    private async Task FormatAsync(ElementType type, EngineProcess ours, EngineProcess theirs, double bandwidth)
    {
        double first = ours.StartSeconds + (await ours.DoAsync("prefill 16")).Seconds, theirFirst = theirs.StartSeconds + (await theirs.DoAsync("prefill 16")).Seconds;
        foreach ((_, string line) in _rows)
        {
            await ours.DoAsync(line); // compiled, and its pages there
            await theirs.DoAsync(line);
        }

        var energy = new List<string>();
        foreach ((string name, string line) in _rows)
        {
            (EngineFigures mine, EngineFigures other) = await EngineFigures.TurnsAsync(ours, theirs, line, settings.Rounds);
            bool isOneAnswer = line.StartsWith("decode", StringComparison.Ordinal);
            string share = isOneAnswer ? Text($"{mine.Speed * BytesPerToken(type) / bandwidth:F2}") : "";
            Console.WriteLine(Text($"| {type} {name} | {mine.Tokens} | {other.Tokens} | **{mine.Speed / other.Speed:F2}** | {mine.SpeedPerCpu / other.SpeedPerCpu:F2} | {share} |"));
            if (mine.Joules is { } joules && other.Joules is { } theirJoules)
                energy.Add(Text($"{name} {joules:F2} and {theirJoules:F2}"));
            if (isOneAnswer && other.All.All(static figure => figure.OwnSeconds is not null))
                _ownShare = double.MinNumber(_ownShare, other.Median(static figure => figure.OwnSeconds!.Value / figure.Seconds));
        }

        EngineFigure last = await ours.DoAsync("prefill 64"), theirLast = await theirs.DoAsync("prefill 64");
        Console.WriteLine(Text($"| {type} load, s | {ours.LoadSeconds:F2} | {theirs.LoadSeconds:F2} | {theirs.LoadSeconds / ours.LoadSeconds:F2} | | |"));
        Console.WriteLine(Text($"| {type} start of the process to the first token, s | {first:F2} | {theirFirst:F2} | {theirFirst / first:F2} | | |"));
        Console.WriteLine(Text($"| {type} resident, MB | {last.ResidentBytes / 1e6:F0} | {theirLast.ResidentBytes / 1e6:F0} | {(double)theirLast.ResidentBytes / last.ResidentBytes:F2} | | |"));
        Console.WriteLine($"| {type} energy, J per token (ours and theirs) | {(energy.Count > 0 ? string.Join("; ", energy) : "the machine does not tell")} | | | | |");
    }

    /// <summary>What one token of an answer reads: packed weights, all but the embedding, and keys and values of those before it.</summary>
    private long BytesPerToken(ElementType type)
    {
        LlamaShape shape = settings.Shape;
        PackedFormat format = PackedLayout.FormatFor(type, shape.Width, KernelChoice.Family) ?? throw new InvalidOperationException($"{type} is not packed");
        int heads = shape.Heads * LlamaShape.HeadDimension, kvHeads = shape.KvHeads * LlamaShape.HeadDimension;
        long layer = Bytes(heads, shape.Width) + (2 * Bytes(kvHeads, shape.Width)) + Bytes(shape.Width, heads) + (2 * Bytes(shape.FeedForward, shape.Width)) + Bytes(shape.Width, shape.FeedForward);
        const int Before = AnswerPrompt + (AnswerTokens / 2), KeyAndValue = 2 * sizeof(ushort);
        return Bytes(LlamaShape.Vocabulary, shape.Width) + (shape.Layers * (layer + ((long)Before * kvHeads * KeyAndValue)));

        long Bytes(int outputs, int inputs) => PackedLayout.BytesFor(format, outputs, inputs);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
