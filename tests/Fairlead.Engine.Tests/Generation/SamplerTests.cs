using Fairlead.Engine.Generation;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Generation;

public sealed class SamplerTests
{
    private const float Forbidden = float.NegativeInfinity;

    [Fact]
    public void At_temperature_zero_the_best_token_is_taken_and_of_equals_the_lowest()
    {
        var settings = new SamplingSettings { Temperature = 0, TopP = 0.1f, TopK = 3 };
        Assert.Equal(1, Choose(settings, [0, 3, 3, 1]));
        Assert.Equal(2, Choose(settings with { LogitBias = [(2, 0.5f)] }, [0, 3, 3, 1]));
    }

    [Fact]
    public void The_repetition_penalty_divides_positive_and_multiplies_negative_scores_of_prompt_and_answer()
    {
        // Token 0 (prompt): 4 / 2 = 2. Token 1 (prompt): −1 · 2 = −2. Token 2 was never seen: 1.9.
        var settings = new SamplingSettings { Temperature = 0, RepetitionPenalty = 2 };
        Sampler sampler = New(settings, prompt: [0, 1, 0]);
        Assert.Equal(0, Choose(sampler, [4, -1, 1.9f]));
        Assert.Equal(2, Choose(sampler, [4, -1, 2.1f]));
        Assert.Equal(0, Choose(sampler, [4, -1, 3.9f])); // 2 stands in the answer now: 1.95
        Assert.Equal(1, Choose(sampler, [-3, -1, -1.5f])); // −6, −2, −3
    }

    [Fact]
    public void Frequency_counts_each_appearance_in_the_answer_presence_only_whether_and_the_prompt_counts_for_neither()
    {
        var settings = new SamplingSettings { Temperature = 0, FrequencyPenalty = 0.5f, PresencePenalty = 1 };
        Sampler sampler = New(settings, prompt: [1, 1, 1]);
        Assert.Equal(1, Choose(sampler, [0, 0.1f, 0])); // three times in the prompt: nothing is taken from it
        Assert.Equal(1, Choose(sampler, [0, 1.6f, 0])); // 1.6 − 1 − 0.5 = 0.1
        Assert.Equal(0, Choose(sampler, [0, 1.9f, 0])); // 1.9 − 1 − 2 · 0.5 = −0.1
        Assert.Equal(1, Choose(sampler, [0, 2.1f, 0])); // 0.1; 0 has −1.5
    }

    [Fact]
    public void An_answer_shorter_than_its_minimum_cannot_end()
    {
        Sampler sampler = New(new SamplingSettings { Temperature = 0 }, prompt: [0], endTokens: [2]);
        var scratch = new SamplerScratch(3);
        Assert.Equal(1, sampler.Choose([0, 1, 5], scratch, mayEnd: false));
        Assert.Equal(2, sampler.Choose([0, 1, 5], scratch, mayEnd: true));
    }

    /// <summary>Probabilities 1/2, 1/4, 1/8, 1/8: the fewest tokens that reach the sum, the lower id of equals first.</summary>
    [Theory]
    [InlineData(0.49f, 1)]
    [InlineData(0.51f, 2)]
    [InlineData(0.74f, 2)]
    [InlineData(0.76f, 3)]
    [InlineData(0.88f, 4)]
    public void Top_p_keeps_the_fewest_tokens_that_reach_it(float topP, int kept)
    {
        float[] scores = [MathF.Log(4), MathF.Log(2), 0, 0];
        IEnumerable<int> drawn = Enumerable.Range(0, 400).Select(seed => Choose(new Sampler(new SamplingSettings { TopP = topP }, [], (ulong)seed, 0, [0], 1), [.. scores]));
        Assert.Equal(Enumerable.Range(0, kept), drawn.Distinct().Order());
    }

    [Theory]
    [InlineData(float.NaN, "not numbers")]
    [InlineData(float.PositiveInfinity, "not numbers")]
    public void Scores_that_are_no_numbers_choose_nothing(float score, string words)
    {
        foreach (float temperature in (float[])[0, 1])
        {
            var e = Assert.Throws<NoTokenException>(() => Choose(new SamplingSettings { Temperature = temperature, Seed = 1 }, [0, score, 1]));
            Assert.Contains(words, e.Message, StringComparison.Ordinal);
        }

        Assert.Throws<NoTokenException>(() => Choose(new SamplingSettings(), [Forbidden, Forbidden]));
    }

