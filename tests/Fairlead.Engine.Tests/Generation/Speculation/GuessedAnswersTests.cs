using System.Threading.Channels;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation.Speculation;

/// <summary>Guessing ahead saves steps and changes nothing: not a token, not a score, not what is kept for the next request.</summary>
public sealed class GuessedAnswersTests
{
    [Fact]
    public void Texts_are_those_without_guesses_however_many_come_true()
    {
        var random = new Random(12);
        long right = 0, wrong = 0;
        for (int round = 0; round < 300; round++)
        {
            int looks = random.Next(1, 4);
            var model = new RememberingModel { Looks = looks, StepPositions = null };
            using var loop = new BatchLoop(
                model.Model(contextLength: 400, random.Next(3) == 0 ? [7] : []),
                new BatchLimits(Slots: 4, Queue: 8, StepTokens: 4 + random.Next(60)) { Guesses = 1 + random.Next(12) },
                RememberingModel.NewCache(blocks: 30 + random.Next(40)),
                static () => 3);
            var asked = new List<(GenerationRequest Request, ChannelReader<GenerationEvent> Events)>();
            for (int i = 0; i < 6; i++)
            {
                var request = new GenerationRequest
                {
                    Prompt = [.. Enumerable.Range(0, 1 + random.Next(50)).Select(_ => random.Next(RememberingModel.Vocabulary))],
                    MaxTokens = random.Next(1, 120),
                    Sampling = new SamplingSettings { Temperature = random.Next(2) == 0 ? 0 : 0.2f, Seed = (ulong)random.Next() },
                    Choices = 1 + random.Next(2),
                    EndTokens = [],
                };
                Assert.True(loop.TryStart(request, default, out ChannelReader<GenerationEvent>? events, out _));
                asked.Add((request, events));
                for (int step = random.Next(6); step > 0; step--)
                    loop.Step();
            }

            while (loop.Step())
            {
            }

            foreach ((GenerationRequest request, ChannelReader<GenerationEvent> events) in asked)
            {
                var answers = new Answers();
                Assert.True(answers.Drain(events));
                for (int choice = 0; choice < request.Choices; choice++)
                {
                    GenerationEvent.ChoiceEnded end = answers.End(choice);
                    GenerationRequest known = end.EndToken is null && end.Reason == FinishReason.Length ? request : request with { EndTokens = [7] };
                    int[] expected = RememberingModel.Continue(known, request.Sampling.Seed!.Value, choice, request.MaxTokens!.Value, looks);
                    Assert.Equal(expected, answers.Ids(choice));
                }
            }

            right += loop.Counters.GuessedRight;
            wrong += loop.Counters.Guessed - loop.Counters.GuessedRight;
            Assert.Equal(loop.Counters.Blocks, loop.Counters.FreeBlocks + loop.Counters.KeptBlocks);
        }

        Assert.True(right > 1000 && wrong > 1000, $"{right} came true, {wrong} did not");
    }

    [Fact]
    public void A_text_that_repeats_itself_takes_fewer_steps_than_it_has_tokens()
    {
        var model = new RememberingModel { Looks = 1, StepPositions = null };
        using var loop = new BatchLoop(model.Model(contextLength: 400), new BatchLimits(Slots: 1, Queue: 1, StepTokens: 64) { Guesses = 8 }, RememberingModel.NewCache(blocks: 30), static () => 3);
        var request = new GenerationRequest { Prompt = [1, 2, 3], MaxTokens = 200, Sampling = new SamplingSettings { Temperature = 0 } };
        Assert.True(loop.TryStart(request, default, out ChannelReader<GenerationEvent>? events, out _));
        while (loop.Step())
        {
        }

        var answers = new Answers();
        answers.Drain(events);
        Assert.Equal(RememberingModel.Continue(request, 3, 0, 200, looks: 1), answers.Ids());
        Assert.InRange(model.Steps, 20, 80);
    }

    [Fact]
    public void Of_what_was_guessed_wrong_nothing_is_kept_for_a_prompt_that_begins_alike()
    {
        var model = new RememberingModel { Looks = 2, StepPositions = null };
        using var loop = new BatchLoop(model.Model(contextLength: 400), new BatchLimits(Slots: 2, Queue: 4, StepTokens: 64) { Guesses = 12 }, RememberingModel.NewCache(blocks: 60), static () => 3);
        var random = new Random(5);
        for (int round = 0; round < 40; round++)
        {
            var request = new GenerationRequest
            {
                Prompt = [.. Enumerable.Range(0, 20).Select(_ => random.Next(4))],
                MaxTokens = 60,
                Sampling = new SamplingSettings { Temperature = 0.5f, Seed = (ulong)round },
            };
            int[] first = Run(loop, request);
            // The same text again as a prompt, whose blocks the answer has filled.
            GenerationRequest goesOn = request with { Prompt = [.. request.Prompt, .. first], MaxTokens = 20 };
            Assert.Equal(RememberingModel.Continue(goesOn, (ulong)round, 0, 20, looks: 2), Run(loop, goesOn));
        }

        Assert.True(loop.Counters.Guessed > loop.Counters.GuessedRight && loop.Counters.CachedTokens > 1000);
    }

    [Fact]
    public async Task The_guide_answers_the_same_with_and_without()
    {
        using LanguageModel without = LanguageModel.Open(Goldens.Guide, new LanguageModelOptions { Guesses = 0, Threads = 1 });
        using LanguageModel with = LanguageModel.Open(Goldens.Guide, new LanguageModelOptions { Guesses = 12, Threads = 1 });
        long right = 0;
        for (int i = 0; i < 12; i++)
        {
            string text = $"user: list the words one two three four, then again one two three four, then again one two three four, and {i} more times";
            var request = new GenerationRequest
            {
                Prompt = [.. with.Tokenizer.Encode(text, addSpecialTokens: true).Ids],
                MaxTokens = 120,
                Sampling = new SamplingSettings { Temperature = i % 2 == 0 ? 0 : 0.8f, Seed = (ulong)i },
                Logprobs = true,
            };
            Assert.True(without.TryStart(request, default, out ChannelReader<GenerationEvent>? plain, out _));
            Assert.True(with.TryStart(request, default, out ChannelReader<GenerationEvent>? guessed, out _));
            Answers expected = await Answers.ReadAsync(plain), actual = await Answers.ReadAsync(guessed);
            Assert.Equal(expected.Tokens().Select(static token => (token.Id, token.Logprob)), actual.Tokens().Select(static token => (token.Id, token.Logprob)));
            right = with.Counters.GuessedRight;
        }

        Assert.True(with.Counters.Guessed > 0, $"{with.Counters.Guessed} guessed, {right} right");
    }

    private static int[] Run(BatchLoop loop, GenerationRequest request)
    {
        Assert.True(loop.TryStart(request, default, out ChannelReader<GenerationEvent>? events, out _));
        while (loop.Step())
        {
        }

        var answers = new Answers();
        answers.Drain(events);
        return answers.Ids();
    }
}
