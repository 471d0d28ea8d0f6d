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
        using Decoder decoder = Decoder.Load(folder);
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
