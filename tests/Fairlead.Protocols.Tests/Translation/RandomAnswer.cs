using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>An answer made up at random, and ways in which providers tell such an answer in chunks.</summary>
internal sealed class RandomAnswer
{
    private static readonly string[] Letters =
        ["a", "b", " ", "é", "ß", "漢", "字", "\U0001F600", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "\"", "\\", "/", "\n", "\t", "{", "}", "[", "]", ":", ",", "<", "&", "'", "\u2028", "\u0001", "\u007F", "\uFFFD", "data: ", "\r\n\r\n"];

    private readonly Random _random;

    public RandomAnswer(int seed)
    {
        _random = new Random(seed);
        Reasoning = _random.Next(3) == 0 ? Text(1, 60) : "";
        Before = _random.Next(4) == 0 ? "" : Text(1, 80);
        Calls = [.. Enumerable.Range(0, _random.Next(3) == 0 ? _random.Next(1, 4) : 0).Select(i => ($"call_{seed}_{i}", $"tool_{i}", Arguments()))];
        After = Calls.Count > 0 && _random.Next(3) == 0 ? Text(1, 40) : "";
        Finish = _random.Next(6) switch { 0 => "length", 1 => "content_filter", _ => Calls.Count > 0 ? "tool_calls" : "stop" };
        long input = _random.Next(1, 5000);
        long cached = _random.Next(3) == 0 ? _random.NextInt64(0, input) : 0;
        long written = _random.Next(4) == 0 ? _random.NextInt64(0, input - cached) : 0;
        long output = _random.Next(1, 5000);
        Usage = new(input, output, cached, written, _random.Next(3) == 0 ? _random.NextInt64(0, output) : 0);
    }

    public string Reasoning { get; }
    public string Before { get; }
    public IReadOnlyList<(string Id, string Name, string Arguments)> Calls { get; }
    public string After { get; }
    public string Finish { get; }
    public Domain.Inference.Usage Usage { get; }

    /// <summary>As a stream of chunks, in the ways of some provider.</summary>
    public byte[] Chunks()
    {
        var way = new Way(
            Ascii: _random.Next(2) == 0, ReasoningName: _random.Next(2) == 0 ? "reasoning" : "reasoning_content", RepeatsRole: _random.Next(4) == 0, RepeatsCall: _random.Next(4) == 0,
            FirstCall: _random.Next(4) == 0 ? 1 : 0, Timed: _random.Next(4) == 0, NullUsage: _random.Next(3) == 0, LineEnd: _random.Next(4) == 0 ? "\r\n" : "\n", Comments: _random.Next(4) == 0,
            UsageWithFinish: _random.Next(3) == 0, FinishAlone: _random.Next(2) == 0);
        List<JsonObject> deltas = [];
        if (!way.RepeatsRole)
            deltas.Add(new JsonObject { ["role"] = "assistant", ["content"] = "" });
        deltas.AddRange(Pieces(Reasoning).Select(p => new JsonObject { [way.ReasoningName] = p }));
        deltas.AddRange(Pieces(Before).Select(static p => new JsonObject { ["content"] = p }));
        deltas.AddRange(CallDeltas(way));
        deltas.AddRange(Pieces(After).Select(static p => new JsonObject { ["content"] = p }));
        if (way.FinishAlone || deltas.Count == 0)
            deltas.Add([]);
        var text = new StringBuilder();
        for (int i = 0; i < deltas.Count; i++)
        {
            if (way.RepeatsRole)
                deltas[i]["role"] = "assistant";
            bool last = i == deltas.Count - 1;
            var choice = new JsonObject { ["index"] = 0, ["delta"] = deltas[i], ["finish_reason"] = last ? Finish : null };
            Event(text, way, i, new JsonArray(choice), last && way.UsageWithFinish ? UsageJson() : null, way.NullUsage);
        }
        if (!way.UsageWithFinish)
            Event(text, way, deltas.Count, [], UsageJson(), false);
        text.Append("data: [DONE]").Append(way.LineEnd).Append(way.LineEnd);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>As a stream of Messages events, as Anthropic tells it.</summary>
    public byte[] Blocks(out string stopReason)
    {
        stopReason = Finish switch { "length" => "max_tokens", "content_filter" => "refusal", "tool_calls" => "tool_use", _ => "end_turn" };
        bool ascii = _random.Next(2) == 0;
        var text = new StringBuilder();
        int index = 0;
        long fresh = Usage.InputTokens - Usage.CachedInputTokens - Usage.CacheWriteTokens;
        Say(text, ascii, new JsonObject
        {
            ["type"] = "message_start",
            ["message"] = new JsonObject
            {
                ["id"] = "msg_1", ["type"] = "message", ["role"] = "assistant", ["model"] = "claude-haiku-4-5-20251001", ["content"] = new JsonArray(), ["stop_reason"] = null, ["stop_sequence"] = null,
                ["usage"] = new JsonObject { ["input_tokens"] = fresh, ["cache_creation_input_tokens"] = Usage.CacheWriteTokens, ["cache_read_input_tokens"] = Usage.CachedInputTokens, ["output_tokens"] = 1 },
            },
        });
        if (Reasoning.Length > 0)
        {
            Block(new JsonObject { ["type"] = "thinking", ["thinking"] = "", ["signature"] = "" },
                [.. Pieces(Reasoning).Select(static p => new JsonObject { ["type"] = "thinking_delta", ["thinking"] = p }), new JsonObject { ["type"] = "signature_delta", ["signature"] = "c2lnbmVk" }]);
        }
        Words(Before);
        foreach ((string id, string name, string arguments) in Calls)
        {
            Block(new JsonObject { ["type"] = "tool_use", ["id"] = id, ["name"] = name, ["input"] = new JsonObject() },
                [new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = "" }, .. Pieces(arguments).Select(static p => new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = p })]);
        }
        Words(After);
        var counts = new JsonObject { ["output_tokens"] = Usage.OutputTokens };
        if (Usage.ReasoningTokens > 0)
            counts["output_tokens_details"] = new JsonObject { ["thinking_tokens"] = Usage.ReasoningTokens };
        Say(text, ascii, new JsonObject { ["type"] = "message_delta", ["delta"] = new JsonObject { ["stop_reason"] = stopReason, ["stop_sequence"] = null }, ["usage"] = counts });
        Say(text, ascii, new JsonObject { ["type"] = "message_stop" });
        return Encoding.UTF8.GetBytes(text.ToString());

