using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>What a pack saves of a load: the same model loaded with and without one, in turns, each time by a process of its own, as a worker is, with the files in the page cache.</summary>
internal static class LoadBench
{
    /// <summary>In place of an option that is not given.</summary>
    private const string None = "-";

    private const int Rounds = 5;

    /// <summary>Prints a table of one line: median and least of five loads each, their ratios, and what writing the pack took.</summary>
    /// <param name="quantize">As <c>--quantize</c> says it; null: the weights stay what they are.</param>
    public static async Task RunAsync(string path, string threads, string? quantize)
    {
        string folder = Directory.CreateTempSubdirectory("fairlead-load-").FullName;
        try
        {
            Load written = await LoadAsync(path, threads, quantize, folder);
            List<Load> packed = [], read = [];
            for (int round = 0; round < Rounds; round++)
            {
                packed.Add(await LoadAsync(path, threads, quantize, None));
                read.Add(await LoadAsync(path, threads, quantize, folder));
            }

            if (packed.Exists(static load => load.IsRead) || read.Exists(static load => !load.IsRead))
                throw new InvalidOperationException("a pack was read where there was none, or none where there was one");
            Console.WriteLine("| model | packed, MiB | packing, ms | reading, ms | ratio | load without, ms | load with, ms | ratio | writing, ms |");
            Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {Path.GetFileNameWithoutExtension(path)}{(quantize is null ? "" : $" to {quantize}")}, threads: {threads} | {written.MiB:0} | {Figures(packed, static load => load.Ready)} | {Figures(read, static load => load.Ready)} | {Ratio(packed, read, static load => load.Ready):0.0} | {Figures(packed, static load => load.Whole)} | {Figures(read, static load => load.Whole)} | {Ratio(packed, read, static load => load.Whole):0.0} | {written.Writing:0} |"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>One load in this process; prints a line of JSON for <see cref="RunAsync"/>.</summary>
    public static async Task DriveAsync(string path, string threads, string quantize, string folder)
    {
        var options = new LanguageModelOptions
        {
            Threads = int.Parse(threads, CultureInfo.InvariantCulture),
            ContextLength = 1024,
            Slots = 1,
            Quantize = QuantizeTarget.TryParse(quantize, out ElementType type) ? type : null,
            Packs = folder == None ? null : new PackStore(folder, Console.Error.WriteLine),
        };
        var clock = Stopwatch.StartNew();
        ModelNeed need = LanguageModel.Measure(path, options); // as a worker does; it also has what is read in place read during the load
        using LanguageModel model = LanguageModel.Open(path, options, new LoadMeter(need.LoadBytes, new Nobody()));
        double whole = clock.Elapsed.TotalMilliseconds;
        clock.Restart();
        bool isWritten = await model.KeepPack();
        PackReport report = model.Packing;
        Console.WriteLine(JsonSerializer.Serialize(new Load(report.IsRead, report.Bytes / 1048576.0, report.Took.TotalMilliseconds, whole, isWritten ? clock.Elapsed.TotalMilliseconds : 0)));
    }

    private static async Task<Load> LoadAsync(string path, string threads, string? quantize, string folder)
    {
        using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["load-driver", path, threads, quantize ?? None, folder]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        string said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return JsonSerializer.Deserialize<Load>(said) ?? throw new InvalidOperationException($"a load ended with {process.ExitCode} and said {said}");
    }

    private static string Figures(List<Load> loads, Func<Load, double> figure) => string.Create(CultureInfo.InvariantCulture, $"{Median(loads, figure):0} ({loads.Min(figure):0})");

    private static double Ratio(List<Load> packed, List<Load> read, Func<Load, double> figure) => Median(packed, figure) / Median(read, figure);

    private static double Median(List<Load> loads, Func<Load, double> figure) => loads.Select(figure).Order().ElementAt(loads.Count / 2);

    /// <param name="IsRead">From a pack.</param>
    /// <param name="MiB">Of the packed forms.</param>
    /// <param name="Ready">Milliseconds until the matrices were ready: reading and packing, or reading the pack.</param>
    /// <param name="Whole">Milliseconds of the whole load, with tokenizer, measuring and all.</param>
    /// <param name="Writing">Milliseconds that writing the pack took; 0: none was written.</param>
    private sealed record Load(bool IsRead, double MiB, double Ready, double Whole, double Writing);

    private sealed class Nobody : IProgress<double>
    {
        public void Report(double value)
        {
            // The figures are taken after the load.
        }
    }
}
