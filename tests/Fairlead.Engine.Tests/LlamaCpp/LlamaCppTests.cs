using System.Globalization;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.LlamaCpp;

/// <summary>The same GGUF file and the same tokens, here and in llama.cpp.</summary>
public sealed class LlamaCppTests(ITestOutputHelper output)
{
    /// <summary>Every decoder of the goldens, and whether llama.cpp reads its GELU from a table of half-precision numbers (bound 4e-3, measured 4e-4 to 2e-3).</summary>
    private static readonly (string Name, bool TableOfGelu)[] s_checkpoints =
    [
        ("bloom", true), ("falcon-mq", true), ("falcon-new", true), ("gemma", true), ("gemma2", true), ("gemma3", true), ("gpt2", true), ("starcoder2", true), ("granite", false), ("llama", false),
        ("llama-linear", false), ("llama-yarn", false), ("llama3-scaled", false), ("mistral", false), ("mixtral", false), ("olmo2", false), ("phi3", false), ("qwen2", false), ("qwen2-moe", false),
        ("qwen3", false), ("qwen3-moe", false), ("smollm3", false),
    ];

    /// <summary>How far a logit may be from llama.cpp's, as a share of the root mean square of its row.</summary>
    /// <remarks>
    /// llama.cpp rounds activations to the type of the weights where that is F16 or BF16, and to 8 bits in blocks of 32 or 256 where these are quantised; we round them to 8 bits
    /// in blocks of 32 where there are kernels for it (Q8_0, Q4_0 and the types with a K) and not at all elsewhere. The bounds are what both roundings come to, about one and a
    /// quarter times what was measured at most (Emerald Rapids, llama.cpp v0.5.0: F32 7e-6, F16 7e-6, BF16 0.021, blocks of 32 0.060–0.074, blocks of 256 0.13–0.15).
    /// </remarks>
    private static double Bound(ElementType type) => type switch
    {
        ElementType.F32 => 1e-4,
        ElementType.F16 => 5e-3, // not every processor's variant of llama.cpp keeps the activations
        ElementType.BF16 => 3e-2,
        ElementType.Q4_K or ElementType.Q5_K or ElementType.Q6_K => 0.19,
        _ => 0.12,
    };

    [Fact]
    public async Task Random_models_of_every_type_have_the_logits_of_llama_cpp_and_its_greedy_text()
    {
        LlamaCppRun.SkipUnlessInstalled();

        using TemporaryFolder temporary = new();
        int[] prompt = [1, .. Enumerable.Range(0, 23).Select(static i => 3 + (i * 41 % 300))];
        List<(string, LlamaCppJob, double)> jobs = [];
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            string file = temporary[$"{type}.gguf"];
            RandomModel.Make(type, type, seed: 40 + (int)type).WriteTo(file);
            jobs.Add((type.ToString(), new LlamaCppJob(file, prompt, Greedy: 40), Bound(type)));
        }

