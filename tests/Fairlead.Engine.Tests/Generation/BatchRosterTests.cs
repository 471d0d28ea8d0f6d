using System.Threading.Channels;
using Fairlead.Engine.Generation;
using static Fairlead.Engine.Tests.Generation.TurnedLoop;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>How answers leave and give way: taken back, put back for want of room, begun when there is some.</summary>
public sealed class BatchRosterTests
{
    [Fact]
    public void A_cancelled_request_has_no_further_row_in_any_step_and_its_blocks_come_back()
    {
        var model = new RememberingModel();
        using BatchLoop loop = New(model, Usual);
        using var cancel = new CancellationTokenSource();
        (GenerationRequest staying, ChannelReader<GenerationEvent> stays) = Start(loop, Request(1, prompt: 3, max: 30));
        Assert.True(loop.TryStart(Request(2, prompt: 100, max: 90) with { Choices = 2 }, cancel.Token, out ChannelReader<GenerationEvent>? goes, out _));
        Run(loop, turns: 8);
        Assert.Equal(3, loop.Counters.Running);
        cancel.Cancel();
        loop.Step();
        Assert.Equal([10], model.StepPositions![^1]); // the one that stays, alone: 3 of the prompt and the eighth token
        var answers = new Answers();
        Assert.True(answers.Drain(goes));
        Assert.Equal(FinishReason.Cancelled, answers.End(0).Reason);
        Assert.Equal(FinishReason.Cancelled, answers.End(1).Reason);
        Assert.Equal(answers.Ids(0).Length + answers.Ids(1).Length, answers.Whole.CompletionTokens);

        RunToEnd(loop);
        AssertAnswer(staying, stays);
        AssertNothingIsHeld(loop);
    }

    [Fact]
    public void When_the_cache_runs_out_the_youngest_is_put_back_and_goes_on_later_with_the_same_text()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual, blocks: 12);
        (GenerationRequest Request, ChannelReader<GenerationEvent> Events)[] started =
            [.. Enumerable.Range(0, 4).Select(i => Start(loop, Request(i, prompt: 20, max: 80)))]; // 7 blocks each at their end
        RunToEnd(loop);
        Assert.InRange(loop.Counters.PutBack, 1, 100);
        foreach ((GenerationRequest request, ChannelReader<GenerationEvent> events) in started)
            AssertAnswer(request, events);
        AssertNothingIsHeld(loop);
    }

    [Fact]
    public void A_prompt_waits_while_it_would_take_the_block_that_a_running_answer_needs_next()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual, blocks: 3);
        Start(loop, Request(1, prompt: 10, max: 10)); // needs its second block at position 16
        Start(loop, Request(2, prompt: 30, max: 2));
        Run(loop, turns: 2);
        Assert.Equal((1, 1), (loop.Counters.Running, loop.Counters.Waiting));
        RunToEnd(loop);
        Assert.Equal((2, 0), (loop.Counters.Ended, loop.Counters.PutBack));
    }
}
