using Fairlead.Domain.Inference;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Tests.Answers;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>Valid streams made up at random keep in the other dialect all that they say, however their bytes are cut.</summary>
public class RandomStreamTests(ITestOutputHelper log)
{
    private const int Rounds = 2_000;

    [Fact]
    public void Random_chunks_told_as_a_message_keep_all_that_they_say()
    {
        log.WriteLine($"seeds {Fuzz.Seed} to {Fuzz.Seed + Rounds - 1}");
        for (int seed = Fuzz.Seed; seed < Fuzz.Seed + Rounds; seed++)
        {
            var answer = new RandomAnswer(seed);
            byte[] body = answer.Chunks();
            Told told = Told.Fed(body, Told.Messages, StreamFraming.ServerSentEvents, []);
            Check(seed, body, () =>
            {
                told.InsistOnForm();
                Assert.Equal(StreamState.Completed, told.State);
                Assert.Equal(answer.Reasoning, told.Said("thinking"));
                Assert.Equal(answer.Before + answer.After, told.Said());
                Assert.Equal(answer.Calls, told.Calls);
                Assert.Equal(answer.Finish switch { "length" => "max_tokens", "content_filter" => "refusal", "tool_calls" => "tool_use", _ => "end_turn" }, told.StopReason);
                Assert.Equal(answer.Usage, told.Usage);
                InsistOnUsage(answer.Usage, told);
                Assert.Equal(told, Told.Fed(body, Told.Messages, StreamFraming.ServerSentEvents, answer.Cuts(body.Length)));
                if (seed % 8 == 0)
                    Assert.Equal(told, Told.Fed(body, Told.Messages, StreamFraming.ServerSentEvents, Enumerable.Range(1, body.Length)));
            });
        }
    }

    [Fact]
    public void Random_messages_told_in_chunks_keep_all_that_they_say()
    {
        log.WriteLine($"seeds {Fuzz.Seed} to {Fuzz.Seed + Rounds - 1}");
        StreamExpectations expected = Relayed.Chat with { Spoken = Dialect.Anthropic, UsageAsked = true };
        for (int seed = Fuzz.Seed; seed < Fuzz.Seed + Rounds; seed++)
        {
            var answer = new RandomAnswer(seed);
            byte[] body = answer.Blocks(out string stopReason);
            Told told = Told.Fed(body, expected, StreamFraming.ServerSentEvents, []);
            Check(seed, body, () =>
            {
                Relayed chunks = new(told.Output, told.State, told.Committed, told.Fault, told.Usage, told.Seen, 0);
                chunks.InsistOnForm();
                Assert.Equal(StreamState.Completed, told.State);
                Assert.Equal(answer.Reasoning, chunks.Said("reasoning_content"));
                Assert.Equal(answer.Before + answer.After, chunks.Said());
                Assert.Equal(answer.Calls, chunks.Calls.Select(static c => (c.Id!, c.Name, c.Arguments)));
                Assert.Equal([answer.Finish], chunks.Finishes);
                Assert.Equal(answer.Usage, told.Usage);
                Assert.Equal(answer.Usage.InputTokens, chunks.Events[^1]["usage"]!["prompt_tokens"]!.GetValue<long>());
                Assert.Equal(answer.Usage.OutputTokens, chunks.Events[^1]["usage"]!["completion_tokens"]!.GetValue<long>());
                Assert.Equal(told, Told.Fed(body, expected, StreamFraming.ServerSentEvents, answer.Cuts(body.Length)));

                // And there and back: what came as a message and went as chunks is the same message again, its signature included.
                Told back = Told.Fed(System.Text.Encoding.UTF8.GetBytes(told.Output), Told.Messages, StreamFraming.ServerSentEvents, []);
                back.InsistOnForm();
                Assert.Equal(answer.Reasoning, back.Said("thinking"));
                Assert.Equal(answer.Before + answer.After, back.Said());
                Assert.Equal(answer.Calls, back.Calls);
                Assert.Equal(stopReason, back.StopReason);
                Assert.Equal(answer.Usage, back.Usage);
                if (answer.Reasoning.Length > 0)
                    Assert.Equal("c2lnbmVk", back.Message["content"]![0]!["signature"]!.GetValue<string>());
            });
        }
    }

    private static void InsistOnUsage(in Usage usage, Told told)
    {
        Assert.Equal(usage.InputTokens - usage.CachedInputTokens - usage.CacheWriteTokens, told.FinalUsage["input_tokens"]!.GetValue<long>());
        Assert.Equal(usage.CachedInputTokens, told.FinalUsage["cache_read_input_tokens"]!.GetValue<long>());
        Assert.Equal(usage.CacheWriteTokens, told.FinalUsage["cache_creation_input_tokens"]!.GetValue<long>());
        Assert.Equal(usage.OutputTokens, told.FinalUsage["output_tokens"]!.GetValue<long>());
        Assert.Equal(usage.ReasoningTokens, told.FinalUsage["output_tokens_details"]?["thinking_tokens"]!.GetValue<long>() ?? 0);
    }

    private static void Check(int seed, byte[] body, Action assert)
    {
        try
        {
            assert();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed}: {e.Message}\n{System.Text.Encoding.UTF8.GetString(body)}", e);
        }
    }
}
