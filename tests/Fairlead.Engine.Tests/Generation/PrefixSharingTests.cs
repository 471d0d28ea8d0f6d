using System.Threading.Channels;
using Fairlead.Engine.Generation;
using static Fairlead.Engine.Tests.Generation.TurnedLoop;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>What one text has read another takes over, and neither answer changes by it.</summary>
public sealed class PrefixSharingTests
{
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
        Assert.Equal([.. Enumerable.Range(agreeing, 4), .. Enumerable.Range(0, agreeing + 4)], model.StepPositions[^1].Take(agreeing + 8));
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
}
