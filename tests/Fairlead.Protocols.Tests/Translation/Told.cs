using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Tests.Answers;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>A stream of chunks as a caller of Anthropic's door gets it. <see cref="Of(string[])"/> feeds it whole, cut at every byte and byte by byte, and
/// insists on one outcome and on the form that Anthropic's clients rely on.</summary>
internal sealed record Told(string Output, StreamState State, bool Committed, UpstreamFault? Fault, Usage? Usage, long Seen)
{
    public static readonly StreamExpectations Messages = Relayed.Chat with { Route = Route.Messages, InputTokensExpected = 25 };

    public static Told Of(params string[] writes) => Of(Script.Utf8(writes), Messages);

    public static Told Of(byte[] body, in StreamExpectations expected, StreamFraming framing = StreamFraming.ServerSentEvents)
    {
        Told whole = Fed(body, expected, framing, []);
        whole.InsistOnForm();
        for (int cut = 1; cut < body.Length; cut++)
            whole.InsistOn(Fed(body, expected, framing, [cut]), $"cut at byte {cut}");
        whole.InsistOn(Fed(body, expected, framing, Enumerable.Range(1, body.Length)), "byte by byte");
        return whole;
    }

    public static Told Fed(byte[] body, in StreamExpectations expected, StreamFraming framing, IEnumerable<int> cuts)
    {
        using AnswerStream stream = AnswerDialects.Open(expected, framing);
        using var output = new PooledBuffer();
        int from = 0;
        foreach (int cut in cuts.Append(body.Length))
        {
            if (cut <= from)
                continue;
            // A buffer of its own for each piece, wiped after it: nothing may point into what was fed before.
            byte[] piece = body[from..cut];
            stream.Accept(piece, piece.Length, output);
            Array.Clear(piece);
            from = cut;
        }
        StreamState state = stream.End(output);
        if (state is StreamState.Completed or StreamState.LimitReached)
            stream.WriteClosing(stream.Usage ?? new Usage(9, stream.OutputTokensSeen), new NanoDollars(6_400), output);
        return new Told(Encoding.UTF8.GetString(output.Span), state, stream.Committed, stream.Fault, stream.Usage, stream.OutputTokensSeen);
    }

    /// <summary>The events: name and data.</summary>
    public IReadOnlyList<(string Name, JsonObject Data)> Events =>
        [.. Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(static e => e.Split('\n')).Select(static l => (l[0]["event: ".Length..], JsonNode.Parse(l[1]["data: ".Length..])!.AsObject()))];

    /// <summary>The message as a client puts it together: counts and reasons of the end over those of the beginning.</summary>
    public JsonObject Message => Assembled.From(Events);

    public IReadOnlyList<string> Types => [.. Message["content"]!.AsArray().Select(static b => b!["type"]!.GetValue<string>())];

    public string? StopReason => Message["stop_reason"]?.GetValue<string>();

    /// <summary>Text of all blocks of a kind.</summary>
    public string Said(string type = "text") => string.Concat(Message["content"]!.AsArray().Where(b => b!["type"]!.GetValue<string>() == type).Select(b => b![type]!.GetValue<string>()));

    public IReadOnlyList<(string Id, string Name, string Input)> Calls =>
        [.. Message["content"]!.AsArray().Where(static b => b!["type"]!.GetValue<string>() == "tool_use").Select(static b => (b!["id"]!.GetValue<string>(), b["name"]!.GetValue<string>(), b["input"]!.GetValue<string>()))];

    public JsonObject FinalUsage => Events.Single(static e => e.Name == "message_delta").Data["usage"]!.AsObject();

    /// <summary>What every client may rely on, whatever the upstream did.</summary>
    public void InsistOnForm()
    {
        if (Output.Length > 0)
            Assert.EndsWith("\n\n", Output, StringComparison.Ordinal);
        foreach (string one in Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            string[] lines = one.Split('\n');
            Assert.Equal(2, lines.Length);
            Assert.StartsWith("data: ", lines[1], StringComparison.Ordinal);
            using JsonDocument data = JsonDocument.Parse(lines[1]["data: ".Length..]);
            Assert.Equal(lines[0], "event: " + data.RootElement.GetProperty("type").GetString());
        }
        Assert.Equal(State == StreamState.Faulted, Fault is not null);
        Assembled.InsistOnOrder(Events, State is StreamState.Completed or StreamState.LimitReached);
    }

    private void InsistOn(Told other, string how)
    {
        if (Output != other.Output || this with { Output = "" } != other with { Output = "" })
            Assert.Fail($"Fed {how} the outcome differs.\nwhole: {this}\nthen:  {other}");
    }
}
