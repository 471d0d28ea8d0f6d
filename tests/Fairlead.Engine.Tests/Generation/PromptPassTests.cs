using System.Threading.Channels;
using Fairlead.Engine.Generation;
using static Fairlead.Engine.Tests.Generation.TurnedLoop;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>Prompts that go through one layer of four in each step, and then to their scores, on a clock that leaves no time for more.</summary>
public sealed class PromptPassTests
{
    private const int Layers = 4;

    private static readonly BatchLimits Hasty = Usual with { Stall = TimeSpan.FromMilliseconds(100) };

    private readonly List<int> _layers = [];

    [Fact]
    public void An_answer_has_its_token_in_each_step_while_a_prompt_is_on_its_way()
    {
        RememberingModel model = Model();
        using BatchLoop loop = NewLoop(model);
        (GenerationRequest writing, ChannelReader<GenerationEvent> writes) = Start(loop, Request(1, prompt: 3, max: 60));
        Run(loop, Layers + 1);
        (GenerationRequest reading, ChannelReader<GenerationEvent> reads) = Start(loop, Request(2, prompt: 70, max: 5));
        _layers.Clear();
        var answers = new Answers();
        answers.Drain(writes);
        for (int step = 1; step <= (4 * Layers) + 1; step++) // the last piece has scores
        {
            Assert.False(reads.TryPeek(out _));
            loop.Step();
            answers.Drain(writes);
            Assert.Equal(1 + step, answers.Ids().Length);
        }

        Assert.Equal([.. Enumerable.Repeat(32, Layers), .. Enumerable.Repeat(16, 2 * Layers), .. Enumerable.Repeat(6, Layers)], _layers); // what there is room for, then a block for each pass
        Assert.True(reads.TryPeek(out _));
        RunToEnd(loop);
        Assert.True(answers.Drain(writes));
        Assert.Equal(Expected(writing), answers.Ids());
        AssertAnswer(reading, reads);
        AssertNothingIsHeld(loop);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_prompt_that_is_taken_back_on_its_way_leaves_the_others_alone(int which)
    {
        RememberingModel model = Model();
        using BatchLoop loop = NewLoop(model);
        using var cancel = new CancellationTokenSource();
        GenerationRequest[] requests = [.. Enumerable.Range(0, 3).Select(i => Request(i, prompt: 5 + i, max: 10))];
        var reading = new List<ChannelReader<GenerationEvent>>();
        for (int i = 0; i < 3; i++)
        {
            Assert.True(loop.TryStart(requests[i], i == which ? cancel.Token : default, out ChannelReader<GenerationEvent>? events, out _));
            reading.Add(events);
        }

        Run(loop, turns: 2);
        cancel.Cancel();
        Run(loop, turns: 2);
        Assert.Equal([18, 18, 13 - which, 13 - which], _layers);
        RunToEnd(loop);
        var gone = new Answers();
        Assert.True(gone.Drain(reading[which]));
        Assert.Equal((FinishReason.Cancelled, 0), (gone.End().Reason, gone.Ids().Length));
        for (int i = 0; i < 3; i++)
        {
            if (i != which)
                AssertAnswer(requests[i], reading[i]);
        }

        AssertNothingIsHeld(loop);
    }

    [Fact]
    public void A_prompt_that_gives_its_room_to_an_older_answer_on_its_way_is_read_again()
    {
        RememberingModel model = Model();
        using BatchLoop loop = NewLoop(model, blocks: 5);
        (GenerationRequest old, ChannelReader<GenerationEvent> writes) = Start(loop, Request(1, prompt: 14, max: 50));
        Run(loop, Layers); // its first token: the second block is not its own yet
        (GenerationRequest young, ChannelReader<GenerationEvent> reads) = Start(loop, Request(2, prompt: 40, max: 10));
        RunToEnd(loop);
        Assert.True(loop.Counters.PutBack > 0);
        AssertAnswer(old, writes);
        AssertAnswer(young, reads);
        AssertNothingIsHeld(loop);
    }

    [Fact]
    public void A_layer_that_fails_ends_whoever_was_on_the_way_and_the_next_prompt_is_read()
    {
        int layers = 0;
        RememberingModel model = Model(_ =>
        {
            if (++layers == 3)
                throw new InvalidOperationException("out of cheese");
        });
        using BatchLoop loop = NewLoop(model);
        (_, ChannelReader<GenerationEvent> events) = Start(loop, Request(1, prompt: 9, max: 5));
        Run(loop, turns: 3);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Contains("out of cheese", answers.Failure, StringComparison.Ordinal);
        (GenerationRequest next, events) = Start(loop, Request(2, prompt: 9, max: 5));
        RunToEnd(loop);
        AssertAnswer(next, events);
        AssertNothingIsHeld(loop);
    }

    [Fact]
    public void A_choice_that_fails_takes_another_of_its_request_from_the_way()
    {
        int tokens = 0;
        var pass = new StepPass(static (_, _, scores) => scores.Clear(), RememberingModel.Vocabulary, Layers);
        BatchModel model = new(
            static (_, _, scores) => scores.Clear(), pass, RememberingModel.Vocabulary, 4096, [],
            _ => new AnswerDecoder(_ => ++tokens == 3 ? throw new InvalidOperationException("out of cheese") : "a", static () => "")) { DependsOnPhase = true };
        using var loop = new BatchLoop(model, Hasty, RememberingModel.NewCache(16), static () => 99, new HastyClock());
        (_, ChannelReader<GenerationEvent> events) = Start(loop, Request(2, prompt: 9, max: 5) with { Choices = 2, ContinuesPrompt = false });
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Contains("the answer cannot go on: out of cheese", answers.Failure, StringComparison.Ordinal);
        Assert.Equal(1, pass.Removed); // the second choice's last token of the prompt
        AssertNothingIsHeld(loop);
    }

    private static BatchLoop NewLoop(RememberingModel model, int blocks = 64) =>
        new(model.Model(), Hasty, RememberingModel.NewCache(blocks), static () => 99, new HastyClock());

    private RememberingModel Model(Action<int>? before = null) => new()
    {
        Layers = (Layers, rows =>
        {
            _layers.Add(rows);
            before?.Invoke(rows);
        }),
    };
}
