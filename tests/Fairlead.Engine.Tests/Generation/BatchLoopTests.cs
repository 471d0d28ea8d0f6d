using System.Threading.Channels;
using Fairlead.Engine.Generation;
using Fairlead.Shared;
using static Fairlead.Engine.Tests.Generation.TurnedLoop;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>The loop turned by hand, one step after the other, over a model that answers differently when a single token in a block is wrong: who is answered, whatever else is.</summary>
public sealed class BatchLoopTests
{
    [Fact]
    public void Requests_that_join_and_leave_at_any_step_get_the_answer_they_get_alone()
    {
        var model = new RememberingModel();
        using BatchLoop loop = New(model, Usual);
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => Request(i, prompt: 3 + (i * 13 % 70), max: 5 + (i * 7 % 40)))];
        var running = new List<(GenerationRequest Request, ChannelReader<GenerationEvent> Events, Answers Answers)>();
        int next = 0;
        for (int turn = 0; next < requests.Length || loop.Counters.Ended < requests.Length; turn++)
        {
            if (turn % 3 == 0 && next < requests.Length && loop.TryStart(requests[next], CancellationToken.None, out ChannelReader<GenerationEvent>? events, out _))
                running.Add((requests[next++], events, new Answers()));
            loop.Step();
        }

        foreach ((GenerationRequest request, ChannelReader<GenerationEvent> events, Answers answers) in running)
        {
            Assert.True(answers.Drain(events));
            int[] expected = Expected(request);
            Assert.Equal(expected, answers.Ids());
            Assert.Equal(RememberingModel.Text(expected), answers.Text());
            Assert.Equal((FinishReason.Length, request.MaxTokens), (answers.End().Reason, answers.End().CompletionTokens));
            Assert.Equal((request.Prompt.Length, request.MaxTokens, request.Sampling.Seed), (answers.Whole.PromptTokens, answers.Whole.CompletionTokens, answers.Whole.Seed));
        }

        AssertNothingIsHeld(loop);
    }

    [Fact]
    public void A_long_prompt_holds_the_others_up_by_no_more_than_one_bounded_step()
    {
        var model = new RememberingModel();
        using BatchLoop loop = New(model, Usual);
        (_, ChannelReader<GenerationEvent> writing) = Start(loop, Request(1, prompt: 3, max: 50));
        loop.Step();
        (_, ChannelReader<GenerationEvent> reading) = Start(loop, Request(2, prompt: 300, max: 5));
        (_, ChannelReader<GenerationEvent> late) = Start(loop, Request(3, prompt: 10, max: 5));
        var answers = new Answers();
        answers.Drain(writing);
        for (int step = 2; step <= 10; step++)
        {
            loop.Step();
            answers.Drain(writing);
            Assert.Equal(step, answers.Ids().Length); // a token in every step
            Assert.InRange(model.StepPositions![^1].Length, 1, 32);
        }

        Assert.True(late.TryPeek(out _)); // and the short prompt did not wait for the long one
        Assert.False(reading.TryPeek(out _));
    }

    [Fact]
    public void Beside_an_answer_a_prompt_gets_as_far_as_the_stated_time_allows_and_alone_five_times_as_far()
    {
        // A machine on which answers take 20 ms, a row of a prompt 1 ms, and reading prompts at all 40: 5 ms of it in each of eight layers.
        var clock = new HandClock();
        int layers = 0;
        var model = new RememberingModel
        {
            Layers = (8, rows =>
            {
                layers++;
                clock.Advance(TimeSpan.FromMilliseconds(5 + (rows / 8.0)));
            }),
            BeforeStep = _ =>
            {
                bool isPrompt = layers == 8; // through all of them: this writes what they remember
                clock.Advance(TimeSpan.FromMilliseconds(isPrompt ? 0 : 20));
                layers = isPrompt ? 0 : layers;
            },
        };
        var limits = new BatchLimits(Slots: 4, Queue: 8, StepTokens: 512) { Stall = TimeSpan.FromMilliseconds(100) };
        using var loop = new BatchLoop(model.Model(), limits, RememberingModel.NewCache(256), static () => 99, clock);
        GenerationRequest alone = Request(1, prompt: 900, max: 80);
        (_, ChannelReader<GenerationEvent> first) = Start(loop, alone);
        Assert.InRange(Milliseconds(), 60, 110); // 64 rows while nothing is known
        Assert.InRange(Milliseconds(), 250, 500);
        while (!first.TryPeek(out _))
            loop.Step();

        GenerationRequest late = Request(2, prompt: 1500, max: 3);
        (_, ChannelReader<GenerationEvent> second) = Start(loop, late);
        model.StepPositions!.Clear();
        var steps = new List<double>();
        while (!second.TryPeek(out _))
            steps.Add(Milliseconds());
        Assert.All(steps, static took => Assert.InRange(took, 20, 100));
        Assert.InRange(steps.Average(), 75, 100);
        Assert.InRange(model.StepPositions.Max(static positions => positions.Length), 80, 200); // a pass of two to four steps
        RunToEnd(loop);
        AssertAnswer(alone, first);
        AssertAnswer(late, second);
        AssertNothingIsHeld(loop);

        double Milliseconds()
        {
            long before = clock.GetTimestamp();
            loop.Step();
            return clock.GetElapsedTime(before).TotalMilliseconds;
        }
    }

    [Fact]
    public void A_model_that_fails_ends_what_was_running_with_its_reason_and_the_next_request_is_answered()
    {
        var model = new RememberingModel { BeforeStep = static step => { if (step == 4) throw new InvalidOperationException("out of cheese"); } };
        using BatchLoop loop = New(model, Usual);
        (_, ChannelReader<GenerationEvent> events) = Start(loop, Request(1, prompt: 40, max: 50) with { Choices = 2 });
        Run(loop, turns: 4);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Contains("out of cheese", answers.Failure, StringComparison.Ordinal);
        (GenerationRequest next, events) = Start(loop, Request(2, prompt: 40, max: 10));
        RunToEnd(loop);
        AssertAnswer(next, events);
        AssertNothingIsHeld(loop);
        Assert.Equal((1, 2), (loop.Counters.Failed, loop.Counters.Ended));
    }

    [Fact]
    public void Unloading_ends_every_request_and_refuses_the_next()
    {
        BatchLoop loop = New(new RememberingModel(), Usual with { Slots = 1 });
        (_, ChannelReader<GenerationEvent> running) = Start(loop, Request(1, prompt: 4, max: 50));
        loop.Step();
        (_, ChannelReader<GenerationEvent> waiting) = Start(loop, Request(2, prompt: 4, max: 50));
        loop.Dispose();
        foreach (ChannelReader<GenerationEvent> events in (ChannelReader<GenerationEvent>[])[running, waiting])
        {
            var answers = new Answers();
            Assert.True(answers.Drain(events));
            Assert.Contains("unloaded", answers.Failure, StringComparison.Ordinal);
        }

        Assert.False(loop.TryStart(Request(3, prompt: 4, max: 5), CancellationToken.None, out _, out GenerationRefusal? refusal));
        Assert.Equal(RefusalReason.Closed, refusal.Reason);
    }

    /// <summary>What remains for each token of each answer: its <see cref="GenerationEvent.Piece"/> (40 bytes) and the array of its one token (48).</summary>
    [Fact]
    public void Steady_decoding_allocates_the_events_and_nothing_else()
    {
        var model = new RememberingModel { StepPositions = null };
        using BatchLoop loop = New(model, Usual, blocks: 256);
        var readers = new List<ChannelReader<GenerationEvent>>();
        for (int i = 0; i < 4; i++)
        {
            GenerationRequest request = Request(i, prompt: 20, max: 600);
            readers.Add(Start(loop, request with { Sampling = request.Sampling with { TopP = 0.9f, RepetitionPenalty = 1.1f, TopK = 20 }, Stop = ["never said"] }).Events);
        }

        Turn(200);
        Assert.InRange(Allocation.Of(() => Turn(70)), 0, 70 * 4 * 88);
        Assert.Equal(4, loop.Counters.Running);

        void Turn(int steps)
        {
            for (int step = 0; step < steps; step++)
            {
                loop.Step();
                foreach (ChannelReader<GenerationEvent> events in readers)
                {
                    while (events.TryRead(out _))
                        continue;
                }
            }
        }
    }
}
