using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What has gone by of one choice, and how its next piece is brought into form.</summary>
internal sealed class ChoiceRepair
{
    private readonly List<ToolCall> _calls = [];

    public bool HasRole { get; set; }
    public bool Finished { get; set; }

    /// <summary>Content, a tool call or a refusal has come.</summary>
    public bool Said { get; set; }

    public long ContentEvents { get; set; }

    public bool HasToolCalls => _calls.Count > 0;

    /// <summary>What became of a piece.</summary>
    internal readonly record struct Result(bool Keep, bool IsSemantic, int Content, string? Fault);

    public Result Repair(JsonObject choice, int index, bool chat)
    {
        choice["index"] = index;
        string? finish = Text(choice["finish_reason"]);
        int content = 0;
        bool any = false;
        if (chat)
        {
            // Some servers answer a stream with whole messages.
            if (choice["delta"] is not JsonObject delta)
                delta = (choice["message"] as JsonObject)?.DeepClone().AsObject() ?? [];
            choice.Remove("message");
            choice["delta"] = null;
            choice["delta"] = delta;
            any = Delta(delta, finish is { Length: > 0 }, out content);
        }
        else if (Text(choice["text"]) is { Length: > 0 } text)
        {
            content = Encoding.UTF8.GetByteCount(text);
            any = true;
        }
        if (Finished)
            return default; // what comes after the end is not the answer's (F017, F019)
        if (finish is not { Length: > 0 })
        {
            choice["finish_reason"] = null;
            bool keep = any || (chat && (choice["delta"] as JsonObject)!.Count > 0) || (!chat && choice["text"] is not null);
            return new Result(keep, any, content, null);
        }
        if (FinishReasons.Normal(finish) is not { } word)
            return new Result(false, false, 0, $"The provider ended the answer as '{Redaction.Clean(finish, 40)}'.");
        Finished = true;
        if (word == "stop" && HasToolCalls)
            word = "tool_calls";
        else if (word == "tool_calls" && !HasToolCalls)
            word = "stop";
        choice["finish_reason"] = word;
        return new Result(true, true, content, null);
    }

    private bool Delta(JsonObject delta, bool finishing, out int content)
    {
        content = 0;
        if (!HasRole && delta["role"] is null && !Finished)
            delta.Insert(0, "role", "assistant");
        HasRole = true;
        if (delta["content"] is JsonArray parts)
            Parts(delta, parts);
        bool any = false;
        string? reasoning = Text(delta["reasoning_content"]);
        if (reasoning is { Length: > 0 } && Text(delta["reasoning"]) == reasoning)
            delta.Remove("reasoning"); // said twice under two names (F143)
        foreach (string name in (ReadOnlySpan<string>)["content", "reasoning_content", "reasoning", "refusal"])
        {
            if (Text(delta[name]) is { Length: > 0 } text)
            {
                content += Encoding.UTF8.GetByteCount(text);
                any = true;
            }
        }
        if (delta["function_call"] is JsonObject legacy)
        {
            delta.Remove("function_call");
            delta["tool_calls"] = new JsonArray(new JsonObject { ["index"] = 0, ["function"] = legacy.DeepClone() });
        }
        if (delta["tool_calls"] is JsonArray calls && calls.Count > 0)
        {
            content += ToolCalls(calls);
            any |= calls.Count > 0;
        }
        else
        {
            delta.Remove("tool_calls"); // null or empty: says nothing
        }
        if (finishing)
            CompleteArguments(delta);
        return any;
    }

    /// <summary>Content as parts (Mistral): text joined as content, thinking as reasoning.</summary>
    private static void Parts(JsonObject delta, JsonArray parts)
    {
        var text = new StringBuilder();
        var thinking = new StringBuilder();
        foreach (JsonNode? node in parts)
        {
            if (node is not JsonObject part)
                continue;
            if (Text(part["type"]) == "thinking")
            {
                foreach (JsonNode? inner in part["thinking"] as JsonArray ?? [])
                    thinking.Append(Text((inner as JsonObject)?["text"]));
                thinking.Append(Text(part["thinking"]));
            }
            else
            {
                text.Append(Text(part["text"]));
            }
        }
        delta.Remove("content");
        if (thinking.Length > 0)
            delta["reasoning_content"] = thinking.ToString();
        if (text.Length > 0)
            delta["content"] = text.ToString();
    }

