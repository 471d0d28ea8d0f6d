using System.Text;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>Anthropic's streams and messages, bent at random: nothing throws or hangs, and whatever comes out has the form that callers rely on.</summary>
[Trait("Category", Fuzz.Category)]
public class AnthropicFuzz(ITestOutputHelper log)
{
    private static readonly string[] Words =
    [
        "null", "{}", "[]", "\"\"", "true", "-1", "1e999", "\"\\ud83d\"", "\"\\ude00x\"", "NaN", "7", "\"text\"", "\"tool_use\"", "\"thinking\"", "\"text_delta\"", "\"input_json_delta\"", "\"end_turn\"", "\"error\"",
        "\n\n", "\r", "data: ", "event: error\n", "event: ping\n", "data: [DONE]\n\n", "\"usage\":{},", "\"error\":{},", "\"index\":1,", "\"type\":\"message_stop\",", "\"type\":\"message_start\",", "\"stop_reason\":\"tool_use\",",
        "\"citation\":{\"type\":\"web_search_result_location\",\"url\":\"u\"},", "\"signature\":\"s\",", "\"input\":{\"a\":1},", "\uFEFF", ": c\n\n", ",", "}", "{", "\"", "\\", "\\ud83d",
    ];

    private static readonly string[] Wholes =
    [
        "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\",\"citations\":[{\"type\":\"web_search_result_location\",\"url\":\"u\",\"title\":\"t\"}]}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}",
        "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"},{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{\"a\":[1]}}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}",
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}",
    ];

    [Fact]
    public void Bent_input_does_no_harm()
    {
        byte[][] streams = [.. AnthropicTranscripts.All()];
        int rounds = 0;
        foreach (int number in Fuzz.Rounds(100))
        {
            int round = Fuzz.Seed + number;
            rounds++;
            var random = new Random(round);
            byte[] body = Bent.Of(streams[random.Next(streams.Length)], Words, values: 18, random);
            byte[] whole = Bent.Of(AnthropicScript.Utf8(Wholes[random.Next(Wholes.Length)]), Words, values: 18, random);
            try
            {
                Stream(body, random);
                Whole(whole, random);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {round}\nstream: {Encoding.UTF8.GetString(body)}\nwhole: {Encoding.UTF8.GetString(whole)}", e);
            }
        }
        log.WriteLine($"{rounds} rounds");
    }

    private static StreamExpectations Expected(Random random) => (random.Next(2) == 0 ? AnthropicRelayed.Chat : AnthropicRelayed.Messages) with
    {
        UsageAsked = random.Next(2) == 0,
        MaxOutputTokens = random.Next(3) == 0 ? random.Next(1, 4) : null,
    };

    private static void Stream(byte[] body, Random random)
    {
        StreamExpectations expected = Expected(random);
        AnthropicRelayed one = AnthropicRelayed.Fed(body, expected, [.. Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(body.Length + 1)).Order()]);
        InForm(one, expected);
        Assert.Equal(one, AnthropicRelayed.Fed(body, expected, []));
        // An answer is told in pieces of what came: it cannot be much larger.
        Assert.InRange(one.Output.Length, 0, (body.Length * 20) + 4096);
    }

    private static void Whole(byte[] body, Random random)
    {
        StreamExpectations expected = Expected(random);
        AnswerCheck check = AnswerDialects.Check(body, expected);
        if (check.Fault is not null)
            return;
        using var output = new PooledBuffer();
        AnswerDialects.Write(body, check, expected, check.Usage ?? new Usage(1, 1), new NanoDollars(6_400), output);
        using JsonDocument answer = JsonDocument.Parse(output.Memory);
        Assert.Equal("0.0000064", answer.RootElement.GetProperty("usage").GetProperty("cost").GetRawText());
        InForm(AnthropicRelayed.Replayed(Encoding.UTF8.GetString(check.Mended ?? body), expected), expected);
    }

    private static void InForm(AnthropicRelayed relayed, StreamExpectations expected)
    {
        if (expected.Route == Route.Chat)
        {
            relayed.AsChunks.InsistOnForm();
            return;
        }
        Assert.Equal(relayed.State == StreamState.Faulted, relayed.Fault is not null);
        if (relayed.State is not (StreamState.Completed or StreamState.LimitReached))
            return;
        // Clients put the message together by its events: what they stumble over must not get through.
        string[] events = [.. relayed.Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)];
        Assert.Contains("message_stop", events[^1], StringComparison.Ordinal);
        Assert.Contains(events, static e => e.Contains("\"cost\":0.0000064", StringComparison.Ordinal));
        foreach (string one in events)
        {
            string data = string.Join('\n', one.Split('\n').Where(static line => line.StartsWith("data:", StringComparison.Ordinal)).Select(static line => line["data:".Length..]));
            using JsonDocument json = JsonDocument.Parse(data);
            Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
        }
    }
}
