using System.Diagnostics;
using System.Globalization;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>
/// Our encoder as a process of its own that does what a line on its input says and answers with a line, as bench/peers/onnxruntime.mjs does for onnxruntime:
/// <c>encode LENGTH,LENGTH,…</c>. Token <c>i</c> of a batch is <c>1 + i mod (vocabulary − 1)</c> in both. An answer has the first values of the last text's first token.
/// </summary>
internal static unsafe class EncoderDriver
{
    /// <summary>Values that are shown of an answer.</summary>
    public const int Shown = 16;

    /// <summary>Loads the encoder and serves until the input ends.</summary>
    public static void Run(string path, int threads)
    {
        var clock = Stopwatch.StartNew();
        using ModelFolder folder = ModelFolder.Open(path);
        using var crew = new WorkCrew(threads);
        using Encoder encoder = Encoder.Load(folder, crew: crew);
        Say($$"""{"loaded":{{clock.Elapsed.TotalSeconds:F4}},"engine":"Fairlead, {{KernelChoice.Family}}"}""");
        while (Console.In.ReadLine() is { } line)
        {
            int[] lengths = [.. line.Split(' ')[1].Split(',').Select(static word => int.Parse(word, CultureInfo.InvariantCulture))];
            int[] tokens = [.. Enumerable.Range(0, lengths.Sum()).Select(i => 1 + (i % (encoder.VocabularySize - 1)))], segments = new int[tokens.Length];
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            clock.Restart();
            float* hidden = encoder.Forward(tokens, segments, lengths, crew);
            double seconds = clock.Elapsed.TotalSeconds, used = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;
            string values = string.Join(',', new ReadOnlySpan<float>(hidden + ((long)(tokens.Length - lengths[^1]) * encoder.Width), Shown).ToArray().Select(static value => value.ToString("R", CultureInfo.InvariantCulture)));
            using var self = Process.GetCurrentProcess();
            Say($$"""{"seconds":{{seconds:F6}},"cpu":{{used:F6}},"tokens":{{tokens.Length}},"rss":{{self.WorkingSet64}},"values":[{{values}}]}""");
        }
    }

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
