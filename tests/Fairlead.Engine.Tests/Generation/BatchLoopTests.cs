using System.Threading.Channels;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>The loop turned by hand, one step after the other, over a model that answers differently when a single token in a block is wrong.</summary>
public sealed class BatchLoopTests
{
    private static readonly BatchLimits Usual = new(Slots: 4, Queue: 8, StepTokens: 32);

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
    public void Beside_an_answer_a_prompt_gets_as_many_rows_as_the_stated_time_has_room_for_and_alone_many()
    {
        // A machine on which a step takes 20 ms and each row 1 ms more.
        var clock = new HandClock();
        var model = new RememberingModel();
        BatchModel plain = model.Model();
        BatchModel timed = plain with
        {
            Step = (rows, cache, logits) =>
            {
                plain.Step(rows, cache, logits);
                clock.Advance(TimeSpan.FromMilliseconds(20 + rows.Length));
            },
        };
        var limits = new BatchLimits(Slots: 4, Queue: 8, StepTokens: 512) { Stall = TimeSpan.FromMilliseconds(100) };
        using var loop = new BatchLoop(timed, limits, RememberingModel.NewCache(256), static () => 99, clock);
        GenerationRequest alone = Request(1, prompt: 600, max: 80);
        (_, ChannelReader<GenerationEvent> first) = Start(loop, alone);
        Run(loop, turns: 2);
        Assert.InRange(model.StepPositions![^1].Length, 300, 400); // 64 rows, and then half a second of them
        Run(loop, turns: 10);
        GenerationRequest late = Request(2, prompt: 1500, max: 3);
        (_, ChannelReader<GenerationEvent> second) = Start(loop, late);
        model.StepPositions.Clear();
        RunToEnd(loop);
        int[] mixed = [.. model.StepPositions.Select(static positions => positions.Length).TakeWhile(static rows => rows > 3)];
        Assert.All(mixed[..^1], static rows => Assert.InRange(rows, 16, 85)); // 100 ms are 80 rows
        Assert.All(mixed[5..^1], static rows => Assert.InRange(rows, 70, 85));
        AssertAnswer(alone, first);
        AssertAnswer(late, second);
        AssertNothingIsHeld(loop);
    }

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
    public void Choices_share_the_prompts_full_blocks_and_differ_as_their_chance_does()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual);
        GenerationRequest request = Request(5, prompt: 70, max: 20) with { Choices = 4 };
        (_, ChannelReader<GenerationEvent> events) = Start(loop, request);
        Run(loop, turns: 5); // 32 + 32 + 6 tokens, then the others' rests
        Assert.Equal(4, loop.Counters.Running);
        // The four full blocks of the prompt once, and one of its own for each choice.
        Assert.Equal(loop.Counters.Blocks - 4 - 4, loop.Counters.FreeBlocks + loop.Counters.KeptBlocks);
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        for (int choice = 0; choice < 4; choice++)
            Assert.Equal(RememberingModel.Continue(request, request.Sampling.Seed ?? 0, choice, 20), answers.Ids(choice));
        Assert.Equal(4, Enumerable.Range(0, 4).Select(answers.Text).Distinct().Count());
        Assert.Equal((70, 0, 80), (answers.Whole.PromptTokens, answers.Whole.CachedTokens, answers.Whole.CompletionTokens));
        AssertNothingIsHeld(loop);
    }

    [Fact]
    public void A_prompt_that_begins_like_an_earlier_text_reads_only_the_rest_and_answers_the_same()
    {
        var model = new RememberingModel();
        using BatchLoop loop = New(model, Usual);
        GenerationRequest first = Request(1, prompt: 40, max: 30);
        (_, ChannelReader<GenerationEvent> events) = Start(loop, first);
        RunToEnd(loop);
        int[] answer = AssertAnswer(first, events).Ids();

        // Prompt and answer of the first make 70 tokens, of which 69 were read: four full blocks.
        GenerationRequest second = Request(2, prompt: 1, max: 10) with { Prompt = [.. first.Prompt, .. answer, 1, 2, 3] };
        (_, events) = Start(loop, second);
        model.StepPositions!.Clear();
        RunToEnd(loop);
        Assert.Equal(64, AssertAnswer(second, events).Whole.CachedTokens);
        Assert.Equal(Enumerable.Range(64, 9), model.StepPositions![0]);

        // Exactly the full blocks: the last token is read again all the same, into a copy of its block.
        GenerationRequest third = first with { Prompt = [.. first.Prompt.Take(32)] };
        (_, events) = Start(loop, third);
        RunToEnd(loop);
        Assert.Equal(31, AssertAnswer(third, events).Whole.CachedTokens);

        (_, events) = Start(loop, first with { PrefixScope = "another tenant" });
        RunToEnd(loop);
        Assert.Equal(0, AssertAnswer(first, events).Whole.CachedTokens);
        AssertNothingIsHeld(loop);
    }

    [Theory]
    [InlineData(40, 23)] // within a block that the other has filled
    [InlineData(40, 35)] // within the one it has begun
    [InlineData(10, 7)] // and where there is nothing before it
    [InlineData(40, 32)] // at the edge of one
    public void A_prompt_that_leaves_another_in_the_middle_of_a_block_reads_on_from_there_and_changes_neither_answer(int length, int agreeing)
    {
        var model = new RememberingModel();
        using BatchLoop loop = New(model, Usual with { StepTokens = 128 });
        (GenerationRequest first, ChannelReader<GenerationEvent> running) = Start(loop, Request(1, length, max: 60));
        Run(loop, turns: 3);
        int other = (first.Prompt[agreeing] + 1) % RememberingModel.Vocabulary;
        GenerationRequest second = Request(2, prompt: 1, max: 10) with { Prompt = [.. first.Prompt.Take(agreeing), other, 3, 4, 5] };
        model.StepPositions!.Clear();
        (_, ChannelReader<GenerationEvent> leaving) = Start(loop, second);
        (_, ChannelReader<GenerationEvent> stranger) = Start(loop, second with { PrefixScope = "another tenant" });
        loop.Step();
        Assert.Equal([.. Enumerable.Range(agreeing, 4), .. Enumerable.Range(0, agreeing + 4)], model.StepPositions[^1][1..].Take(agreeing + 8));
        RunToEnd(loop);
        AssertAnswer(first, running);
        Assert.Equal(agreeing, AssertAnswer(second, leaving).Whole.CachedTokens);
        Assert.Equal(0, AssertAnswer(second, stranger).Whole.CachedTokens);
        AssertNothingIsHeld(loop);
    }

    [Fact]
    public void Further_choices_read_nothing_of_the_prompt_but_its_last_token()
    {
        var model = new RememberingModel();
        using BatchLoop loop = New(model, Usual);
        GenerationRequest request = Request(5, prompt: 70, max: 20) with { Choices = 4 };
        (_, ChannelReader<GenerationEvent> events) = Start(loop, request);
        Run(loop, turns: 4); // 32 + 32 + 6, then the others
        Assert.Equal([70, 69, 69, 69], model.StepPositions![^1]);
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        for (int choice = 0; choice < 4; choice++)
            Assert.Equal(RememberingModel.Continue(request, request.Sampling.Seed ?? 0, choice, 20), answers.Ids(choice));
        AssertNothingIsHeld(loop);
    }

    [Fact]
    public void Two_that_read_the_same_prompt_at_the_same_time_keep_one_copy_of_it()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual);
        GenerationRequest request = Request(5, prompt: 70, max: 20);
        (_, ChannelReader<GenerationEvent> one) = Start(loop, request);
        (_, ChannelReader<GenerationEvent> two) = Start(loop, request);
        Run(loop, turns: 6);
        Assert.Equal(2, loop.Counters.Running);
        Assert.Equal(4 + 1 + 1, loop.Counters.Blocks - loop.Counters.FreeBlocks - loop.Counters.KeptBlocks);
        RunToEnd(loop);
        Assert.Equal(0, AssertAnswer(request, one).Whole.CachedTokens);
        Assert.Equal(0, AssertAnswer(request, two).Whole.CachedTokens);
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
    public void An_end_token_ends_the_answer_without_being_told_and_a_stop_string_without_any_of_its_text()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual);
        GenerationRequest free = Request(3, prompt: 5, max: 40);
        int[] whole = Expected(free);
        int end = whole[12];
        int first = Array.IndexOf(whole, end);
        (_, ChannelReader<GenerationEvent> events) = Start(loop, free with { EndTokens = [end] });
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal(whole[..first], answers.Ids());
        Assert.Equal((FinishReason.Stop, end, first + 1), (answers.End().Reason, answers.End().EndToken, answers.End().CompletionTokens));

        string stop = RememberingModel.Text(whole[20..23]);
        int at = RememberingModel.Text(whole).IndexOf(stop, StringComparison.Ordinal);
        (_, events) = Start(loop, free with { Stop = [stop, "never" + stop] });
        RunToEnd(loop);
        answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal(whole[..at], answers.Ids());
        Assert.Equal(RememberingModel.Text(whole[..at]), answers.Text());
        Assert.Equal((FinishReason.Stop, stop, at + 3), (answers.End().Reason, answers.End().Stop, answers.End().CompletionTokens));

        (_, events) = Start(loop, free with { EndTokens = [end], MinTokens = 40 });
        RunToEnd(loop);
        answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal((FinishReason.Length, 40), (answers.End().Reason, answers.Ids().Length));
        Assert.DoesNotContain(end, answers.Ids());
    }

    [Fact]
    public void Log_probabilities_are_the_models_own_whatever_penalties_and_temperature_do()
    {
        using BatchLoop loop = New(new RememberingModel(), Usual);
        GenerationRequest request = Request(4, prompt: 20, max: 25) with { Logprobs = true, TopLogprobs = 5 };
        request = request with { Sampling = request.Sampling with { FrequencyPenalty = 1, LogitBias = [(3, 5)], Temperature = 1.4f, TopP = 0.9f } };
        (_, ChannelReader<GenerationEvent> events) = Start(loop, request);
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        List<int> before = [.. request.Prompt];
        Assert.Equal(Expected(request), answers.Ids());
        foreach (AnswerToken token in answers.Tokens())
        {
            AssertLogprobs(before, token, top: 5);
            before.Add(token.Id);
        }
    }

    [Fact]
    public void An_echoed_prompt_comes_first_with_its_text_and_log_probabilities()
    {
        var model = new RememberingModel();
        using BatchLoop loop = New(model, Usual);
        GenerationRequest request = Request(6, prompt: 50, max: 4) with { Echo = true, Logprobs = true, TopLogprobs = 2, Choices = 2 };
        Start(loop, request); // so that there is a prefix that must not be taken
        RunToEnd(loop);
        (_, ChannelReader<GenerationEvent> events) = Start(loop, request);
        RunToEnd(loop);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        for (int choice = 0; choice < 2; choice++)
        {
            AnswerToken[] tokens = answers.Tokens(choice);
            int[] expected = [.. request.Prompt, .. RememberingModel.Continue(request, 6, choice, 4)];
            Assert.Equal(expected, tokens.Select(static token => token.Id));
            Assert.Equal(RememberingModel.Text(expected), answers.Text(choice));
            Assert.Null(tokens[0].Logprob);
            for (int i = 1; i < tokens.Length; i++)
                AssertLogprobs(expected[..i], tokens[i], top: 2);
        }

        (_, events) = Start(loop, request with { MaxTokens = 0, Choices = 1, Logprobs = false, TopLogprobs = 0 });
        RunToEnd(loop);
        answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal((RememberingModel.Text(request.Prompt), FinishReason.Length, 0), (answers.Text(), answers.End().Reason, answers.Whole.CompletionTokens));
        AssertNothingIsHeld(loop);
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

    private static BatchLoop New(RememberingModel model, BatchLimits limits, int blocks = 64, int contextLength = 4096) =>
        new(model.Model(contextLength), limits, RememberingModel.NewCache(blocks), static () => 99);

    /// <summary>Prompts of requests differ from their first token on, so none finds another's blocks unless a test wants that.</summary>
    private static GenerationRequest Request(int kind, int prompt, int max) => new()
    {
        Prompt = [.. Enumerable.Range(0, prompt).Select(i => ((kind * 5) + (i * i) + (i * kind)) % RememberingModel.Vocabulary)],
        MaxTokens = max,
        Sampling = new SamplingSettings { Temperature = kind % 2, Seed = (ulong)kind, PresencePenalty = kind % 3 * 0.5f },
    };

    private static int[] Expected(GenerationRequest request) =>
        RememberingModel.Continue(request, request.Sampling.Seed ?? 0, choice: 0, request.MaxTokens ?? 0);

    private static (GenerationRequest Request, ChannelReader<GenerationEvent> Events) Start(BatchLoop loop, GenerationRequest request)
    {
        Assert.True(loop.TryStart(request, CancellationToken.None, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
        return (request, events);
    }

    private static void Run(BatchLoop loop, int turns)
    {
        for (int turn = 0; turn < turns; turn++)
            Assert.True(loop.Step());
    }

    private static void RunToEnd(BatchLoop loop)
    {
        for (int turn = 0; loop.Step(); turn++)
            Assert.InRange(turn, 0, 10_000);
    }

    private static Answers AssertAnswer(GenerationRequest request, ChannelReader<GenerationEvent> events)
    {
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal(Expected(request), answers.Ids());
        return answers;
    }

    private static void AssertLogprobs(IEnumerable<int> before, AnswerToken token, int top)
    {
        var scores = new float[RememberingModel.Vocabulary];
        RememberingModel.Score(RememberingModel.Hash(before), scores);
        double logSum = Math.Log(scores.Sum(static score => Math.Exp(score)));
        Assert.Equal(scores[token.Id] - logSum, token.Logprob ?? double.NaN, 1e-5);
        int[] best = [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(top)];
        Assert.Equal(best, token.Top.Select(static other => other.Id));
        Assert.All(token.Top, other => Assert.Equal(scores[other.Id] - logSum, other.Logprob, 1e-5));
    }

    private static void AssertNothingIsHeld(BatchLoop loop)
    {
        Assert.Equal((0, 0), (loop.Counters.Running, loop.Counters.Waiting));
        Assert.Equal(loop.Counters.Blocks, loop.Counters.FreeBlocks + loop.Counters.KeptBlocks);
    }
}
