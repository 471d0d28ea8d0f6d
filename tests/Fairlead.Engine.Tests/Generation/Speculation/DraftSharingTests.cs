using System.Threading.Channels;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation.Speculation;

/// <summary>What a draft has read of one text it does not read again for another that begins alike, as far as the two may know of each other.</summary>
public sealed class DraftSharingTests
{
    private const int Beginning = 200;

    private readonly RememberingModel _draft = new();

    [Theory]
    [InlineData(0)]
    [InlineData(7)] // in the middle of a block
    public void A_text_that_begins_like_an_earlier_one_is_read_from_where_it_differs(int more)
    {
        using BatchLoop loop = NewLoop();
        Run(loop, Request(Prompt(Beginning + more, end: 1)));
        int read = _draft.StepPositions!.Count;
        Run(loop, Request(Prompt(Beginning + more, end: 2)));
        int[] again = Read(read);
        Assert.Equal(Beginning + more, again.Min());
        Assert.Equal(loop.Counters.Drafted, loop.Counters.DraftedRight);
    }

    [Fact]
    public void Choices_of_one_prompt_have_it_read_once()
    {
        using BatchLoop loop = NewLoop();
        Run(loop, Request(Prompt(Beginning, end: 1)) with { Choices = 3 });
        int[] prompt = [.. Read().Where(static position => position < Beginning)];
        Assert.Equal(Enumerable.Range(0, Beginning), prompt.Order());
        Assert.True(loop.Counters.DraftedRight > 30, $"{loop.Counters.DraftedRight}");
    }

    [Theory]
    [InlineData("one", "other")]
    [InlineData("one", null)]
    public void What_one_tenant_had_read_is_read_anew_for_another(string scope, string? other)
    {
        using BatchLoop loop = NewLoop();
        Run(loop, Request(Prompt(Beginning, end: 1)) with { PrefixScope = scope });
        int read = _draft.StepPositions!.Count;
        Run(loop, Request(Prompt(Beginning, end: 1)) with { PrefixScope = other });
        Assert.Equal(Enumerable.Range(0, Beginning), Read(read).Where(static position => position < Beginning).Order());
    }

    [Fact]
    public void Nobody_waits_for_what_is_read_for_another_tenant()
    {
        using BatchLoop loop = NewLoop();
        Run(loop, Request(Prompt(Beginning, end: 1)) with { PrefixScope = "third" }); // passes may be long from here on
        int read = _draft.StepPositions!.Count;
        GenerationRequest request = Request(Prompt(40, end: 2));
        ChannelReader<GenerationEvent> one = Start(loop, request with { PrefixScope = "one" }), other = Start(loop, request with { PrefixScope = "other" });
        Turn(loop);
        Check(request, one);
        Check(request, other);
        Assert.Equal(2, _draft.StepPositions.Skip(read).First().Count(static position => position == 0)); // in one pass
        Assert.Equal(2 * 40, Read(read).Count(static position => position < 40));
    }

    /// <summary>Where a row depends on its phase, an answer's keys and values are not those of a prompt that repeats it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_answer_is_read_again_in_the_next_prompt_only_where_that_makes_a_difference(bool dependsOnPhase)
    {
        using BatchLoop loop = NewLoop(dependsOnPhase: dependsOnPhase);
        int[] prompt = Prompt(64, end: 1), answer = Run(loop, Request(prompt));
        int read = _draft.StepPositions!.Count;
        Run(loop, Request([.. prompt, .. answer, 3]));
        int again = Read(read).Count(position => position >= 65 && position < 64 + answer.Length);
        Assert.InRange(again, dependsOnPhase ? answer.Length - 1 : 0, dependsOnPhase ? answer.Length - 1 : KvCache.BlockPositions + 8);
    }

    [Fact]
    public void What_was_not_used_for_longest_makes_room_for_what_is_asked_now()
    {
        using BatchLoop loop = NewLoop(slots: 1, context: 96); // six blocks
        for (int text = 1; text < 12; text++)
        {
            long drafted = loop.Counters.Drafted;
            Run(loop, Request([.. Enumerable.Repeat(text, 40), text]) with { MaxTokens = 30 });
            Assert.True(loop.Counters.Drafted > drafted);
        }

        int read = _draft.StepPositions!.Count;
        Run(loop, Request([.. Enumerable.Repeat(11, 40), 4]) with { MaxTokens = 30 });
        Assert.DoesNotContain(0, Read(read));
        Run(loop, Request([.. Enumerable.Repeat(1, 40), 4]) with { MaxTokens = 30 });
        Assert.Contains(0, Read(read));
        Assert.Equal(loop.Counters.Drafted, loop.Counters.DraftedRight);
    }

