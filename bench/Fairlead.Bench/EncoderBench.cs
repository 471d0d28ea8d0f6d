using System.Diagnostics;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>Milliseconds of an encoder for one text, for 32 of one length, and for 32 of mixed lengths. Best of several rounds.</summary>
internal static unsafe class EncoderBench
{
    private const int Length = 128, Batch = 32, Rounds = 5;

    /// <param name="path">A checkpoint; null: BERT-base with random weights.</param>
    /// <param name="threads">Threads that share the work.</param>
    public static void Run(string? path, int threads)
    {
        string? made = path is null ? Directory.CreateTempSubdirectory("fairlead-encoder-").FullName : null;
        try
        {
            if (made is not null)
                RandomEncoder.Write(made, RandomEncoder.Base);
            using ModelFolder folder = ModelFolder.Open(made ?? path!);
            using var crew = new WorkCrew(threads);
            using Encoder encoder = Encoder.Load(folder, crew: crew);
            int[] mixed = [.. Enumerable.Range(0, Batch).Select(static i => Length / 16 * (1 + (i % 16)))];
            Console.WriteLine($"{KernelChoice.Family}, {threads} threads");
            Console.WriteLine("| texts | tokens | ms | µs per token | ms of processors |");
            Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
            Row($"1 of {Length}", [Length]);
            Row($"{Batch} of {Length}", [.. Enumerable.Repeat(Length, Batch)]);
            Row($"{Batch} of {mixed.Min()} to {mixed.Max()}", mixed);

            void Row(string name, int[] lengths)
            {
                int[] tokens = [.. Enumerable.Range(0, lengths.Sum()).Select(i => 1 + (i % (encoder.VocabularySize - 1)))], segments = new int[tokens.Length];
                double best = double.MaxValue, processors = double.MaxValue;
                for (int round = 0; round < Rounds; round++)
                {
                    TimeSpan before = Environment.CpuUsage.TotalTime;
                    long start = Stopwatch.GetTimestamp();
                    encoder.Forward(tokens, segments, lengths, crew);
                    best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                    processors = Math.Min(processors, (Environment.CpuUsage.TotalTime - before).TotalMilliseconds); // what neighbours on the machine take less from
                }

                Console.WriteLine(FormattableString.Invariant($"| {name} | {tokens.Length} | {best:F1} | {best * 1000 / tokens.Length:F1} | {processors:F1} |"));
            }
        }
        finally
        {
            if (made is not null)
                Directory.Delete(made, recursive: true);
        }
    }
}
