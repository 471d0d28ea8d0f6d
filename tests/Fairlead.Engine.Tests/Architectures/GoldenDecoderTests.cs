using System.Globalization;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>Every decoder against what transformers computed in float32 from the same files.</summary>
public sealed class GoldenDecoderTests
{
    public static TheoryData<string> Models => [.. Golden.Names];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_gives_the_scores_hidden_states_and_greedy_text_of_the_reference(string name)
    {
        Golden golden = Golden.Load(name);
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
        using Decoder decoder = Decoder.Load(folder, new DecoderOptions { Kv = KvType.F32 });
        using KvCache cache = decoder.NewCache(64);
        List<string> wrong = [];
        for (int i = 0; i < golden.Cases.Length; i++)
        {
            GoldenCase expected = golden.Cases[i];
            int rows = expected.Ids.Length, vocabulary = decoder.Shape.VocabularySize, width = decoder.Shape.Width;
            var reader = new Reader(decoder, cache);
            var logits = new float[rows * vocabulary];
            var hidden = new float[(decoder.Shape.Layers + 1) * rows * width];
            decoder.Step(reader.Rows(expected.Ids), cache, logits, hidden);
            void Compare(string what, ReadOnlySpan<float> actual, ReadOnlySpan<float> reference)
            {
                if (golden.Distance(actual, reference) is > 1 and var distance)
                    wrong.Add(string.Create(CultureInfo.InvariantCulture, $"case {i}: {what} are {distance:0.##} tolerances away"));
            }

            Compare("last scores", logits.AsSpan((rows - 1) * vocabulary, vocabulary), expected.LastLogits);
            if (!Rows(logits, vocabulary, Best).AsSpan().SequenceEqual(expected.Argmax))
                wrong.Add($"case {i}: best tokens differ");
            if (!expected.IsLong)
            {
                for (int state = 0; state <= decoder.Shape.Layers; state++)
                    Compare($"hidden states {state}", hidden.AsSpan((((state + 1) * rows) - 1) * width, width), expected.HiddenLast[state]);
                Compare("mean scores", Rows(logits, vocabulary, row => (float)row.Average(value => (double)value)), expected.MeanLogits);
                int[] greedy = Continue(reader, logits.AsSpan((rows - 1) * vocabulary).ToArray(), expected, folder, decoder, cache);
                if (!greedy.AsSpan().SequenceEqual(expected.Greedy))
                    wrong.Add($"case {i}: greedy text is {string.Join(' ', greedy)}, expected {string.Join(' ', expected.Greedy)}");
            }

            reader.Leave();
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    /// <summary>What a cache of fewer bits adds to the error: next to nothing in F16, little in Q8_0. Two tokens that were as good as each other may change places, and no others.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_says_the_same_with_keys_and_values_of_fewer_bits(string name)
    {
        Golden golden = Golden.Load(name);
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
        // Little errors choose another expert where two are as good, and that is no little error.
        bool hasExperts = folder.Config.IntOrNull("num_experts") is not null || folder.Config.IntOrNull("num_local_experts") is not null;
        List<string> wrong = [];
        foreach ((KvType type, double cosine, double apart) in new[] { (KvType.F16, 0.999999, 0.005), (KvType.Q8_0, 0.9998, 0.1) })
        {
            using Decoder decoder = Decoder.Load(folder, new DecoderOptions { Kv = type });
            using KvCache cache = decoder.NewCache(64);
            int vocabulary = decoder.Shape.VocabularySize;
            for (int i = 0; i < golden.Cases.Length; i++)
            {
                GoldenCase expected = golden.Cases[i];
                int rows = expected.Ids.Length;
                var reader = new Reader(decoder, cache);
                float[] logits = reader.Read(expected.Ids);
                double actual = Cosine(logits.AsSpan((rows - 1) * vocabulary), expected.LastLogits);
                if (actual < cosine)
                    wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{type}, case {i}: the cosine of the last scores is {actual:0.########}"));
                for (int row = 0; row < rows && !(hasExperts && type == KvType.Q8_0); row++)
                    Compare($"row {row}", logits.AsSpan(row * vocabulary, vocabulary), expected.Argmax[row]);

                // The reference's text word by word: where ours would have gone on otherwise, the two words were as good.
                bool padded = folder.Config.IntOrNull("pad_token_id") == expected.Ids[0];
                for (int at = rows; type == KvType.F16 && !expected.IsLong && !padded && at < expected.Greedy.Length; at++)
                {
                    float[] scores = at == rows ? logits[((rows - 1) * vocabulary)..] : reader.Read(expected.Greedy[at - 1]);
                    scores[folder.Config.Int("eos_token_id")] = float.NegativeInfinity;
                    Compare($"greedy token {at}", scores, expected.Greedy[at]);
                }

                void Compare(string what, ReadOnlySpan<float> scores, int best)
                {
                    double lost = (scores.ToArray().Max() - scores[best]) / Deviation(scores);
                    if (lost > apart)
                        wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{type}, case {i}, {what}: the reference's best token is {lost:0.####} deviations behind"));
                }

                reader.Leave();
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    /// <summary>The standard deviation of the finite scores.</summary>
    private static double Deviation(ReadOnlySpan<float> scores)
    {
        float[] finite = [.. scores.ToArray().Where(float.IsFinite)];
        double mean = finite.Average(static score => (double)score);
        return Math.Sqrt(finite.Average(score => (score - mean) * (score - mean)));
    }

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double ab = 0, aa = 0, bb = 0;
        for (int i = 0; i < b.Length; i++)
            (ab, aa, bb) = (ab + ((double)a[i] * b[i]), aa + ((double)a[i] * a[i]), bb + ((double)b[i] * b[i]));
        return ab / Math.Sqrt(aa * bb);
    }

    /// <summary>The prompt and what follows it greedily, in <paramref name="reader"/>, which has read the prompt and given <paramref name="scores"/>.</summary>
    private static int[] Continue(Reader reader, float[] scores, GoldenCase expected, ModelFolder folder, Decoder decoder, KvCache cache)
    {
        if (folder.Config.IntOrNull("pad_token_id") == expected.Ids[0])
        {
            // Where the first token is also the one for padding (SmolLM3), the reference's generate() takes it for padding and reads the text without it.
            reader = new Reader(decoder, cache);
            scores = reader.Read(expected.Ids.AsSpan(1))[^decoder.Shape.VocabularySize..];
        }

        List<int> text = [.. expected.Ids];
        while (true)
        {
            scores[folder.Config.Int("eos_token_id")] = float.NegativeInfinity;
            text.Add(Best(scores));
            if (text.Count == expected.Greedy.Length)
                return [.. text];
            scores = reader.Read(text[^1]);
        }
    }

    private static T[] Rows<T>(float[] logits, int vocabulary, Func<float[], T> read) => [.. logits.Chunk(vocabulary).Select(read)];

    private static int Best(float[] scores) => Array.IndexOf(scores, scores.Max());
}
