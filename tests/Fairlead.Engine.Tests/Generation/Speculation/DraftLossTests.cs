using System.Threading.Channels;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation.Speculation;

/// <summary>How much time a draft may cost, whatever it is like: on a machine whose clock is simulated, with noise, and judged by what its steps really take.</summary>
public sealed class DraftLossTests(ITestOutputHelper output)
{
    public static TheoryData<double, double, double, int, int> Bad()
    {
        var data = new TheoryData<double, double, double, int, int>();
        foreach (double size in (double[])[0.02, 0.1, 0.3, 0.67, 0.95, 1.5])
        {
            foreach (double right in (double[])[0, 0.3, 0.66])
            {
                if (right * 0.3 > size)
                    continue; // it is worth its cost
                foreach (double row in (double[])[0.02, 0.1, 0.5])
                {
                    data.Add(size, right, row, 10, 1);
                    data.Add(size, right, row, 700, 1);
                    data.Add(size, right, row, 30, 4);
                }
            }
        }

        return data;
    }

    /// <summary>Nine tenths of the speed without one over the first hundred tokens, and 97 of a hundred over a thousand.</summary>
    /// <param name="size">What a pass of the draft takes, as a share of one of the model.</param>
    /// <param name="right">How often it is right.</param>
    /// <param name="row">What a row more takes, as a share of a step of one: from memory that is waited for to a processor that is.</param>
    /// <param name="prompt">Tokens of each prompt.</param>
    /// <param name="answers">Written at once.</param>
    [Theory]
    [MemberData(nameof(Bad))]
    public void A_draft_that_is_slow_or_wrong_costs_little(double size, double right, double row, int prompt, int answers)
    {
        double first = Speed(size, right, row, prompt, answers, tokens: 100), later = Speed(size, right, row, prompt, answers, tokens: 1000);
        output.WriteLine($"{first:0.000} over 100 tokens, {later:0.000} over 1,000");
        Assert.True(first >= 0.9 && later >= 0.97, $"{first:0.000} over 100 tokens, {later:0.000} over 1,000");
    }

    [Theory]
    [InlineData(0.05, 0.9, 0.05, 10, 1, 2.5)]
    [InlineData(0.1, 0.8, 0.05, 300, 1, 1.7)]
    [InlineData(0.1, 0.8, 0.1, 10, 4, 1.1)]
    [InlineData(0.3, 0.95, 0.05, 10, 1, 1.3)]
    public void A_draft_that_is_quick_and_often_right_saves_time(double size, double right, double row, int prompt, int answers, double least)
    {
        double speed = Speed(size, right, row, prompt, answers, tokens: 1000);
        output.WriteLine($"{speed:0.00}");
        Assert.True(speed >= least, $"{speed:0.00}");
    }

    /// <summary>Somebody else takes the machine for a while, in the middle of everything.</summary>
    [Theory]
    [InlineData(0.67, 0.66, 0.2)]
    [InlineData(0.3, 0, 0.1)]
    [InlineData(1.5, 0.3, 0.05)]
    public void A_machine_that_becomes_slow_and_quick_again_changes_nothing_of_that(double size, double right, double row)
    {
        double speed = Speed(size, right, row, prompt: 20, answers: 2, tokens: 1500, static chosen => chosen is > 700 and < 1400 or > 2000 and < 2300 ? 3 : 1);
        output.WriteLine($"{speed:0.000}");
        Assert.True(speed >= 0.97, $"{speed:0.000}");
    }

    [Fact]
    public void One_pass_that_took_very_long_by_chance_does_not_cost_a_good_draft_its_place()
    {
        double speed = Speed(0.1, 0.9, 0.05, prompt: 10, answers: 1, tokens: 1000, static chosen => 1, stallAt: 3);
        output.WriteLine($"{speed:0.00}");
        Assert.True(speed >= 1.7, $"{speed:0.00}");
    }

    /// <summary>As most uses are: the same text stands before every question, and both keep it.</summary>
    [Theory]
    [InlineData(0.1, 0.66, 0.02, 400, 24, 1, 1.45)]
    [InlineData(0.1, 0.8, 0.02, 1200, 64, 1, 1.5)]
    [InlineData(0.1, 0.8, 0.05, 400, 48, 1, 1.4)]
    [InlineData(0.05, 0.9, 0.02, 1500, 100, 1, 1.9)]
    [InlineData(0.12, 1, 0.02, 400, 17, 1, 2.5)]
    [InlineData(0.12, 1, 0.02, 400, 17, 4, 1.6)]
    [InlineData(0.1, 0.66, 0.02, 400, 17, 4, 1.2)]
    public void A_good_draft_saves_time_where_a_long_text_stands_before_each_short_answer(double size, double right, double row, int prompt, int tokens, int answers, double least)
    {
        double speed = Speed(size, right, row, prompt, answers, tokens, rounds: 24);
        output.WriteLine($"{speed:0.00}");
        Assert.True(speed >= least, $"{speed:0.00}");
    }

