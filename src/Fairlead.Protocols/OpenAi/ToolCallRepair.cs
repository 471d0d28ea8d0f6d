using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Protocols.OpenAi;

/// <summary>The tool calls of one choice: which call a piece belongs to, and what of it the caller has not been told.</summary>
/// <remarks>OpenAI's helpers concatenate whatever is repeated and need numbers from 0 without gaps, so names, ids and types are told once.</remarks>
internal sealed class ToolCallRepair(string answerId, int choice)
{
    /// <summary>OpenAI's Node helper throws at the number 128.</summary>
    private const int MostCalls = 128;

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly List<Call> _calls = [];

    public int Count => _calls.Count;

    /// <summary>Some call's arguments broke off inside (fault U-37).</summary>
    public bool IsIncomplete => _calls.Exists(static c => c.Arguments.IsOpen);

    /// <summary>Our number of the call that a piece with no more than the upstream's number belongs to; null when there is none.</summary>
    public int? NumberOf(int upstream)
    {
        for (int i = _calls.Count - 1; i >= 0; i--)
        {
            if (_calls[i].UpstreamIndex == upstream)
                return _calls[i].IsFunction ? i : null;
        }
        return null;
    }

    /// <summary>A further piece of a call's arguments has passed, escapes as written.</summary>
    public void Continue(int call, ReadOnlySpan<byte> arguments) => _calls[call].Arguments.FeedEscaped(arguments);

    /// <summary>Mends the pieces in place.</summary>
    /// <param name="pieces">The delta's <c>tool_calls</c>.</param>
    /// <param name="join">Puts halves of characters together: the key of the text, and the text.</param>
    /// <returns>Bytes of names and arguments; null when there are more calls than any client takes.</returns>
    public int? Repair(JsonArray pieces, Func<string, string, string> join)
    {
        int bytes = 0;
        for (int i = 0; i < pieces.Count; i++)
        {
            if (pieces[i] is not JsonObject piece)
            {
                pieces.RemoveAt(i--);
                continue;
            }
            if (Find(piece, out bool begins) is not { } call)
                return null;
            piece["index"] = call.Index;
            piece.Remove("id");
            if (begins)
            {
                piece.Insert(1, "id", call.Id);
                piece["type"] = piece["type"].AsText() is { Length: > 0 } type ? type : "function";
            }
            else
            {
                piece.Remove("type");
            }
            bytes += Function(piece, call, join);
        }
        return bytes;
    }

    /// <summary>A call without a single character of arguments gets an empty object: clients parse them (F132).</summary>
    public void CompleteArguments(JsonObject delta)
    {
        foreach (Call call in _calls)
        {
            if (call.Arguments.HasAny || !call.IsFunction)
                continue;
            call.Arguments.Feed("{}");
            if (delta["tool_calls"] is not JsonArray pieces)
                delta["tool_calls"] = pieces = [];
            JsonObject? here = pieces.OfType<JsonObject>().FirstOrDefault(p => p["index"]!.GetValue<int>() == call.Index);
            if (here?["function"] is JsonObject function)
                function["arguments"] = "{}";
            else
                pieces.Add((JsonNode)new JsonObject { ["index"] = call.Index, ["function"] = new JsonObject { ["arguments"] = "{}" } });
        }
    }

    private static int Function(JsonObject piece, Call call, Func<string, string, string> join)
    {
        if (piece["function"] is not JsonObject function)
            return 0;
        int bytes = 0;
        call.IsFunction = true;
        if (function["name"].AsText() is { Length: > 0 } name && call.Name is null)
        {
            call.Name = name;
            bytes = Encoding.UTF8.GetByteCount(name);
        }
        else
        {
            function.Remove("name");
        }
        string arguments = function["arguments"] switch
        {
            null => "",
            JsonNode node when node.AsText() is { } text => join($"arguments:{call.Index}", text),
            { } other => other.ToJsonString(Relaxed),
        };
        function["arguments"] = arguments;
        call.Arguments.Feed(arguments);
        return bytes + Encoding.UTF8.GetByteCount(arguments);
    }

    private Call? Find(JsonObject piece, out bool begins)
    {
        string? id = piece["id"].AsText() is { Length: > 0 } given ? given : null;
        int? upstream = piece["index"] is JsonValue number && number.TryGetValue(out int i) ? i : null;
        string? name = (piece["function"] as JsonObject)?["name"].AsText() is { Length: > 0 } word ? word : null;
        Call? known = Known(id, upstream, name);
        begins = known is null;
        if (known is not null)
        {
            known.UpstreamId ??= id;
            return known;
        }
        if (_calls.Count >= MostCalls)
            return null;
        known = new Call(_calls.Count, upstream, id ?? CallIds.For(answerId, choice, _calls.Count)) { UpstreamId = id };
        _calls.Add(known);
        return known;
    }

    /// <summary>By its number, unless the id says that it is another one (F128, F129).</summary>
    private Call? Known(string? id, int? upstream, string? name)
    {
        if (id is not null && _calls.FindLast(c => c.UpstreamId == id) is { } same)
            return same;
        Call? known = upstream is null ? _calls.LastOrDefault() : _calls.FindLast(c => c.UpstreamIndex == upstream);
        if (known is null || (id is not null && known.UpstreamId is not null))
            return null;
        // Without numbers and ids a new name, or a name after arguments that are whole, is all that tells two calls apart.
        bool another = upstream is null && id is null && name is not null && known.Name is not null && (known.Name != name || known.Arguments.IsWhole);
        return another ? null : known;
    }

    private sealed class Call(int index, int? upstreamIndex, string id)
    {
        public JsonBalance Arguments;

        public int Index { get; } = index;
        public int? UpstreamIndex { get; } = upstreamIndex;
        public string Id { get; } = id;
        public string? UpstreamId { get; set; }
        public string? Name { get; set; }
        public bool IsFunction { get; set; }
    }
}
