using System.Text.Json.Nodes;
using System.Threading.Channels;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>The same schemas under a real model with random weights, through its tokenizer, sampler and batch.</summary>
public sealed class ModelAnswerTests(ITestOutputHelper output)
{
    private const int MaxTokens = 300;

    [Fact]
    public async Task A_model_with_random_weights_says_only_what_every_schema_allows()
    {
        using LanguageModel model = LanguageModel.Open(Goldens.Checkpoint("falcon-new"), new LanguageModelOptions { Queue = SchemaCase.All.Count });
        var running = new List<(SchemaCase Case, ChannelReader<GenerationEvent> Events)>();
        foreach (SchemaCase one in SchemaCase.All)
        {
            var request = new GenerationRequest
            {
                Prompt = [11, 50, 99],
                Sampling = new SamplingSettings { Temperature = 1, Seed = (ulong)running.Count },
                Constraint = model.Constraints.Start(Reading.Schema(one.Schema)),
                MaxTokens = MaxTokens,
            };
            Assert.True(model.TryStart(request, CancellationToken.None, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
            running.Add((one, events));
        }

        var batch = new JsonArray();
        int cut = 0;
        foreach ((SchemaCase one, ChannelReader<GenerationEvent> events) in running)
        {
            Generation.Answers answer = await Generation.Answers.ReadAsync(events);
            Assert.True(answer.Events[^1] is GenerationEvent.Ended, $"{one.Name}: {answer.Events[^1]}");
            if (answer.End().Reason == FinishReason.Length)
            {
                // Cut in the middle: as far as it goes it must be the beginning of something valid, so no byte of it is refused.
                cut++;
                string text = answer.Text().TrimEnd('\uFFFD');
                int? refused = Reading.RefusedAt(Reading.Schema(one.Schema), text);
                Assert.True(refused is null || refused == System.Text.Encoding.UTF8.GetByteCount(text), $"{one.Name}: byte {refused} of {text}");
                continue;
            }

            batch.Add(new JsonObject { ["name"] = one.Name, ["draft"] = one.Draft, ["schema"] = JsonNode.Parse(one.Schema), ["answers"] = new JsonArray(answer.Text()) });
        }

        output.WriteLine($"{batch.Count} answers came to their end, {cut} were cut after {MaxTokens} tokens");
        Assert.True(batch.Count >= 100);
        Assert.Equal($"{batch.Count} valid", await IndependentValidator.JudgeAsync(batch.ToJsonString(), TestContext.Current.CancellationToken));
    }
}
