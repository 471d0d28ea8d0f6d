using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Tests.Answers;

/// <summary>One upstream stream as the caller gets it. <see cref="Of"/> feeds it whole, cut at every byte and byte by byte, and insists on one outcome.</summary>
internal sealed record Relayed(string Output, StreamState State, bool Committed, UpstreamFault? Fault, Usage? Usage, long Seen, int Malformed)
{
    public static readonly StreamExpectations Chat = new(Route.Chat, false, null, 1, "req_ours", "fallback", 1_234, ResponseQuirks.None);
    public static readonly StreamExpectations Text = Chat with { Route = Route.Completions };

    /// <summary>Times any stream was fed, by all tests together.</summary>
    public static long Splits => Interlocked.Read(ref _splits);

    private static long _splits;

    public static Relayed Of(byte[] body, in StreamExpectations expected, StreamFraming framing = StreamFraming.ServerSentEvents)
    {
        Relayed whole = Fed(body, expected, framing, []);
        whole.InsistOnForm();
        for (int cut = 1; cut < body.Length; cut++)
            Same(whole, Fed(body, expected, framing, [cut]), $"cut at byte {cut}");
        Same(whole, Fed(body, expected, framing, Enumerable.Range(1, body.Length)), "byte by byte");
        return whole;
    }

    public static Relayed Of(params ReadOnlySpan<string> writes) => Of(Script.Utf8(writes), Chat);

    public static Relayed Asked(params ReadOnlySpan<string> writes) => Of(Script.Utf8(writes), Chat with { UsageAsked = true });

    public static Relayed Fed(byte[] body, in StreamExpectations expected, StreamFraming framing, IEnumerable<int> cuts)
    {
        Interlocked.Increment(ref _splits);
        using var stream = new ChunkStream(expected, framing);
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
        return new Relayed(Encoding.UTF8.GetString(output.Span), state, stream.Committed, stream.Fault, stream.Usage, stream.OutputTokensSeen, stream.MalformedEvents);
    }

    public IReadOnlyList<JsonObject> Events =>
        [.. Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(static e => e != "data: [DONE]").Select(static e => Parse(e["data: ".Length..]))];

    public bool IsDone => Output.EndsWith(Script.Done, StringComparison.Ordinal) && Output.IndexOf("[DONE]", StringComparison.Ordinal) == Output.Length - "[DONE]\n\n".Length;

    public string Said(string field = "content", int choice = 0) => string.Concat(Deltas(choice).Select(d => d[field]?.GetValue<string>()));

    public IReadOnlyList<string> Finishes => [.. Choices().Select(static c => c["finish_reason"]?.GetValue<string>()).OfType<string>()];

    /// <summary>Tool calls put together as OpenAI's clients do it: everything but numbers and types is concatenated.</summary>
    public IReadOnlyList<(string? Id, string? Type, string Name, string Arguments)> Calls
    {
        get
        {
            var calls = new SortedDictionary<int, (string? Id, string? Type, string Name, string Arguments)>();
            foreach (JsonNode? piece in Deltas(0).SelectMany(static d => d["tool_calls"] as JsonArray ?? []))
            {
                int index = piece!["index"]!.GetValue<int>();
                (string? id, string? type, string name, string arguments) = calls.GetValueOrDefault(index, (null, null, "", ""));
                calls[index] = (
                    piece["id"] is { } i ? id + i.GetValue<string>() : id,
                    piece["type"]?.GetValue<string>() ?? type,
                    name + piece["function"]?["name"]?.GetValue<string>(),
                    arguments + piece["function"]?["arguments"]?.GetValue<string>());
            }
            Assert.Equal(Enumerable.Range(0, calls.Count), calls.Keys);
            return [.. calls.Values];
        }
    }

    public IEnumerable<JsonObject> Choices(int? choice = null) =>
        Events.SelectMany(static e => e["choices"] as JsonArray ?? []).Select(static c => c!.AsObject()).Where(c => choice is null || c["index"]!.GetValue<int>() == choice);

    public IEnumerable<JsonObject> Deltas(int choice) => Choices(choice).Select(static c => c["delta"] as JsonObject ?? c);

    /// <summary>What every caller may rely on, whatever the upstream did.</summary>
    public void InsistOnForm()
    {
        string? id = null;
        foreach (string line in Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.StartsWith("data: ", line, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', line);
            Assert.DoesNotContain('\r', line);
            if (line == "data: [DONE]")
                continue;
            using JsonDocument json = JsonDocument.Parse(line["data: ".Length..]);
            JsonElement root = json.RootElement;
            Assert.Equal(JsonValueKind.Object, root.ValueKind);
            string envelope = $"{root.GetProperty("id").GetString()} {root.GetProperty("object").GetString()} {root.GetProperty("created").GetInt64()} {root.GetProperty("model").GetString()}";
            Assert.Equal(id ??= envelope, envelope);
            Assert.Equal(JsonValueKind.Array, root.GetProperty("choices").ValueKind);
        }
        if (Output.Length > 0)
            Assert.EndsWith("\n\n", Output, StringComparison.Ordinal);
        Assert.Equal(State == StreamState.Faulted, Fault is not null);
        if (State == StreamState.Completed)
            Assert.True(IsDone);
        foreach (IGrouping<int, JsonObject> choice in Choices().GroupBy(static c => c["index"]!.GetValue<int>()))
        {
            if (State == StreamState.Completed)
                Assert.Single(choice, static c => c["finish_reason"] is not null);
            if (Events[0]["object"]!.GetValue<string>() == "chat.completion.chunk" && choice.First()["delta"] is JsonObject first)
            {
                Assert.Equal("assistant", first["role"]?.GetValue<string>());
                Assert.DoesNotContain(choice.Skip(1), static c => c["delta"]!["role"] is not null);
            }
        }
    }

    /// <summary>As most clients parse: of two members of one name the last counts.</summary>
    private static JsonObject Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return Node(document.RootElement)!.AsObject();

        static JsonNode? Node(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array)
                return new JsonArray([.. element.EnumerateArray().Select(Node)]);
            if (element.ValueKind != JsonValueKind.Object)
                return element.ValueKind == JsonValueKind.Null ? null : JsonValue.Create(element.Clone());
            var node = new JsonObject();
            foreach (JsonProperty member in element.EnumerateObject())
                node[member.Name] = Node(member.Value);
            return node;
        }
    }

    private static void Same(Relayed whole, Relayed other, string how)
    {
        if (whole.Output != other.Output || whole with { Output = "" } != other with { Output = "" })
            Assert.Fail($"Fed {how} the outcome differs.\nwhole: {whole}\nthen:  {other}");
    }
}