    /// <summary>
    /// Against the definitions written down once more, in double precision and without any of the sampler's short cuts: what has no
    /// probability is never drawn, and how often the others are passes a chi-square test. Everything is seeded.
    /// </summary>
    [Fact]
    public void Tokens_are_drawn_as_often_as_their_definition_says()
    {
        var random = new Random(20_261_126);
        SamplingSettings[] all =
        [
            new(),
            new() { Temperature = 0.5f },
            new() { Temperature = 1.7f },
            new() { TopK = 1 },
            new() { TopK = 5 },
            new() { TopK = 100 },
            new() { TopP = 0 },
            new() { TopP = 0.5f },
            new() { TopP = 0.95f },
            new() { MinP = 0.2f },
            new() { MinP = 1 },
            new() { Temperature = 0.8f, TopK = 10, TopP = 0.7f },
            new() { Temperature = 1.5f, TopK = 12, TopP = 0.9f, MinP = 0.1f },
            new() { TopP = 0.8f, MinP = 0.3f },
            new() { RepetitionPenalty = 1.3f, FrequencyPenalty = 0.4f, PresencePenalty = -0.6f, TopP = 0.9f },
            new() { LogitBias = [(3, 2), (4, -100)], TopK = 20 },
        ];
        foreach (SamplingSettings settings in all)
        {
            const int Draws = 20_000;
            float[] scores = [.. Enumerable.Range(0, 37).Select(_ => (float)Math.Round((random.NextDouble() * 6) - 3, 1))]; // rounded: ties occur
            scores[5] = Forbidden;
            int[] prompt = [1, 2, 3, 3];
            double[] expected = Definition(scores, settings, prompt);
            var drawn = new int[scores.Length];
            var scratch = new SamplerScratch(scores.Length);
            for (int seed = 0; seed < Draws; seed++)
            {
                var sampler = new Sampler(settings, [], (ulong)seed, choice: 0, prompt, maxTokens: 1);
                drawn[sampler.Choose([.. scores], scratch, mayEnd: true)]++;
            }

            double chiSquare = 0;
            int kinds = 0;
            for (int token = 0; token < scores.Length; token++)
            {
                Assert.True(expected[token] > 0 || drawn[token] == 0, $"{settings}: token {token} was drawn");
                if (expected[token] * Draws < 5)
                    continue; // too rare for the statistic
                chiSquare += Math.Pow(drawn[token] - (expected[token] * Draws), 2) / (expected[token] * Draws);
                kinds++;
            }

            // Mean k − 1, variance 2 (k − 1): five deviations.
            Assert.True(chiSquare <= kinds - 1 + (5 * Math.Sqrt(2 * Math.Max(1, kinds - 1))), $"{settings}: chi² {chiSquare} over {kinds} tokens");
        }
    }

    [Fact]
    public void The_same_seed_draws_the_same_whatever_others_draw_in_between()
    {
        var settings = new SamplingSettings { Temperature = 1.2f, TopP = 0.9f };
        int[] alone = Draw(disturbed: false, choice: 0), among = Draw(disturbed: true, choice: 0), other = Draw(disturbed: false, choice: 1);
        Assert.Equal(alone, among);
        Assert.NotEqual(alone, other);

        int[] Draw(bool disturbed, int choice)
        {
            var scratch = new SamplerScratch(50);
            var sampler = new Sampler(settings, [], seed: 42, choice, [0], maxTokens: 40);
            var neighbour = new Sampler(settings, [], seed: 43, choice, [0], maxTokens: 40);
            var scores = new Random(5);
            return [.. Enumerable.Range(0, 40).Select(_ =>
            {
                float[] row = [.. Enumerable.Range(0, 50).Select(_ => (float)scores.NextDouble())];
                if (disturbed)
                    neighbour.Choose([.. row], scratch, mayEnd: true);
                return sampler.Choose(row, scratch, mayEnd: true);
            })];
        }
    }

