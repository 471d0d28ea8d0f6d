using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>The sampler under a constraint: what comes out keeps to it, and is what masking every step would choose.</summary>
public sealed class ConstrainedAnswersTests
{
    private const int End = 28;

    private static readonly ConstraintCompiler Letters = new(new TokenTrie(
        RememberingModel.Vocabulary, static id => System.Text.Encoding.UTF8.GetBytes(RememberingModel.Text(id)), null, End));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void An_answer_keeps_to_its_constraint_and_ends_where_nothing_may_follow(float temperature)
    {
        using BatchLoop loop = NewLoop();
        for (int seed = 0; seed < 40; seed++)
        {
            Answers answers = Answer(loop, Request("[a-c]{2}x(yz){1,3}q", seed, temperature));
            Assert.Matches(new Regex("^[a-c]{2}x(yz){1,3}q$"), answers.Text());
            Assert.Equal((FinishReason.Stop, null), (answers.End().Reason, answers.End().EndToken));
            Assert.Equal(answers.Text().Length, answers.Whole.CompletionTokens);
        }
    }

    [Fact]
    public void An_end_token_is_chosen_only_where_the_text_may_end()
    {
        using BatchLoop loop = NewLoop();
        int ended = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            Answers answers = Answer(loop, Request("(ab)*", seed, temperature: 1) with { MaxTokens = 9 });
            Assert.Equal(string.Concat(Enumerable.Repeat("ab", 5))[..answers.Text().Length], answers.Text());
            if (answers.End().Reason == FinishReason.Stop)
            {
                Assert.Equal(End, answers.End().EndToken);
                Assert.Equal(0, answers.Text().Length % 2);
                ended++;
            }
            else
            {
                Assert.Equal((FinishReason.Length, 9), (answers.End().Reason, answers.Text().Length)); // cut in the middle of a pair, and said so
            }
        }

        Assert.InRange(ended, 10, 59);
    }

    [Fact]
    public void Trying_the_best_token_first_chooses_what_the_mask_would_leave()
    {
        using BatchLoop loop = NewLoop();
        for (int seed = 0; seed < 40; seed++)
        {
            GenerationRequest request = Request("[b-y]{12}", seed, temperature: 0);
            List<int> tokens = [.. request.Prompt];
            while (tokens.Count < request.Prompt.Length + 12)
            {
                var scores = new float[RememberingModel.Vocabulary];
                RememberingModel.Score(RememberingModel.Hash(tokens), scores);
                tokens.Add(Enumerable.Range(1, 24).MaxBy(id => scores[id]));
            }

            Assert.Equal(tokens[request.Prompt.Length..], Answer(loop, request).Ids());
        }
    }

    [Fact]
    public void Choices_and_later_requests_begin_a_constraint_anew()
    {
        using BatchLoop loop = NewLoop();
        GenerationRequest request = Request("[a-z]{3}!?", 7, temperature: 1) with { Choices = 3 };
        for (int again = 0; again < 2; again++)
        {
            Answers answers = Answer(loop, request);
            for (int choice = 0; choice < 3; choice++)
                Assert.Matches(new Regex("^[a-z]{3}$"), answers.Text(choice));
        }
    }

    [Fact]
    public void A_constraint_of_another_vocabulary_is_refused()
    {
        using BatchLoop loop = NewLoop();
        var other = new ConstraintCompiler(new TokenTrie(100, static id => new byte[] { (byte)id }, null));
        GenerationRequest request = Request("a", 1, 0) with { Constraint = other.Start(new ConstraintSpec.Regex("a")) };
        Assert.False(loop.TryStart(request, CancellationToken.None, out _, out GenerationRefusal? refusal));
        Assert.Contains("another vocabulary", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_guide_writes_what_a_schema_asks_for()
    {
        using LanguageModel guide = LanguageModel.Open(Goldens.Guide);
        using JsonDocument format = JsonDocument.Parse(
            """{"type": "json_schema", "json_schema": {"schema": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 30}, "count": {"type": "integer"}, "kind": {"enum": ["hub", "engine"]}}, "required": ["name", "count", "kind"], "additionalProperties": false}}}""");
        ConstraintSpec spec = ConstraintSpec.Parse(format.RootElement) ?? throw new InvalidOperationException();
        foreach (float temperature in (float[])[0, 1])
        {
            var request = new GenerationRequest
            {
                Prompt = [.. guide.Tokenizer.Encode("<|bos|><|user|>What is Fairlead?<|end|><|assistant|>", addSpecialTokens: false).Ids],
                Sampling = new SamplingSettings { Temperature = temperature, Seed = 5 },
                Constraint = guide.Constraints.Start(spec),
                MaxTokens = 200,
            };
            Assert.True(guide.TryStart(request, CancellationToken.None, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
            Answers answers = await Answers.ReadAsync(events);
            Assert.Equal(FinishReason.Stop, answers.End().Reason);
            using JsonDocument written = JsonDocument.Parse(answers.Text());
            Assert.Equal(3, written.RootElement.EnumerateObject().Count());
            Assert.Contains(written.RootElement.GetProperty("kind").GetString(), (string[])["hub", "engine"]);
            Assert.Equal(JsonValueKind.Number, written.RootElement.GetProperty("count").ValueKind);
        }
    }

    private static BatchLoop NewLoop() => new(
        new RememberingModel().Model(contextLength: 4096, End), new BatchLimits(Slots: 4, Queue: 4, StepTokens: 32), RememberingModel.NewCache(blocks: 64), static () => 3);

    private static GenerationRequest Request(string pattern, int seed, float temperature) => new()
    {
        Prompt = [seed % RememberingModel.Vocabulary, (seed * 7) % RememberingModel.Vocabulary, 3],
        MaxTokens = 40,
        Sampling = new SamplingSettings { Temperature = temperature, Seed = (ulong)seed },
        Constraint = Letters.Start(new ConstraintSpec.Regex(pattern)),
    };

    private static Answers Answer(BatchLoop loop, GenerationRequest request)
    {
        Assert.True(loop.TryStart(request, CancellationToken.None, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
        for (int turn = 0; loop.Step(); turn++)
            Assert.InRange(turn, 0, 1000);
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.IsType<GenerationEvent.Ended>(answers.Events[^1]);
        return answers;
    }
}
