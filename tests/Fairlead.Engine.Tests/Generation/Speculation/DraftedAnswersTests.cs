using System.Threading.Channels;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Generation.Speculation;

/// <summary>A draft saves steps where it is right and changes nothing, right or wrong: not a token, not an end, not what is kept for the next request.</summary>
public sealed class DraftedAnswersTests
{
    private static readonly ConstraintCompiler Letters = new(new TokenTrie(RememberingModel.Vocabulary, static id => System.Text.Encoding.UTF8.GetBytes(RememberingModel.Text(id)), null));

    // The same model, one that agrees where little is looked back on, and one that never does but by chance.
    [Theory]
    [InlineData(0, int.MaxValue)]
    [InlineData(0, 3)]
    [InlineData(99, int.MaxValue)]
    public void Texts_are_those_without_a_draft(ulong kind, int draftLooks)
    {
        var random = new Random(21);
        long drafted = 0, right = 0, putBack = 0, cached = 0, cancelled = 0;
        for (int round = 0; round < 150; round++)
        {
            int slots = 1 + random.Next(5), context = 60 + random.Next(340);
            var time = new HandClock();
            var draft = new RememberingModel { StepPositions = null, Kind = kind, Looks = draftLooks, Padding = random.Next(4) };
            var model = new RememberingModel { StepPositions = null, Looks = random.Next(2) == 0 ? int.MaxValue : 3 };
            (model.BeforeStep, draft.BeforeStep) = (_ => time.Advance(TimeSpan.FromMilliseconds(random.Next(20))), _ => time.Advance(TimeSpan.FromMilliseconds(random.Next(3))));
            using var loop = new BatchLoop(
                model.Model(context, 7) with { Draft = draft.Draft(slots, 1 + random.Next(context)) },
                new BatchLimits(slots, Queue: 12, StepTokens: slots + random.Next(60)) { Guesses = 1 + random.Next(12), Stall = TimeSpan.FromMilliseconds(40) },
                RememberingModel.NewCache(blocks: KvCache.BlocksFor(context) + random.Next(4)),
                static () => 3,
                time);
            var asked = new List<(GenerationRequest Request, ChannelReader<GenerationEvent> Events, CancellationTokenSource Cancel)>();
            for (int i = 0; i < 8; i++)
            {
                GenerationRequest request = NewRequest(random, context, slots);
                var cancel = new CancellationTokenSource();
                Assert.True(loop.TryStart(request, cancel.Token, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
                asked.Add((request, events, cancel));
                for (int step = random.Next(12); step > 0; step--)
                    loop.Step();
                if (random.Next(4) == 0)
                    asked[random.Next(asked.Count)].Cancel.Cancel();
            }

            while (loop.Step())
            {
            }

            foreach ((GenerationRequest request, ChannelReader<GenerationEvent> events, CancellationTokenSource cancel) in asked)
            {
                var answers = new Answers();
                Assert.True(answers.Drain(events));
                Assert.True(answers.Events[^1] is GenerationEvent.Ended, answers.Events[^1].ToString());
                for (int choice = 0; choice < request.Choices; choice++)
                {
                    int[] expected = Alone(request, choice, model.Looks, context);
                    bool isCut = answers.End(choice).Reason == FinishReason.Cancelled;
                    Assert.True(!isCut || cancel.IsCancellationRequested);
                    Assert.Equal(isCut ? expected[..answers.Ids(choice).Length] : expected, answers.Ids(choice));
                    cancelled += isCut ? 1 : 0;
                }

                cancel.Dispose();
            }

            GenerationCounters counters = loop.Counters;
            (drafted, right, putBack, cached) = (drafted + counters.Drafted, right + counters.DraftedRight, putBack + counters.PutBack, cached + counters.CachedTokens);
            Assert.Equal(counters.Blocks, counters.FreeBlocks + counters.KeptBlocks);
        }

        Assert.True(drafted > 300 && putBack > 10 && cached > 300 && cancelled > 20, $"{drafted} drafted, {putBack} put back, {cached} cached, {cancelled} cancelled");
        Assert.True(kind == 0 ? right > drafted / 4 : right < drafted / 4, $"{right} of {drafted}");
    }

    [Fact]
    public void The_model_as_its_own_draft_is_right_nearly_always_and_most_steps_are_saved()
    {
        (GenerationCounters counters, int[][] with) = Run(new RememberingModel { StepPositions = null });
        (GenerationCounters plain, int[][] without) = Run(null);
        Assert.Equal(without, with);
        Assert.True(counters.DraftedRight > 0.9 * counters.Drafted, $"{counters.DraftedRight} of {counters.Drafted}");
        Assert.True(counters.Steps * 3 < plain.Steps, $"{counters.Steps} steps, {plain.Steps} without a draft");
        Assert.Equal((0L, 0L), (plain.Drafted, plain.DraftedRight));

        static (GenerationCounters Counters, int[][] Texts) Run(RememberingModel? draft)
        {
            using var loop = new BatchLoop(
                new RememberingModel { StepPositions = null }.Model() with { Draft = draft?.Draft(slots: 2) },
                new BatchLimits(Slots: 2, Queue: 8, StepTokens: 64) { Guesses = 8 },
                RememberingModel.NewCache(blocks: 64),
                static () => 3,
                new HandClock());
            ChannelReader<GenerationEvent>[] events = [.. Enumerable.Range(0, 2).Select(i => Start(loop, new GenerationRequest
            {
                Prompt = [.. Enumerable.Range(0, 70).Select(n => (n * n * (i + 3)) % RememberingModel.Vocabulary)],
                MaxTokens = 200,
                Sampling = new SamplingSettings { Temperature = 0 },
            }))];
            while (loop.Step())
            {
            }

            return (loop.Counters, [.. events.Select(static reader => Read(reader).Ids())]);
        }
    }

    [Fact]
    public void Of_many_seeds_each_draws_the_text_that_it_draws_without_a_draft()
    {
        // Scores are flat enough that a draft which takes the best token is wrong half of the time: whoever took its word for the draw would show here.
        var request = new GenerationRequest { Prompt = [4, 9, 2], MaxTokens = 12 };
        using BatchLoop loop = NewLoop(new RememberingModel { StepPositions = null });
        var texts = new HashSet<string>();
        for (ulong seed = 0; seed < 400; seed++)
        {
            GenerationRequest seeded = request with { Sampling = new SamplingSettings { Temperature = 0.7f, Seed = seed } };
            int[] ids = Run(loop, seeded).Ids();
            Assert.Equal(RememberingModel.Continue(seeded, seed, 0, 12), ids);
            texts.Add(RememberingModel.Text(ids));
        }

        GenerationCounters counters = loop.Counters;
        Assert.True(texts.Count > 200 && counters.DraftedRight > 300 && counters.Drafted - counters.DraftedRight > 300, $"{texts.Count} texts, {counters.DraftedRight} of {counters.Drafted}");
    }

    [Fact]
    public void Log_probabilities_stop_strings_penalties_and_constraints_are_those_without_a_draft()
    {
        using BatchLoop with = NewLoop(new RememberingModel { StepPositions = null }), without = NewLoop(null);
        var random = new Random(4);
        int stopped = 0;
        for (int i = 0; i < 200; i++)
        {
            var request = new GenerationRequest
            {
                Prompt = [.. Enumerable.Range(0, 1 + random.Next(40)).Select(_ => random.Next(RememberingModel.Vocabulary))],
                MaxTokens = 1 + random.Next(60),
                MinTokens = random.Next(5),
                Logprobs = true,
                TopLogprobs = random.Next(4),
                Echo = random.Next(5) == 0,
                Choices = 1 + random.Next(3),
                Stop = random.Next(2) == 0 ? ["ab", "q"] : [],
                EndTokens = random.Next(2) == 0 ? [5, 11] : [],
                Constraint = (i % 3) switch { 0 => Letters.Start(new ConstraintSpec.Regex("[a-f]{2,9}(xy|z)*")), _ => null },
                Sampling = new SamplingSettings { Temperature = random.Next(2), TopK = random.Next(8), FrequencyPenalty = 0.3f, RepetitionPenalty = 1.2f, Seed = (ulong)i },
            };
            Answers expected = Run(without, request), actual = Run(with, request);
            for (int choice = 0; choice < request.Choices; choice++)
            {
                Assert.Equal(expected.Text(choice), actual.Text(choice));
                Assert.Equal(expected.End(choice), actual.End(choice));
                Assert.Equal(expected.Tokens(choice).Select(Described), actual.Tokens(choice).Select(Described));
                stopped += expected.End(choice).Stop is null ? 0 : 1;
            }

            Assert.Equal(expected.Whole, actual.Whole);
        }

        Assert.True(stopped > 30 && with.Counters.DraftedRight > 300, $"{stopped} at stop strings, {with.Counters.DraftedRight} of {with.Counters.Drafted}");

        static string Described(AnswerToken token) => $"{token.Id} {token.Logprob:R} {string.Join(',', token.Top.Select(static top => $"{top.Id} {top.Logprob:R}"))}";
    }

    [Fact]
    public void A_long_prompt_is_read_by_the_draft_in_pieces_that_take_half_of_the_longest_step()
    {
        var time = new HandClock();
        var rows = new List<int>();
        var draft = new RememberingModel { StepPositions = [] };
        BatchDraft asked = draft.Draft(slots: 1);
        ModelStep compute = asked.Step;
        asked = asked with
        {
            Step = (step, cache, logits) =>
            {
                rows.Add(step.Length);
                time.Advance(TimeSpan.FromMilliseconds(step.Length));
                compute(step, cache, logits);
            },
        };
        var model = new RememberingModel { StepPositions = null, BeforeStep = _ => time.Advance(TimeSpan.FromMilliseconds(200)) }; // slow enough that reading the prompt pays
        using var loop = new BatchLoop(
            model.Model() with { Draft = asked },
            new BatchLimits(Slots: 1, Queue: 1, StepTokens: 512) { Guesses = 8, Stall = TimeSpan.FromMilliseconds(80) },
            RememberingModel.NewCache(blocks: 64),
            static () => 3,
            time);
        ChannelReader<GenerationEvent> events = Start(loop, new GenerationRequest { Prompt = [.. Enumerable.Range(0, 600).Select(static n => (n * n) % 29)], MaxTokens = 100, Sampling = new SamplingSettings { Temperature = 0 } });
        while (loop.Step())
        {
        }

        Assert.Equal(100, Read(events).Ids().Length);
        int[] pieces = [.. rows.Where(static count => count > 8)];
        Assert.True(pieces.Length > 8, string.Join(' ', rows));
        Assert.All(pieces.Skip(1), static count => Assert.InRange(count, 9, 48)); // 40 ms at a millisecond a row
        Assert.Equal(600, draft.StepPositions!.SelectMany(static positions => positions).Where(static position => position < 600).Distinct().Count());
        Assert.True(loop.Counters.DraftedRight > 0);
    }

    [Fact]
    public void After_sixty_four_steps_with_guesses_one_without_is_measured_where_there_is_a_draft()
    {
        var model = new RememberingModel();
        using var loop = new BatchLoop(
            model.Model() with { Draft = new RememberingModel { StepPositions = null }.Draft(slots: 1) },
            new BatchLimits(Slots: 1, Queue: 1, StepTokens: 64) { Guesses = 8 },
            RememberingModel.NewCache(blocks: 256),
            static () => 3,
            new HandClock());
        Run(loop, new GenerationRequest { Prompt = [1, 2, 3], MaxTokens = 3000, Sampling = new SamplingSettings { Temperature = 0 } });
        Assert.True(loop.Counters.Drafted > 2000, $"{loop.Counters.Drafted} drafted");
        int[] alone = [.. model.StepPositions!.Index().Where(static step => step.Item.Length == 1).Select(static step => step.Index).SkipLast(1)];
        int[] between = [.. alone.Skip(1).Zip(alone, static (later, earlier) => later - earlier - 1)];
        Assert.Equal(64, between.Max());
        Assert.True(between.Count(static steps => steps == 64) > 3, string.Join(' ', between));
    }

    [Fact]
    public void A_draft_that_fails_ends_the_answers_with_the_reason_and_the_next_begin_anew()
    {
        var draft = new RememberingModel { StepPositions = null };
        using BatchLoop loop = NewLoop(draft);
        draft.BeforeStep = static step => throw new InvalidOperationException($"no more memory in step {step}");
        var request = new GenerationRequest { Prompt = [1, 2, 3], MaxTokens = 20, Sampling = new SamplingSettings { Temperature = 0 } };
        ChannelReader<GenerationEvent> events = Start(loop, request);
        while (loop.Step())
        {
        }

        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal("the model could not compute this step: its draft failed: no more memory in step 1", answers.Failure);
        draft.BeforeStep = null;
        Assert.Equal(RememberingModel.Continue(request, 3, 0, 20), Run(loop, request).Ids());
        Assert.True(loop.Counters.DraftedRight > 0);
    }

    [Fact]
    public void Drafted_decoding_allocates_the_events_and_nothing_else()
    {
        using BatchLoop loop = NewLoop(new RememberingModel { StepPositions = null });
        ChannelReader<GenerationEvent>[] events = [.. Enumerable.Range(0, 2).Select(i => Start(loop, new GenerationRequest
        {
            Prompt = [1, 2, i], MaxTokens = 2000, Sampling = new SamplingSettings { Temperature = 0 },
        }))];
        Turn(30);
        long chosen = 0;
        long allocated = Allocation.Of(() =>
        {
            long before = loop.Counters.CompletionTokens;
            Turn(15);
            chosen = loop.Counters.CompletionTokens - before;
        });
        Assert.True(chosen > 60, $"{chosen} tokens in 15 steps");
        Assert.True(allocated <= chosen * 88, $"{allocated} bytes for {chosen} tokens");

        void Turn(int steps)
        {
            for (int step = 0; step < steps; step++)
            {
                loop.Step();
                foreach (ChannelReader<GenerationEvent> reader in events)
                {
                    while (reader.TryRead(out _))
                        continue;
                }
            }
        }
    }

    private static BatchLoop NewLoop(RememberingModel? draft) => new(
        new RememberingModel { StepPositions = null }.Model(4096) with { Draft = draft?.Draft(slots: 3) },
        new BatchLimits(Slots: 3, Queue: 8, StepTokens: 64) { Guesses = 8 },
        RememberingModel.NewCache(blocks: 400),
        static () => 3,
        new HandClock());

    private static GenerationRequest NewRequest(Random random, int context, int slots) => new()
    {
        Prompt = [.. Enumerable.Range(0, 1 + random.Next(context / 2)).Select(n => random.Next(3) == 0 ? random.Next(RememberingModel.Vocabulary) : n % 5)],
        MaxTokens = random.Next(1, context / 2),
        Sampling = new SamplingSettings { Temperature = random.Next(2) == 0 ? 0 : 0.3f, Seed = (ulong)random.Next() },
        Choices = 1 + random.Next(Math.Min(2, slots)),
    };

    /// <summary>What <see cref="RememberingModel.Continue"/> says, whose end token the model brings and not the request.</summary>
    private static int[] Alone(GenerationRequest request, int choice, int looks, int context) => RememberingModel.Continue(
        request with { EndTokens = [7] }, request.Sampling.Seed!.Value, choice, Math.Min(request.MaxTokens!.Value, context - request.Prompt.Length), looks);

    private static Answers Run(BatchLoop loop, GenerationRequest request)
    {
        ChannelReader<GenerationEvent> events = Start(loop, request);
        while (loop.Step())
        {
        }

        return Read(events);
    }

    private static ChannelReader<GenerationEvent> Start(BatchLoop loop, GenerationRequest request)
    {
        Assert.True(loop.TryStart(request, default, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
        return events;
    }

    private static Answers Read(ChannelReader<GenerationEvent> events)
    {
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.IsType<GenerationEvent.Ended>(answers.Events[^1]);
        return answers;
    }
}