        void Words(string words)
        {
            if (words.Length > 0)
                Block(new JsonObject { ["type"] = "text", ["text"] = "" }, [.. Pieces(words).Select(static p => new JsonObject { ["type"] = "text_delta", ["text"] = p })]);
        }

        void Block(JsonObject start, IReadOnlyList<JsonObject> deltas)
        {
            Say(text, ascii, new JsonObject { ["type"] = "content_block_start", ["index"] = index, ["content_block"] = start });
            foreach (JsonObject delta in deltas)
            {
                if (_random.Next(8) == 0)
                    Say(text, ascii, new JsonObject { ["type"] = "ping" });
                Say(text, ascii, new JsonObject { ["type"] = "content_block_delta", ["index"] = index, ["delta"] = delta });
            }
            Say(text, ascii, new JsonObject { ["type"] = "content_block_stop", ["index"] = index++ });
        }
    }

    /// <summary>Where to cut bytes of this length.</summary>
    public int[] Cuts(int length) => [.. Enumerable.Range(0, _random.Next(1, 12)).Select(_ => _random.Next(1, length)).Order()];

    private IEnumerable<JsonObject> CallDeltas(Way way)
    {
        List<Queue<JsonObject>> queues = [];
        for (int i = 0; i < Calls.Count; i++)
        {
            (string id, string name, string arguments) = Calls[i];
            List<JsonObject> pieces = [.. (_random.Next(4) == 0 ? [arguments] : Pieces(arguments)).Select(p => new JsonObject { ["index"] = i + way.FirstCall, ["function"] = new JsonObject { ["arguments"] = p } })];
            if (_random.Next(2) == 0)
                pieces.Insert(0, new JsonObject { ["index"] = i + way.FirstCall, ["function"] = new JsonObject { ["arguments"] = "" } });
            for (int k = 0; k < pieces.Count; k++)
            {
                if (k > 0 && !way.RepeatsCall)
                    continue;
                pieces[k]["id"] = id;
                pieces[k]["type"] = "function";
                pieces[k]["function"]!["name"] = name;
            }
            queues.Add(new Queue<JsonObject>(pieces));
        }
        bool interleaved = _random.Next(3) == 0;
        int begun = 0;
        while (queues.Exists(static q => q.Count > 0))
        {
            // A call begins after those before it; its further pieces may come between theirs.
            List<int> ready = [.. Enumerable.Range(0, queues.Count).Where(i => queues[i].Count > 0 && i <= begun)];
            int at = interleaved ? ready[_random.Next(ready.Count)] : ready[0];
            if (at == begun)
                begun++;
            yield return new JsonObject { ["tool_calls"] = new JsonArray(queues[at].Dequeue()) };
        }
    }

    private void Event(StringBuilder text, in Way way, int number, JsonArray choices, JsonObject? usage, bool nullUsage)
    {
        var chunk = new JsonObject { ["id"] = "chatcmpl-1", ["object"] = "chat.completion.chunk", ["created"] = 1_700_000_000 + (way.Timed ? number / 3 : 0), ["model"] = "m1", ["choices"] = choices };
        if (usage is not null || nullUsage)
            chunk["usage"] = usage;
        if (way.Comments && _random.Next(4) == 0)
            text.Append(": working").Append(way.LineEnd).Append(way.LineEnd);
        text.Append("data: ").Append(Json(chunk, way.Ascii)).Append(way.LineEnd).Append(way.LineEnd);
    }

    private static void Say(StringBuilder text, bool ascii, JsonObject data) =>
        text.Append("event: ").Append(data["type"]!.GetValue<string>()).Append("\ndata: ").Append(Json(data, ascii)).Append("\n\n");

    private JsonObject UsageJson()
    {
        var usage = new JsonObject { ["prompt_tokens"] = Usage.InputTokens, ["completion_tokens"] = Usage.OutputTokens, ["total_tokens"] = Usage.InputTokens + Usage.OutputTokens };
        if (Usage.CachedInputTokens + Usage.CacheWriteTokens > 0)
            usage["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = Usage.CachedInputTokens, ["cache_write_tokens"] = Usage.CacheWriteTokens };
        if (Usage.ReasoningTokens > 0)
            usage["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = Usage.ReasoningTokens };
        return usage;
    }

    /// <summary>Pieces of a text, cut between any two of its UTF-16 units: half a character may end one of them.</summary>
    private List<string> Pieces(string text)
    {
        List<string> pieces = [];
        for (int from = 0; from < text.Length;)
        {
            int length = Math.Min(_random.Next(1, 9), text.Length - from);
            pieces.Add(text.Substring(from, length));
            from += length;
        }
        return pieces;
    }

    private string Text(int least, int most) => string.Concat(Enumerable.Range(0, _random.Next(least, most)).Select(_ => Letters[_random.Next(Letters.Length)]));

    private string Arguments()
    {
        if (_random.Next(6) == 0)
            return "{}";
        var json = new JsonObject();
        for (int i = _random.Next(1, 4); i > 0; i--)
            json["k" + i.ToString(CultureInfo.InvariantCulture)] = _random.Next(3) switch { 0 => _random.Next(), 1 => new JsonArray(Text(0, 12), null, new JsonObject()), _ => Text(0, 20) };
        return json.ToJsonString(_random.Next(2) == 0 ? null : new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    /// <summary>JSON as two kinds of servers write it. Halves of characters are escapes in both: no other way is left for them.</summary>
    private static string Json(JsonNode? node, bool ascii)
    {
        switch (node)
        {
            case null:
                return "null";
            case JsonObject members:
                return "{" + string.Join(',', members.Select(m => Quoted(m.Key, ascii) + ":" + Json(m.Value, ascii))) + "}";
            case JsonArray items:
                return "[" + string.Join(',', items.Select(i => Json(i, ascii))) + "]";
            case JsonValue value when value.TryGetValue(out string? text):
                return Quoted(text, ascii);
            default:
                return node.ToJsonString();
        }
    }

    private static string Quoted(string text, bool ascii)
    {
        var quoted = new StringBuilder("\"");
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            bool pair = char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            if (c is '"' or '\\')
                quoted.Append('\\').Append(c);
            else if (c == '\n')
                quoted.Append("\\n");
            else if (pair && !ascii)
                quoted.Append(c).Append(text[++i]);
            else if (c < ' ' || char.IsSurrogate(c) || (ascii && c > '~'))
                quoted.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else
                quoted.Append(c);
        }
        return quoted.Append('"').ToString();
    }

    private readonly record struct Way(
        bool Ascii, string ReasoningName, bool RepeatsRole, bool RepeatsCall, int FirstCall, bool Timed, bool NullUsage, string LineEnd, bool Comments, bool UsageWithFinish, bool FinishAlone);
}
