using System.Globalization;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Formats;

namespace Fairlead.Bench;

/// <summary>Our encoder beside onnxruntime on the same weights with as many threads, taking turns: one text, 32 of one length, and 32 of mixed lengths (padded for onnxruntime).</summary>
internal sealed class EncoderComparison(string cache, int rounds, bool isSmoke)
{
    private const int Batch = 32;

    /// <summary>Whether onnxruntime is installed.</summary>
    public static bool IsInstalled => Directory.Exists("bench/peers/node_modules/onnxruntime-node");

    /// <summary>Prints the table of one checkpoint and number of threads.</summary>
    /// <param name="name">How the table calls it.</param>
    /// <param name="checkpoint">Its folder.</param>
    /// <param name="threads">Threads of each.</param>
    /// <param name="length">Tokens of a text.</param>
    public async Task RunAsync(string name, string checkpoint, int threads, int length)
    {
        string converted = Path.Combine(cache, name + ".onnx");
        if (!File.Exists(converted))
        {
            OnnxEncoder.Write(checkpoint, converted + ".part");
            File.Move(converted + ".part", converted);
        }

        using EngineProcess ours = await EngineProcess.OurEncoderAsync(checkpoint, threads), theirs = await EngineProcess.OnnxRuntimeAsync(converted, threads, Vocabulary(checkpoint));
        Console.WriteLine();
        Console.WriteLine(Text($"### {name}, {threads} thread{(threads > 1 ? "s" : "")}: {ours.Engine}; {theirs.Engine}"));
        Console.WriteLine();
        Console.WriteLine($"Milliseconds, median [lowest–highest] of {rounds} rounds; a ratio above 1 is ours being quicker. The difference is the largest of {EncoderDriver.Shown} values of the last text.");
        Console.WriteLine();
        Console.WriteLine("| texts | Fairlead | onnxruntime | ratio | per processor second | difference |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        double first = (await ours.DoAsync($"encode {length}")).Seconds, theirFirst = (await theirs.DoAsync($"encode {length}")).Seconds;
        Console.WriteLine(Text($"| 1 of {length}, the first of the process | {first * 1e3:F1} | {theirFirst * 1e3:F1} | {theirFirst / first:F2} | | |"));
        int[] mixed = [.. Enumerable.Range(0, Batch).Select(i => Math.Max(1, length / 16 * (1 + (i % 16))))];
        await RowAsync($"1 of {length}", [length]);
        await RowAsync($"{Batch} of {length}", [.. Enumerable.Repeat(length, Batch)]);
        await RowAsync($"{Batch} of {mixed.Min()} to {mixed.Max()}", mixed);
        EngineFigure mine = await ours.DoAsync($"encode {length}"), other = await theirs.DoAsync($"encode {length}");
        Console.WriteLine(Text($"| load, s | {ours.LoadSeconds:F2} | {theirs.LoadSeconds:F2} | {theirs.LoadSeconds / ours.LoadSeconds:F2} | | |"));
        Console.WriteLine(Text($"| resident, MB | {mine.ResidentBytes / 1e6:F0} | {other.ResidentBytes / 1e6:F0} | {(double)other.ResidentBytes / mine.ResidentBytes:F2} | | |"));

        async Task RowAsync(string texts, int[] lengths)
        {
            string line = $"encode {string.Join(',', lengths)}";
            await ours.WarmUpAsync(line, isSmoke);
            await theirs.WarmUpAsync(line, isSmoke);

            (EngineFigures mine, EngineFigures other) = await EngineFigures.TurnsAsync(ours, theirs, line, lengths.Length == 1 ? 4 * rounds : rounds);
            double difference = mine.All[0].Values!.Zip(other.All[0].Values!, static (a, b) => Math.Abs(a - b)).Max();
            if (difference > 0.05)
                throw new InvalidOperationException(Text($"{name}: {texts}: the two answers differ by {difference}"));
            Console.WriteLine(Text($"| {texts} | {mine.Milliseconds} | {other.Milliseconds} | **{mine.Speed / other.Speed:F2}** | {mine.SpeedPerCpu / other.SpeedPerCpu:F2} | {difference:E1} |"));
        }
    }

    private static int Vocabulary(string checkpoint)
    {
        using ModelFolder folder = ModelFolder.Open(checkpoint);
        return EncoderPlan.Read(folder).Design.Vocabulary;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
