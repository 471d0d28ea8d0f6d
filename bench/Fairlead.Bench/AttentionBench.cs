using System.Diagnostics;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Attending;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>How fast attention reads the cache where one token is written, beside what reading the same bytes alone costs, and how fast it multiplies where a prompt is read, by vectors and by tiles.
/// 20 query heads over 5 heads of 64. Best of several rounds.</summary>
internal static unsafe class AttentionBench
{
    private const int Heads = 20, KvHeads = 5, Dimension = 64, Rounds = 7;

    /// <summary>Of keys and values, more than a core's caches hold: a step finds none of a layer's in them, for the other layers and the weights came between.</summary>
    private const long CacheBytes = 256L << 20;

    public static void Run(int threads)
    {
        using var crew = new WorkCrew(threads);
        Console.WriteLine($"{Simd.Best}, {threads} threads");
        Console.WriteLine("| | positions | GB/s of cache | reading alone: GB/s | ratio | µs a layer |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        foreach (KvType type in Enum.GetValues<KvType>())
        {
            foreach (int context in new[] { 512, 2048, 8192 })
                Decode(type, context, crew);
        }

        Console.WriteLine();
        Console.WriteLine("| | positions | vectors: G multiply-adds/s | tiles | ratio |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (KvType type in Enum.GetValues<KvType>())
        {
            foreach (int length in new[] { 512, 4096 })
                Prompt(type, length, crew);
        }
    }

    private static void Decode(KvType type, int context, WorkCrew crew)
    {
        long layerBytes = (long)KvCache.BlocksFor(context) * KvHeads * new KvLayout(type, Dimension, Dimension).Bytes;
        int layers = (int)((CacheBytes + layerBytes - 1) / layerBytes);
        var shape = new AttentionShape(Heads, KvHeads, Dimension, Dimension, 0.125f);
        using var cache = new KvCache(type, layers, KvHeads, Dimension, Dimension, KvCache.BlocksFor(context));
        var sequence = new KvSequence();
        Fill(cache, sequence, context);
        using NativeBuffer<float> query = Numbers(Heads * Dimension), output = new(Heads * Dimension);
        using var room = new AttentionRoom(Heads, Dimension, context);
        StepRow[] rows = [new(0, sequence, context - 1, Phase.Decode, true)];
        double attention = Best(() =>
        {
            for (int layer = 0; layer < layers; layer++)
                Attention.Causal(rows, query.Data, cache, layer, shape, null, output.Data, crew, room);
        });
        byte* all = cache.Head(0, 0, 0);
        long bytes = layerBytes * layers;
        double read = Best(() => crew.Run(crew.Threads, new Reading(all, bytes / crew.Threads)));
        Console.WriteLine(FormattableString.Invariant(
            $"| one token, {type} | {context} | {bytes / attention / 1e9:F1} | {bytes / read / 1e9:F1} | {read / attention:F2} | {attention / layers * 1e6:F0} |"));
    }

    private static void Prompt(KvType type, int length, WorkCrew crew)
    {
        var shape = new AttentionShape(Heads, KvHeads, Dimension, Dimension, 0.125f);
        using var cache = new KvCache(type, 1, KvHeads, Dimension, Dimension, KvCache.BlocksFor(length));
        var sequence = new KvSequence();
        Fill(cache, sequence, length);
        using NativeBuffer<float> query = Numbers((long)length * Heads * Dimension), output = new((long)length * Heads * Dimension);
        StepRow[] rows = [.. Enumerable.Range(0, length).Select(position => new StepRow(0, sequence, position, Phase.Prefill, false))];
        double vectors = Best(() => Attention.Causal(rows, query.Data, cache, 0, shape, null, output.Data, crew));
        double products = (double)length * (length + 1) / 2 * Heads * 2 * Dimension;
        string beside = "– | –";
        if (KernelChoice.Family == KernelFamily.Amx)
        {
            using var room = new PromptRoom(Heads, KvHeads, Dimension, Dimension, crew.Threads);
            double tiles = Best(() => Attention.Prompt(rows, query.Data, cache, 0, shape, null, output.Data, room, crew));
            beside = FormattableString.Invariant($"{products / tiles / 1e9:F1} | {vectors / tiles:F2}");
        }

        Console.WriteLine(FormattableString.Invariant($"| a prompt, {type} | {length} | {products / vectors / 1e9:F1} | {beside} |"));
    }

    private static void Fill(KvCache cache, KvSequence sequence, int positions)
    {
        if (!sequence.TryReserve(cache, positions))
            throw new InvalidOperationException("the cache is too small");
        using NativeBuffer<float> numbers = Numbers(2 * KvHeads * Dimension + 4096);
        for (int layer = 0; layer < cache.Layers; layer++)
        {
            for (int position = 0; position < positions; position++)
            {
                float* at = numbers.Data + (((position * 31) + layer) & 4095);
                Attention.Remember(cache, layer, sequence, position, at, at + (KvHeads * Dimension));
            }
        }
    }

    private static NativeBuffer<float> Numbers(long count)
    {
        var buffer = new NativeBuffer<float>(count);
        var random = new Random(1);
        for (long i = 0; i < count; i++)
            buffer.Data[i] = ((float)random.NextDouble() - 0.5f) * 2;
        return buffer;
    }

    private static double Best(Action what)
    {
        double best = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            what();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    /// <summary>A part reads its share of the memory in order.</summary>
    private readonly struct Reading(byte* from, long bytes) : IWork
    {
        public void Do(int part)
        {
            Vector512<int> a = default, b = default, c = default, d = default;
            byte* at = from + (part * (bytes & -256));
            for (byte* end = at + (bytes & -256); at < end; at += 256)
            {
                a |= Vector512.Load((int*)at);
                b |= Vector512.Load((int*)(at + 64));
                c |= Vector512.Load((int*)(at + 128));
                d |= Vector512.Load((int*)(at + 192));
            }

            if ((a | b | c | d) == Vector512<int>.Zero)
                throw new InvalidOperationException("the memory holds nothing");
        }
    }
}