        await CompareAsync(jobs);
    }

    [Fact]
    public async Task Embeddings_of_every_type_are_decoded_as_llama_cpp_decodes_them()
    {
        LlamaCppRun.SkipUnlessInstalled();

        // Nothing but the embedding is quantised here, and to look a row up llama.cpp rounds nothing: the strict bound of single precision holds for every type.
        using TemporaryFolder temporary = new();
        List<(string, LlamaCppJob, double)> jobs = [];
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            string file = temporary[$"{type}.gguf"];
            RandomModel.Make(type, ElementType.F32, seed: 80 + (int)type).WriteTo(file);
            jobs.Add(($"{type} embedding", new LlamaCppJob(file, [.. Enumerable.Range(0, 64).Select(static i => 3 + (i * 5))], Greedy: 12), Bound(ElementType.F32)));
        }

        await CompareAsync(jobs);
    }

    [Fact]
    public async Task Golden_checkpoints_as_GGUF_files_have_the_logits_of_llama_cpp_and_its_greedy_text()
    {
        LlamaCppRun.SkipUnlessInstalled();
        using TemporaryFolder temporary = new();
        List<(string, LlamaCppJob, double)> jobs = [];
        foreach ((string name, bool tableOfGelu) in s_checkpoints)
        {
            using ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint(name));
            GgufWriter writer = HubToGguf.Convert(hub);
            RandomModel.AddVocabulary(writer, hub.Config.Int("vocab_size"));
            writer.WriteTo(temporary[$"{name}.gguf"]);
            jobs.Add((name, new LlamaCppJob(temporary[$"{name}.gguf"], [.. Enumerable.Range(0, 40).Select(static i => 3 + (i * 37 % 500))], Greedy: 12), tableOfGelu ? 4e-3 : Bound(ElementType.F32)));
        }

        await CompareAsync(jobs);
    }

    private async Task CompareAsync(List<(string Name, LlamaCppJob Job, double Bound)> jobs)
    {
        List<LlamaCppAnswer> answers = await LlamaCppRun.AskAsync([.. jobs.Select(static job => job.Job)], TestContext.Current.CancellationToken);
        List<string> wrong = [];
        foreach (((string name, LlamaCppJob job, double bound), LlamaCppAnswer theirs) in jobs.Zip(answers))
        {
            if (theirs.Error is { } error)
            {
                wrong.Add($"{name}: llama.cpp says {error}");
                continue;
            }

            int[] tokens = [.. job.Tokens, .. theirs.Added];
            float[] ours;
            try
            {
                ours = Logits(job.Model, tokens);
            }
            catch (ModelFileException e)
            {
                wrong.Add($"{name}: {e.Reason}");
                continue;
            }

            if (ours.Length != theirs.Logits.Length)
            {
                wrong.Add($"{name}: {ours.Length} logits here, {theirs.Logits.Length} there");
                continue;
            }

            Difference difference = new(ours, theirs.Logits, tokens.Length, job.Tokens.Length, bound);
            output.WriteLine($"{name}: {difference}");
            if (difference.Largest > bound)
                wrong.Add($"{name}: a logit differs by {difference.Largest:G3} of its row's root mean square, allowed {bound:G3}");
            // Two engines that each stay above 0.999 of the exact row may be so far from one another.
            if (difference.Cosine < 0.998)
                wrong.Add($"{name}: the cosine of a row is {difference.Cosine:F5}");
            if (difference.Other > 0)
                wrong.Add($"{name}: {difference.Other} tokens of the greedy text differ although the margin allows no doubt");
            if (difference.Certain < theirs.Added.Length / 4)
                wrong.Add($"{name}: only {difference.Certain} of {theirs.Added.Length} greedy tokens have a margin that proves anything");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static float[] Logits(string path, int[] tokens)
    {
        using ModelFolder folder = ModelFolder.Open(path);
        using Decoder decoder = Decoder.Load(folder, new DecoderOptions { Kv = KvType.F32 });
        using KvCache cache = decoder.NewCache((tokens.Length + KvCache.BlockPositions - 1) / KvCache.BlockPositions);
        KvSequence sequence = new();
        Assert.True(sequence.TryReserve(cache, tokens.Length));
        float[] logits = new float[tokens.Length * decoder.Shape.VocabularySize];
        decoder.Step([.. tokens.Select((token, position) => new StepRow(token, sequence, position, Phase.Prefill, WantsLogits: true))], cache, logits);
        return logits;
    }

    /// <summary>How far two engines are apart over the rows of one text.</summary>
    private sealed class Difference
    {
        private readonly double _relative;

        public Difference(float[] ours, float[] theirs, int rows, int prompt, double bound)
        {
            int vocabulary = ours.Length / rows;
            for (int row = 0; row < rows; row++)
            {
                ReadOnlySpan<float> a = ours.AsSpan(row * vocabulary, vocabulary), b = theirs.AsSpan(row * vocabulary, vocabulary);
                double product = 0, squareA = 0, squareB = 0, apart = 0, largest = 0;
                for (int i = 0; i < vocabulary; i++)
                {
                    double difference = (double)a[i] - b[i];
                    (product, squareA, squareB, apart) = (product + ((double)a[i] * b[i]), squareA + ((double)a[i] * a[i]), squareB + ((double)b[i] * b[i]), apart + (difference * difference));
                    largest = double.IsFinite(difference) ? Math.Max(largest, Math.Abs(difference)) : double.PositiveInfinity;
                }

                double size = Math.Sqrt(squareB / vocabulary);
                Largest = Math.Max(Largest, largest / size);
                _relative = Math.Max(_relative, Math.Sqrt(apart / squareB));
                Cosine = Math.Min(Cosine, product / Math.Sqrt(squareA * squareB));
                if (row < prompt - 1 || row == rows - 1)
                    continue; // no token of the greedy text was chosen here

                float[] sorted = b.ToArray();
                Array.Sort(sorted);
                if (sorted[^1] - sorted[^2] <= 2 * bound * size)
                    continue; // two errors of the bound could change the order
                Certain++;
                if (IndexOfLargest(a) != IndexOfLargest(b))
                    Other++;
            }
        }

        private static int IndexOfLargest(ReadOnlySpan<float> values)
        {
            int best = 0;
            for (int i = 1; i < values.Length; i++)
                best = values[i] > values[best] ? i : best;
            return best;
        }

        /// <summary>The largest difference of a logit over the root mean square of its row.</summary>
        public double Largest { get; }

        /// <summary>The smallest cosine of a row.</summary>
        public double Cosine { get; } = 1;

        /// <summary>Greedy tokens whose margin is above twice the bound.</summary>
        public int Certain { get; }

        /// <summary>Those of them that we would not have chosen.</summary>
        public int Other { get; }

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"largest {Largest:G3}, root mean square {_relative:G3}, cosine {Cosine:F7}, {Certain} greedy tokens are certain");
    }
}
