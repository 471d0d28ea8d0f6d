using System.Text;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using Fairlead.Protocols.Tests.Translation;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>Streams and answers that were bent at random: nothing throws or hangs, and whatever comes out has the form that callers rely on.</summary>
[Trait("Category", Fuzz.Category)]
public class AnswerStreamFuzz(ITestOutputHelper log)
{
    private static readonly string[] Words =
    [
        "null", "{}", "[]", "\"\"", "true", "-1", "1e999", "\"\\ud83d\"", "\"\\ude00x\"", "NaN", "\n\n", "\r", "data: ", "data: [DONE]\n\n", "\"usage\":", "\"error\":", "\"choices\":[", "\"index\":127",
        "\"index\":", "\"tool_calls\":[{}]", "\"tool_calls\":[{\"index\":3,\"function\":{\"name\":\"f\",\"arguments\":{\"a\":[1]}}}]", "\"function_call\":{\"name\":\"f\"}", "\"content\":[{\"type\":\"text\",\"text\":\"x\"}]",
        "\"role\":\"assistant\",", "\"finish_reason\":\"stop\"", "\"finish_reason\":\"tool_calls\"", "\"delta\":{\"content\":\"y\"},", "\"x_groq\":{\"usage\":{\"prompt_tokens\":1}},", "\uFEFF", ": c\n\n", "event: error\n", ",", "}", "\"", "\\",
    ];

    private static readonly string[] Wholes =
    [
        Script.Full("Hi"),
        "{\"id\":\"c\",\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{}}}]},\"finish_reason\":\"eos\"}]}",
        "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[0.5,1]}],\"model\":\"e\",\"usage\":{\"prompt_tokens\":8}}",
        "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":\"AAAAPw==\"}],\"model\":\"e\"}",
    ];

    [Fact]
    public void Bent_input_does_no_harm()
    {
        byte[][] streams = [.. Transcripts.All().Select(static t => t.Body)];
        byte[][] lines = [Script.Utf8("{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{}}}]},\"done\":false}\n{\"model\":\"m\",\"done\":true,\"eval_count\":1,\"prompt_eval_count\":2}\n")];
        int rounds = 0;
        foreach (int number in Fuzz.Rounds(100))
        {
            int round = Fuzz.Seed + number;
            rounds++;
            var random = new Random(round);
            bool isLines = random.Next(8) == 0;
            byte[] body = Bent.Of((isLines ? lines : streams)[random.Next(isLines ? lines.Length : streams.Length)], Words, values: 10, random);
            byte[] whole = Bent.Of(Script.Utf8(Wholes[random.Next(Wholes.Length)]), Words, values: 10, random);
            try
            {
                Stream(body, random, isLines ? StreamFraming.NdJson : StreamFraming.ServerSentEvents);
                Whole(whole, random);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {round}\nstream: {Encoding.UTF8.GetString(body)}\nwhole: {Encoding.UTF8.GetString(whole)}", e);
            }
        }
        log.WriteLine($"{rounds} rounds");
    }

    private static void Stream(byte[] body, Random random, StreamFraming framing)
    {
        StreamExpectations expected = (random.Next(4) == 0 ? Relayed.Text : Relayed.Chat) with
        {
            UsageAsked = random.Next(2) == 0,
            MaxOutputTokens = random.Next(3) == 0 ? random.Next(1, 4) : null,
            Choices = random.Next(1, 3),
            Quirks = (ResponseQuirks)random.Next(4),
        };
        Relayed one = Relayed.Fed(body, expected, framing, Cuts(body, random));
        one.InsistOnForm();
        Assert.Equal(one, Relayed.Fed(body, expected, framing, []));
        // An answer is told in pieces of what came: it cannot be much larger.
        Assert.InRange(one.Output.Length, 0, (body.Length * 20) + 4096);

        StreamExpectations message = expected with { Route = Route.Messages, Choices = 1, UsageAsked = false };
        Told told = Told.Fed(body, message, framing, Cuts(body, random));
        told.InsistOnForm();
        Assert.Equal(told, Told.Fed(body, message, framing, []));
        Assert.InRange(told.Output.Length, 0, (body.Length * 40) + 4096);
    }

    private static void Whole(byte[] body, Random random)
    {
        Route route = (Route)random.Next(1, 4);
        StreamExpectations expected = Relayed.Chat with { Route = route, Encoding = random.Next(2) == 0 ? EmbeddingEncoding.Base64 : EmbeddingEncoding.Float };
        AnswerCheck check = WholeAnswer.Check(route, body, expected);
        if (check.Fault is not null)
            return;
        using var output = new PooledBuffer();
        WholeAnswer.Write(body, check, check.Usage ?? new Usage(1, 1), new NanoDollars(6_400), output);
        using JsonDocument answer = JsonDocument.Parse(output.Memory);
        Assert.Equal("0.0000064", answer.RootElement.GetProperty("usage").GetProperty("cost").GetRawText());
        if (route == Route.Embeddings)
            return;
        if (route == Route.Chat)
        {
            output.Clear();
            AnswerDialects.Write(body, check, expected with { Route = Route.Messages }, check.Usage is { IsPossible: true } possible ? possible : new Usage(1, 1), new NanoDollars(6_400), output);
            using JsonDocument message = JsonDocument.Parse(output.Memory);
            Assert.Equal(JsonValueKind.Array, message.RootElement.GetProperty("content").ValueKind);
        }
        using var stream = new ChunkStream(expected);
        output.Clear();
        StreamState state = stream.Replay(check.Mended ?? body, output);
        if (state == StreamState.Completed)
        {
            stream.WriteClosing(default, default, output);
            new Relayed(Encoding.UTF8.GetString(output.Span), state, stream.Committed, stream.Fault, stream.Usage, stream.OutputTokensSeen, 0).InsistOnForm();
        }
    }

    private static int[] Cuts(byte[] body, Random random) =>
        [.. Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(body.Length + 1)).Order()];
}