    /// <summary>The model is its own draft and takes the best token: a guess that is wrong is one from keys and values that are another text's.</summary>
    [Fact]
    public void Whatever_is_shared_with_whomever_no_guess_is_wrong()
    {
        var random = new Random(5);
        long drafted = 0, putBack = 0;
        for (int round = 0; round < 150; round++)
        {
            int slots = 1 + random.Next(5), context = 80 + random.Next(200);
            var draft = new RememberingModel { StepPositions = null };
            using var loop = new BatchLoop(
                new RememberingModel { StepPositions = null }.Model(context) with { Draft = draft.Draft(slots, context - random.Next(40)) with { DependsOnPhase = random.Next(2) == 0 } },
                new BatchLimits(slots, Queue: 12, StepTokens: slots + random.Next(60)) { Guesses = 1 + random.Next(8) },
                RememberingModel.NewCache(blocks: KvCache.BlocksFor(context) + random.Next(6)),
                static () => 3,
                new HandClock());
            var asked = new List<(GenerationRequest Request, ChannelReader<GenerationEvent> Events, CancellationTokenSource Cancel)>();
            for (int i = 0; i < 10; i++)
            {
                int length = 1 + random.Next(context / 2), differs = random.Next(length), by = random.Next(3);
                GenerationRequest request = Request([.. Enumerable.Range(0, length).Select(n => (n * n % 7) + (n >= differs ? by : 0))]) with
                {
                    MaxTokens = 1 + random.Next(context / 3), Choices = 1 + random.Next(Math.Min(2, slots)), PrefixScope = random.Next(3) == 0 ? "other" : "one",
                };
                var cancel = new CancellationTokenSource();
                Assert.True(loop.TryStart(request, cancel.Token, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
                asked.Add((request, events, cancel));
                for (int step = random.Next(12); step > 0; step--)
                    loop.Step();
                if (random.Next(5) == 0)
                    asked[random.Next(asked.Count)].Cancel.Cancel();
            }

            Turn(loop);
            foreach ((GenerationRequest request, ChannelReader<GenerationEvent> events, CancellationTokenSource cancel) in asked)
            {
                if (!cancel.IsCancellationRequested)
                    Check(request, events);
                cancel.Dispose();
            }

            GenerationCounters counters = loop.Counters;
            Assert.Equal(counters.Drafted, counters.DraftedRight);
            (drafted, putBack) = (drafted + counters.Drafted, putBack + counters.PutBack);
        }

        Assert.True(drafted > 1000 && putBack > 20, $"{drafted} drafted, {putBack} put back");
    }

    private BatchLoop NewLoop(int slots = 3, int context = 512, bool dependsOnPhase = false) => new(
        new RememberingModel { StepPositions = null }.Model(context) with { Draft = _draft.Draft(slots, context) with { DependsOnPhase = dependsOnPhase } },
        new BatchLimits(slots, Queue: 8, StepTokens: 512) { Guesses = 8 },
        RememberingModel.NewCache(blocks: 8 * KvCache.BlocksFor(context)),
        static () => 3,
        new HandClock());

    /// <summary>The positions that the draft has read since so many of its passes.</summary>
    private int[] Read(int passes = 0) => [.. _draft.StepPositions!.Skip(passes).SelectMany(static positions => positions)];

    private static int[] Prompt(int length, int end) => [.. Enumerable.Range(0, length).Select(static n => n * n * n % RememberingModel.Vocabulary), end, end + 3, end + 5, end + 11];

    private static GenerationRequest Request(int[] prompt) => new() { Prompt = [.. prompt], MaxTokens = 60, Sampling = new SamplingSettings { Temperature = 0 } };

    private static int[] Run(BatchLoop loop, GenerationRequest request)
    {
        ChannelReader<GenerationEvent> events = Start(loop, request);
        Turn(loop);
        return Check(request, events);
    }

    private static ChannelReader<GenerationEvent> Start(BatchLoop loop, GenerationRequest request)
    {
        Assert.True(loop.TryStart(request, default, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
        return events;
    }

    private static void Turn(BatchLoop loop)
    {
        while (loop.Step())
        {
        }
    }

    /// <summary>Every choice says what it would say without a draft and alone; what that is.</summary>
    private static int[] Check(GenerationRequest request, ChannelReader<GenerationEvent> events)
    {
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.IsType<GenerationEvent.Ended>(answers.Events[^1]);
        int[] expected = RememberingModel.Continue(request, 3, 0, request.MaxTokens!.Value);
        for (int choice = 0; choice < request.Choices; choice++)
            Assert.Equal(expected, answers.Ids(choice));
        return expected;
    }
}