    private int ToolCalls(JsonArray calls)
    {
        int bytes = 0;
        foreach (JsonNode? node in calls.ToArray())
        {
            if (node is not JsonObject call)
            {
                calls.Remove(node);
                continue;
            }
            var function = call["function"] as JsonObject;
            string? id = Text(call["id"]);
            int? upstream = call["index"] is JsonValue i && i.TryGetValue(out int number) ? number : null;
            ToolCall known = Find(upstream, id, function, out bool begins);
            call["index"] = known.Index;
            if (begins)
            {
                call["id"] = known.Id;
                call["type"] = Text(call["type"]) is { Length: > 0 } type ? type : "function";
            }
            else
            {
                // OpenAI's helpers concatenate what is repeated.
                call.Remove("id");
                call.Remove("type");
            }
            if (function is null)
                continue;
            if (Text(function["name"]) is { Length: > 0 } name)
            {
                if (known.Name is null)
                    known.Name = name;
                else
                    function.Remove("name");
            }
            string arguments = function["arguments"] switch
            {
                null => "",
                JsonValue value when value.TryGetValue(out string? text) => text,
                { } other => other.ToJsonString(),
            };
            known.ArgumentBytes += arguments.Length;
            bytes += Encoding.UTF8.GetByteCount(arguments) + (begins ? 1 : 0);
            function["arguments"] = arguments;
        }
        return Math.Max(bytes, calls.Count > 0 ? 1 : 0);
    }

    /// <summary>Which call a piece belongs to: by its number, unless the id says it is another one (F128, F129); numbers are ours, from 0 without gaps.</summary>
    private ToolCall Find(int? upstream, string? id, JsonObject? function, out bool begins)
    {
        begins = false;
        ToolCall? known = upstream is null
            ? (id is { Length: > 0 } ? _calls.FindLast(c => c.UpstreamId == id) : _calls.LastOrDefault())
            : _calls.FindLast(c => c.UpstreamIndex == upstream);
        bool another = known is not null && id is { Length: > 0 } && known.UpstreamId is { Length: > 0 } && known.UpstreamId != id;
        if (another)
            known = _calls.FindLast(c => c.UpstreamId == id);
        bool names = Text(function?["name"]) is { Length: > 0 };
        if (known is null && (names || id is { Length: > 0 } || _calls.Count == 0))
        {
            begins = true;
            known = new ToolCall(_calls.Count, upstream, id, id is { Length: > 0 } ? id : "call_" + Guid.CreateVersion7().ToString("N")[..24]);
            _calls.Add(known);
        }
        return known ?? _calls[^1];
    }

    /// <summary>A call without a single character of arguments gets an empty object: clients parse them (F132).</summary>
    private void CompleteArguments(JsonObject delta)
    {
        foreach (ToolCall call in _calls)
        {
            if (call.ArgumentBytes > 0)
                continue;
            call.ArgumentBytes = 2;
            JsonArray calls = delta["tool_calls"] as JsonArray ?? [];
            JsonNode? here = calls.FirstOrDefault(c => c?["index"]?.GetValue<int>() == call.Index);
            if (here?["function"] is JsonObject function)
                function["arguments"] = "{}";
            else
                calls.Add((JsonNode)new JsonObject { ["index"] = call.Index, ["function"] = new JsonObject { ["arguments"] = "{}" } });
            if (calls.Parent is null)
                delta["tool_calls"] = calls;
        }
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    private sealed class ToolCall(int index, int? upstreamIndex, string? upstreamId, string id)
    {
        public int Index { get; } = index;
        public int? UpstreamIndex { get; } = upstreamIndex;
        public string? UpstreamId { get; } = upstreamId;
        public string Id { get; } = id;
        public string? Name { get; set; }
        public int ArgumentBytes { get; set; }
    }
}