    [Theory]
    [InlineData(0.1, 0, 0.05, 400, 24, 1)]
    [InlineData(0.67, 0.66, 0.05, 400, 24, 1)]
    [InlineData(0.67, 0.66, 0.2, 400, 17, 4)]
    [InlineData(0.3, 0, 0.2, 1500, 50, 1)]
    public void A_bad_one_costs_little_there(double size, double right, double row, int prompt, int tokens, int answers)
    {
        double speed = Speed(size, right, row, prompt, answers, tokens, rounds: 40);
        output.WriteLine($"{speed:0.000}");
        Assert.True(speed >= 0.97, $"{speed:0.000}");
    }

    /// <summary>How many times as fast answers are written with the draft as without: what one takes in the mean, from its beginning to its end.</summary>
    private static double Speed(double size, double right, double row, int prompt, int answers, int tokens, Func<long, double>? slowness = null, int stallAt = -1, int rounds = 1)
    {
        var random = new Random(7);
        double without = Run(null), with = Run(new RememberingModel { StepPositions = null, Looks = 8 });
        return without / with;

        double Run(RememberingModel? draft)
        {
            var time = new HandClock();
            double took = 0;
            int passes = 0;
            BatchLoop? loop = null;
            BatchModel model = new RememberingModel { StepPositions = null, Looks = 8 }.Model();
            ModelStep step = model.Step;
            model = model with { Step = Step(step, 1), Pass = new StepPass(Step(step, 1), RememberingModel.Vocabulary) };
            if (draft is not null)
            {
                BatchDraft asked = draft.Draft(answers);
                ModelStep guess = Step(asked.Step, size);
                model = model with
                {
                    Draft = asked with
                    {
                        Step = (rows, cache, scores) =>
                        {
                            guess(rows, cache, scores);
                            if (passes++ == stallAt)
                                time.Advance(TimeSpan.FromSeconds(1));
                            for (int i = 0; i < scores.Length; i += RememberingModel.Vocabulary)
                            {
                                if (random.NextDouble() > right)
                                    scores[i + Scores.Best(scores.Slice(i, RememberingModel.Vocabulary))] = -1;
                            }
                        },
                    },
                };
            }

            using (loop = new BatchLoop(model, new BatchLimits(answers, Queue: answers, StepTokens: 256) { Guesses = 8 }, RememberingModel.NewCache(blocks: answers * KvCache.BlocksFor(prompt + tokens)), static () => 3, time))
            {
                double all = 0;
                for (int round = 0; round < rounds; round++)
                {
                    double began = took;
                    var reading = new List<ChannelReader<GenerationEvent>>();
                    for (int i = 0; i < answers; i++)
                    {
                        var request = new GenerationRequest
                        {
                            // Every text of a round another one from its beginning, and from round to round at its end.
                            Prompt = [i, .. Enumerable.Range(1, prompt - 2).Select(static n => (n * n) % RememberingModel.Vocabulary), round % RememberingModel.Vocabulary],
                            MaxTokens = tokens,
                            Sampling = new SamplingSettings { Temperature = 0 },
                        };
                        Assert.True(loop.TryStart(request, default, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
                        reading.Add(events);
                    }

                    while (loop.Step())
                        all += (took - began) * reading.RemoveAll(static events => new Answers().Drain(events));
                }

                Assert.Equal((long)rounds * answers * tokens, loop.Counters.CompletionTokens);
                return all;
            }

            ModelStep Step(ModelStep inner, double share) => (rows, cache, scores) =>
            {
                inner(rows, cache, scores);
                double seconds = 0.01 * share * (1 + (row * (rows.Length - 1))) * (slowness?.Invoke(loop!.Counters.CompletionTokens) ?? 1);
                took += seconds;
                time.Advance(TimeSpan.FromSeconds(seconds * (0.85 + (0.3 * random.NextDouble()))));
            };
        }
    }
}
