using System.Text.Unicode;
using Fairlead.Domain.Inference;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

/// <summary>One forward look over a whole answer: is it one, does it need mending, where is its usage.</summary>
internal struct WholeGlance
{
    private static readonly JsonBounds Bounds = new() { Depth = 64, Members = 4_000_000, Values = 64_000_000, NumberLength = 64 };

    public bool HasError;

    /// <summary>Why it is no answer; null when it is one.</summary>
    public string? Broken;

    public bool NeedsMending;

    /// <summary>The usage object; empty when there is none.</summary>
    public Range Usage;

    /// <summary>Bytes of what was said: content, reasoning, refusals, tool calls.</summary>
    public long TextBytes;

    /// <summary>Kind of the first embedding; 0 when there is none.</summary>
    public JsonKind FirstEmbedding;

    public static WholeGlance At(ReadOnlySpan<byte> text, Route route)
    {
        // Invalid UTF-8 is mended before anything else is read of it (fault U-26).
        var glance = new WholeGlance { NeedsMending = !Utf8.IsValid(text) };
        var cursor = new JsonCursor(text, Bounds);
        if (cursor.Peek() != JsonKind.Object)
        {
            glance.Broken = text.StartsWith("<"u8) ? "The body is a page for people (HTML)." : cursor.Fault is null ? "The body is JSON, but no object." : "The body is not JSON.";
            return glance;
        }
        cursor.Enter();
        bool first = true;
        bool id = false, model = false, created = false, list = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            JsonKind kind = cursor.Peek();
            if (name.SequenceEqual("error"u8))
            {
                glance.NeedsMending = true;
                glance.HasError |= cursor.Skip(out Range error) && !(kind is JsonKind.Null or JsonKind.False || text[error].SequenceEqual("\"\""u8));
                continue;
            }
            if (name.SequenceEqual(route == Route.Embeddings ? "data"u8 : "choices"u8) && kind == JsonKind.Array)
            {
                list = route == Route.Embeddings ? Embeddings(ref cursor, ref glance) : Choices(ref cursor, text, route, ref glance);
                continue;
            }
            bool named = kind == JsonKind.String && !text[cursor.Position..].StartsWith("\"\""u8);
            if (name.SequenceEqual("id"u8))
                id = named;
            else if (name.SequenceEqual("model"u8))
                model = named;
            else if (name.SequenceEqual("created"u8))
                created = kind == JsonKind.Number;
            else if (name.SequenceEqual("system_fingerprint"u8))
                glance.NeedsMending |= kind is not (JsonKind.String or JsonKind.Null);
            bool usage = name.SequenceEqual("usage"u8) && kind == JsonKind.Object;
            if (!cursor.Skip(out Range range))
                break;
            if (usage)
                glance.Usage = range;
        }
        if (cursor.Fault is { } fault || !cursor.AtEnd() && (fault = cursor.Fault!) is not null)
        {
            // NaN and lone surrogate halves are odd, not broken: the mender reads them.
            if (fault.Reason.Contains("surrogate", StringComparison.Ordinal) || LooksLikeNoNumber(text, fault.Offset))
                glance.NeedsMending = true;
            else
                glance.Broken = $"The body is not JSON: at byte {fault.Offset} {fault.Reason}.";
            return glance;
        }
        if (!list && !glance.HasError)
            glance.Broken = route == Route.Embeddings ? "The answer has no 'data'." : "The answer has no 'choices'.";
        if (route != Route.Embeddings)
            glance.NeedsMending |= !id || !model || !created;
        return glance;
    }

    private static bool Choices(ref JsonCursor cursor, ReadOnlySpan<byte> text, Route route, ref WholeGlance glance)
    {
        cursor.Enter();
        bool first = true;
        int count = 0;
        while (cursor.NextElement(ref first))
        {
            if (cursor.Peek() != JsonKind.Object)
                return false;
            if (!Choice(ref cursor, text, route, ref glance))
                return false;
            count++;
        }
        return count > 0 && cursor.Fault is null;
    }

    private static bool Choice(ref JsonCursor cursor, ReadOnlySpan<byte> text, Route route, ref WholeGlance glance)
    {
        cursor.Enter();
        bool first = true;
        bool said = false, finished = false, numbered = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            JsonKind kind = cursor.Peek();
            bool message = name.SequenceEqual("message"u8) && kind == JsonKind.Object;
            bool finish = name.SequenceEqual("finish_reason"u8) && kind == JsonKind.String;
            numbered |= kind == JsonKind.Number && name.SequenceEqual("index"u8);
            bool completion = route == Route.Completions && name.SequenceEqual("text"u8) && kind == JsonKind.String;
            said |= message || completion;
            if (!cursor.Skip(out Range range))
                return false;
            ReadOnlySpan<byte> value = text[range];
            if (completion)
                glance.TextBytes += value.Length - 2;
            if (message)
                glance.NeedsMending |= !IsPlainMessage(value, ref glance.TextBytes);
            if (finish)
            {
                finished = true;
                glance.NeedsMending |= !(value.SequenceEqual("\"stop\""u8) || value.SequenceEqual("\"length\""u8) || value.SequenceEqual("\"content_filter\""u8));
            }
        }
        glance.NeedsMending |= !finished || !numbered;
        return said;
    }

    /// <summary>A role and text, or well-formed tool calls, and nothing that clients stumble over; the rest is looked at more closely.</summary>
    private static bool IsPlainMessage(ReadOnlySpan<byte> message, ref long textBytes)
    {
        var cursor = new JsonCursor(message, Bounds);
        cursor.Enter();
        bool first = true;
        bool role = false, content = false, plain = true, reasoning = false;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out _))
        {
            JsonKind kind = cursor.Peek();
            if (!cursor.Skip(out Range range))
                return false;
            long bytes = kind == JsonKind.String ? message[range].Length - 2 : 0;
            if (name.SequenceEqual("role"u8))
            {
                role = message[range].SequenceEqual("\"assistant\""u8);
            }
            else if (name.SequenceEqual("content"u8))
            {
                content = kind == JsonKind.String;
                textBytes += bytes;
            }
            else if (name.SequenceEqual("refusal"u8))
            {
                textBytes += bytes;
            }
            else if (name.SequenceEqual("tool_calls"u8) || name.SequenceEqual("function_call"u8))
            {
                plain &= kind == JsonKind.Null;
                textBytes += kind == JsonKind.Null ? 0 : message[range].Length;
            }
            else if (name.SequenceEqual("reasoning"u8) || name.SequenceEqual("reasoning_content"u8))
            {
                plain &= kind is JsonKind.String or JsonKind.Null && !(bytes > 0 && reasoning);
                textBytes += reasoning ? 0 : bytes;
                reasoning |= bytes > 0;
            }
        }
        return role && content && plain;
    }

    private static bool Embeddings(ref JsonCursor cursor, ref WholeGlance glance)
    {
        cursor.Enter();
        bool first = true;
        while (cursor.NextElement(ref first))
        {
            if (cursor.Peek() != JsonKind.Object)
                return false;
            cursor.Enter();
            bool inner = true;
            while (cursor.NextMember(ref inner, out ReadOnlySpan<byte> name, out _))
            {
                JsonKind kind = cursor.Peek();
                if (glance.FirstEmbedding == 0 && name.SequenceEqual("embedding"u8))
                    glance.FirstEmbedding = kind;
                cursor.Skip();
            }
        }
        return glance.FirstEmbedding is JsonKind.Array or JsonKind.String && cursor.Fault is null;
    }

    private static bool LooksLikeNoNumber(ReadOnlySpan<byte> text, int offset)
    {
        ReadOnlySpan<byte> there = offset < text.Length ? text[offset..] : default;
        return there.StartsWith("NaN"u8) || there.StartsWith("Infinity"u8) || there.StartsWith("-Infinity"u8) || there.StartsWith("-I"u8);
    }
}
