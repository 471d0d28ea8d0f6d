using System.Threading.Channels;
using Fairlead.Engine.Generation;
using static Fairlead.Engine.Tests.Generation.TurnedLoop;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>What is taken on, what has to wait for its turn, and what is refused in words.</summary>
public sealed class RequestIntakeTests
{
    [Fact]
    public void A_full_queue_refuses_with_its_length_and_takes_on_again_when_there_is_room()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual with { Slots = 1, Queue = 2 });
        Start(loop, Request(1, prompt: 3, max: 2));
        Start(loop, Request(2, prompt: 3, max: 2));
        Assert.False(loop.TryStart(Request(3, prompt: 3, max: 2), CancellationToken.None, out _, out GenerationRefusal? refusal));
        Assert.Equal(RefusalReason.QueueFull, refusal.Reason);
        Assert.Contains("2 requests wait", refusal.Message, StringComparison.Ordinal);
        loop.Step();
        Start(loop, Request(3, prompt: 3, max: 2));
        RunToEnd(loop);
        Assert.Equal(3, loop.Counters.Ended);
    }

    [Fact]
    public void A_request_cancelled_while_it_waits_never_begins()
    {
        var model = new RememberingModel();
        using BatchLoop loop = New(model, Usual with { Slots = 1 });
        using var cancel = new CancellationTokenSource();
        Start(loop, Request(1, prompt: 3, max: 5));
        Assert.True(loop.TryStart(Request(2, prompt: 200, max: 5), cancel.Token, out ChannelReader<GenerationEvent>? events, out _));
        loop.Step();
        cancel.Cancel();
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal((FinishReason.Cancelled, 0), (answers.End().Reason, answers.Whole.CompletionTokens));
        Assert.All(model.StepPositions!, static positions => Assert.All(positions, static position => Assert.InRange(position, 0, 7)));
    }

    [Fact]
    public void A_prompt_that_does_not_fit_is_refused_with_the_numbers_and_an_answer_is_cut_to_the_room_that_is_left()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual, contextLength: 100);
        Assert.False(loop.TryStart(Request(1, prompt: 100, max: 1), CancellationToken.None, out _, out GenerationRefusal? refusal));
        Assert.Equal(RefusalReason.ContextTooLong, refusal.Reason);
        Assert.Contains("100 tokens", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("99 tokens or fewer", refusal.Message, StringComparison.Ordinal);

        GenerationRequest request = Request(1, prompt: 90, max: 1000);
        (_, ChannelReader<GenerationEvent> events) = Start(loop, request);
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal((FinishReason.Length, 10), (answers.End().Reason, answers.End().CompletionTokens));

        using BatchLoop small = New(new RememberingModel(), Usual, blocks: 3);
        Assert.Equal(48, small.ContextLimit);
        Assert.False(small.TryStart(Request(1, prompt: 48, max: 1), CancellationToken.None, out _, out refusal));
        Assert.Contains("holds 48", refusal.Message, StringComparison.Ordinal);
        (GenerationRequest whole, events) = Start(small, Request(1, prompt: 40, max: 8));
        RunToEnd(small);
        AssertAnswer(whole, events);
    }

    [Fact]
    public void What_cannot_be_carried_out_is_refused_in_words()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual);
        GenerationRequest good = Request(1, prompt: 4, max: 5);
        (GenerationRequest Request, string Words)[] bad =
        [
            (good with { Prompt = [] }, "no tokens"),
            (good with { Prompt = [1, 29] }, "token 29"),
            (good with { Prompt = [-1] }, "token -1"),
            (good with { MaxTokens = 0 }, "max_tokens is 0"),
            (good with { Choices = 5 }, "n is 5"),
            (good with { TopLogprobs = 3 }, "needs logprobs"),
            (good with { Logprobs = true, TopLogprobs = 21 }, "top_logprobs is 21"),
            (good with { Stop = [""] }, "stop string"),
            (good with { Stop = ["\ud800"] }, "half a character"),
            (good with { Stop = [.. Enumerable.Repeat("x", 17)] }, "17 strings"),
            (good with { EndTokens = [99] }, "end token 99"),
            (good with { Sampling = new() { TopP = 2 } }, "top_p"),
        ];
        foreach ((GenerationRequest request, string words) in bad)
        {
            Assert.False(loop.TryStart(request, CancellationToken.None, out _, out GenerationRefusal? refusal));
            Assert.Equal(RefusalReason.Invalid, refusal.Reason);
            Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        }
    }
}
