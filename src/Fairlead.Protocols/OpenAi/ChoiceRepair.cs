using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Faults;

namespace Fairlead.Protocols.OpenAi;

/// <summary>What has gone by of one choice, and how its next piece is brought into form.</summary>
internal sealed class ChoiceRepair(string answerId, int index)
{
    private static readonly string[] Texts = ["content", "reasoning_content", "reasoning", "refusal"];

    private readonly ToolCallRepair _calls = new(answerId, index);
    private Dictionary<string, char>? _halves;

    public bool HasRole { get; set; }
    public bool Finished { get; set; }

    /// <summary>Pieces that brought content, reasoning, a refusal or a tool call.</summary>
    public long ContentEvents { get; set; }

    public bool HasToolCalls => _calls.Count > 0;

    /// <summary>A tool call's arguments broke off inside.</summary>
    public bool IsIncomplete => _calls.IsIncomplete;

    /// <summary>The number that the caller knows a call by, from the upstream's; null where none of that number has begun.</summary>
    public int? NumberOf(int upstream) => _calls.NumberOf(upstream);

    /// <summary>A further piece of a call's arguments passes as it is.</summary>
    /// <param name="call">Its number, as the caller knows it.</param>
    /// <param name="arguments">Between its quotes, escapes as written.</param>
    public void Continue(int call, ReadOnlySpan<byte> arguments) => _calls.Continue(call, arguments);

    /// <summary>Half a character waits for its other half: the next piece cannot pass as it is.</summary>
    public bool HoldsHalf => _halves is { Count: > 0 };

    /// <summary>What became of a piece.</summary>
    /// <param name="Keep">There is something for the caller in it.</param>
    /// <param name="Content">Bytes of what it says; 0 when it says nothing.</param>
    /// <param name="Fault">Set when the answer cannot go on.</param>
    internal readonly record struct Result(bool Keep, int Content, UpstreamFault? Fault);

    /// <summary>Mends a piece in place. Nothing is kept of what comes after the end (F017, F019).</summary>
    public Result Repair(JsonObject choice, bool chat, bool halves)
    {
        if (Finished)
            return default;
        choice["index"] = index;
        string? finish = choice["finish_reason"].AsText() is { Length: > 0 } word ? word : null;
        if (finish is not null && FinishReasons.Normal(finish) is null)
            return Failed(FaultKind.ErrorInStream, $"The provider ended the answer as '{Redaction.Clean(finish, 40)}'.");

        string Join(string key, string text) => this.Join(key, text, halves, finish is not null);
        int content;
        bool keep;
        if (chat)
        {
            JsonObject delta = DeltaOf(choice);
            if (delta.Count == 0 && finish is null)
                return default; // says nothing (F027)
            if (Delta(delta, Join) is not { } said)
                return Failed(FaultKind.Malformed, "The answer calls more tools than any client takes.");
            content = said;
            if (finish is not null)
                _calls.CompleteArguments(delta);
            keep = content > 0 || delta.Count > 0;
        }
        else
        {
            keep = choice["text"].AsText() is not null;
            string text = Join("text", choice["text"].AsText() ?? "");
            choice["text"] = text;
            content = Encoding.UTF8.GetByteCount(text);
        }
        choice["finish_reason"] = null;
        if (finish is null)
            return new Result(keep, content, null);
        Finish(choice, finish);
        return new Result(true, content, null);
    }

    /// <summary>The reason as the caller is told it, given what the choice has said.</summary>
    public string Reason(string word) => word switch
    {
        "stop" when HasToolCalls => "tool_calls",
        "tool_calls" when !HasToolCalls => "stop",
        _ => word,
    };

    private void Finish(JsonObject choice, string finish)
    {
        Finished = true;
        choice["finish_reason"] = Reason(FinishReasons.Normal(finish)!);
        if (!FinishReasons.IsKnown(finish) && choice["native_finish_reason"] is null)
            choice["native_finish_reason"] = finish; // as OpenRouter names it; a word without a place in OpenAI's list is not lost
    }

    private static JsonObject DeltaOf(JsonObject choice)
    {
        if (choice["delta"] is JsonObject delta)
        {
            choice.Remove("message");
            return delta;
        }
        // Some servers answer a stream with whole messages.
        var message = choice["message"] as JsonObject;
        choice.Remove("message");
        choice["delta"] = message ??= [];
        return message;
    }

    /// <returns>Bytes of what it says; null when it calls too many tools.</returns>
    private int? Delta(JsonObject delta, Func<string, string, string> join)
    {
        if (delta["content"] is JsonArray parts)
            ContentParts.Flatten(delta, parts);
        if (delta["reasoning_content"].AsText() is { Length: > 0 } reasoning && delta["reasoning"].AsText() == reasoning)
            delta.Remove("reasoning"); // said twice under two names (F143)
        int content = 0;
        foreach (string name in Texts)
        {
            if (delta[name].AsText() is { } text)
            {
                string joined = join(name, text);
                delta[name] = joined;
                content += Encoding.UTF8.GetByteCount(joined);
            }
            else if (delta[name] is not null)
            {
                delta.Remove(name); // clients would print a number or an object as text
            }
            else if (HoldsHalf && join(name, "") is { Length: > 0 } left)
            {
                delta[name] = left;
                content += Encoding.UTF8.GetByteCount(left);
            }
        }
        if (delta["function_call"] is JsonObject legacy)
            delta["tool_calls"] = new JsonArray(new JsonObject { ["index"] = 0, ["function"] = legacy.DeepClone() });
        delta.Remove("function_call");
        if (delta["tool_calls"] is JsonArray calls)
        {
            if (_calls.Repair(calls, join) is not { } bytes)
                return null;
            content += calls.Count > 0 ? Math.Max(bytes, 1) : 0;
        }
        if (delta["tool_calls"] is not JsonArray { Count: > 0 })
            delta.Remove("tool_calls");
        Role(delta);
        return content;
    }

    /// <summary>Told once, in the first piece: OpenAI's Python helper concatenates a role that is repeated, the Node helper misses one that never comes.</summary>
    private void Role(JsonObject delta)
    {
        delta.Remove("role");
        if (HasRole)
            return;
        delta.Insert(0, "role", "assistant"); // the only one that an answer has; some say "model"
        HasRole = true;
    }

    /// <summary>Keeps the high half of a character that ends a piece until the low half begins the next one of the same text (F149).</summary>
    private string Join(string key, string text, bool halves, bool finishing)
    {
        char high = default;
        bool held = _halves is not null && _halves.Remove(key, out high);
        if (!halves && !held)
            return text;
        string joined = (held ? high.ToString() : "") + (halves ? OddJson.Unmark(text) : text);
        if (held && text.Length == 0 && !finishing)
        {
            (_halves ??= [])[key] = high;
            return "";
        }
        if (!finishing && joined.Length > 0 && char.IsHighSurrogate(joined[^1]))
        {
            (_halves ??= [])[key] = joined[^1];
            joined = joined[..^1];
        }
        // A half that stays alone becomes U+FFFD.
        return string.Concat(joined.EnumerateRunes().Select(static rune => rune.ToString()));
    }

    private static Result Failed(FaultKind kind, string detail) => new(false, 0, new UpstreamFault(kind, detail, 200));
}
