using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Anthropic;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>One stream of Anthropic's as a caller gets it who speaks Anthropic too. <see cref="Of(string[])"/> feeds it whole, cut at every byte and byte by
/// byte, and insists on one outcome.</summary>
internal sealed record AnthropicRelayed(string Output, StreamState State, bool Committed, UpstreamFault? Fault, Usage? Usage, bool Partial, long Seen, int Malformed)
{
    public static readonly StreamExpectations Messages = new(Route.Messages, false, null, 1, "req_ours", "fallback", 1_234, ResponseQuirks.None)
    {
        Spoken = Dialect.Anthropic,
        InputTokensExpected = 77,
    };

    public static readonly StreamExpectations Chat = Messages with { Route = Route.Chat };

    public static AnthropicRelayed Of(params string[] writes) => Of(AnthropicScript.Utf8(writes), Messages);

    /// <summary>The same, for a caller who speaks OpenAI's dialect.</summary>
    public static Relayed Chunks(params string[] writes) => Translated(AnthropicScript.Utf8(writes), Chat).InForm();

    public static Relayed ChunksAsked(params string[] writes) => Translated(AnthropicScript.Utf8(writes), Chat with { UsageAsked = true }).InForm();

    public static AnthropicRelayed Of(byte[] body, StreamExpectations expected)
    {
        AnthropicRelayed whole = Fed(body, expected, []);
        for (int cut = 1; cut < body.Length; cut++)
            Assert.Equal(whole, Fed(body, expected, [cut]));
        Assert.Equal(whole, Fed(body, expected, Enumerable.Range(1, body.Length)));
        return whole;
    }

    public static AnthropicRelayed Fed(byte[] body, StreamExpectations expected, IEnumerable<int> cuts)
    {
        using var stream = new MessagesStream(expected);
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
        return Closed(stream, state, output);
    }

    /// <summary>A whole message told as a stream.</summary>
    public static AnthropicRelayed Replayed(string whole, StreamExpectations expected)
    {
        using var stream = new MessagesStream(expected);
        using var output = new PooledBuffer();
        StreamState state = stream.Replay(Encoding.UTF8.GetBytes(whole), output);
        return Closed(stream, state, output);
    }

    /// <summary>As the chunks' own tests look at them.</summary>
    public Relayed AsChunks => new(Output, State, Committed, Fault, Usage, Seen, Malformed);

    /// <summary>Every event, by its name.</summary>
    public IReadOnlyList<(string Name, JsonObject Data)> Events =>
        [.. Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(static e =>
        {
            string[] lines = e.Split('\n');
            Assert.Equal(2, lines.Length);
            Assert.StartsWith("event: ", lines[0], StringComparison.Ordinal);
            Assert.StartsWith("data: ", lines[1], StringComparison.Ordinal);
            return (lines[0]["event: ".Length..], JsonNode.Parse(lines[1]["data: ".Length..])!.AsObject());
        })];

    private static Relayed Translated(byte[] body, StreamExpectations expected) => Of(body, expected).AsChunks;

    private static AnthropicRelayed Closed(MessagesStream stream, StreamState state, PooledBuffer output)
    {
        if (state is StreamState.Completed or StreamState.LimitReached)
            stream.WriteClosing(stream.Usage ?? new Usage(9, stream.OutputTokensSeen), new NanoDollars(6_400), output);
        return new AnthropicRelayed(
            Encoding.UTF8.GetString(output.Span), state, stream.Committed, stream.Fault, stream.Usage, stream.UsageIsPartial, stream.OutputTokensSeen, stream.MalformedEvents);
    }
}

internal static class RelayedForm
{
    /// <summary>Insists on what every caller may rely on.</summary>
    public static Relayed InForm(this Relayed relayed)
    {
        relayed.InsistOnForm();
        return relayed;
    }
}