    [Fact]
    public void Choosing_allocates_nothing()
    {
        SamplingSettings[] all =
        [
            new() { Temperature = 0, RepetitionPenalty = 1.1f },
            new() { TopK = 40, TopP = 0.9f, MinP = 0.05f, FrequencyPenalty = 0.1f, LogitBias = [(1, 1)] },
            new() { TopP = 0.9f },
            new(),
        ];
        var scores = new float[32_000];
        var scratch = new SamplerScratch(scores.Length);
        foreach (SamplingSettings settings in all)
        {
            var sampler = new Sampler(settings, [2], seed: 1, choice: 0, [1, 2, 3], maxTokens: 1000);
            Fill(scores);
            sampler.Choose(scores, scratch, mayEnd: false);
            Assert.Equal(0, Allocation.Of(() =>
            {
                for (int i = 0; i < 20; i++)
                {
                    Fill(scores);
                    sampler.Choose(scores, scratch, mayEnd: false);
                }
            }));
        }

        static void Fill(float[] scores)
        {
            for (int i = 0; i < scores.Length; i++)
                scores[i] = (i * 7919 % 10007) * 0.001f;
        }
    }

    [Fact]
    public void Settings_out_of_range_are_named_with_their_value()
    {
        (SamplingSettings Settings, string Words)[] faults =
        [
            (new() { Temperature = -0.1f }, "temperature is -0.1"),
            (new() { Temperature = float.NaN }, "temperature"),
            (new() { Temperature = 100.5f }, "temperature"),
            (new() { TopP = 1.01f }, "top_p"),
            (new() { TopK = -1 }, "top_k"),
            (new() { MinP = 2 }, "min_p"),
            (new() { RepetitionPenalty = 0 }, "repetition_penalty"),
            (new() { FrequencyPenalty = 2.1f }, "frequency_penalty"),
            (new() { PresencePenalty = -2.1f }, "presence_penalty"),
            (new() { LogitBias = [(10, 1)] }, "token 10"),
            (new() { LogitBias = [(1, 101)] }, "token 1 is 101"),
            (new() { LogitBias = [(1, 1), (1, 2)] }, "token 1 twice"),
        ];
        foreach ((SamplingSettings settings, string words) in faults)
            Assert.Contains(words, settings.Fault(10), StringComparison.Ordinal);
        Assert.Null(new SamplingSettings { Temperature = 2, TopP = 0, TopK = 5, MinP = 0.5f, LogitBias = [(9, -100)] }.Fault(10));
    }

    /// <summary>The distribution by its definition: what transformers' processors and OpenAI's formulas say, in the order of the sampler's contract.</summary>
    private static double[] Definition(float[] raw, SamplingSettings settings, int[] prompt)
    {
        double[] scores = [.. raw.Select(static score => (double)score)];
        foreach ((int token, float bias) in settings.LogitBias)
            scores[token] += bias;
        foreach (int token in prompt.Distinct())
            scores[token] = scores[token] < 0 ? scores[token] * settings.RepetitionPenalty : scores[token] / settings.RepetitionPenalty;
        int[] order = [.. Enumerable.Range(0, raw.Length).Where(i => raw[i] != Forbidden).OrderByDescending(i => (float)scores[i]).ThenBy(static i => i)];
        if (settings.TopK > 0)
            order = order[..Math.Min(order.Length, settings.TopK)];
        double[] weights = [.. order.Select(i => Math.Exp((scores[i] - scores[order[0]]) / settings.Temperature))];
        double all = weights.Sum(), before = 0;
        var kept = new double[raw.Length];
        for (int i = 0; i < order.Length; i++)
        {
            if (i == 0 || ((settings.TopP >= 1 || before < settings.TopP * all) && weights[i] >= settings.MinP))
                kept[order[i]] = weights[i];
            before += weights[i];
        }

        return [.. kept.Select(weight => weight / kept.Sum())];
    }

    private static Sampler New(SamplingSettings settings, int[] prompt, int[]? endTokens = null) =>
        new(settings, [.. endTokens ?? []], seed: 0, choice: 0, prompt, maxTokens: 10);

    private static int Choose(SamplingSettings settings, float[] scores) => Choose(New(settings, [0]), scores);

    private static int Choose(Sampler sampler, float[] scores) => sampler.Choose(scores, new SamplerScratch(scores.Length), mayEnd: true);
}
