using System.Text;
using System.Text.Json;
using Fairlead.Domain.Problems;

namespace Fairlead.Protocols.Faults;

/// <summary>What an upstream's error body says, whichever of the twelve shapes it comes in. Nothing in it is trusted; nothing in it can throw.</summary>
/// <param name="Message">Prose; empty when there was none.</param>
/// <param name="Type">The <c>type</c> or <c>error_type</c>; empty when there was none.</param>
/// <param name="Code">The <c>code</c>, or Anthropic's <c>details.error_code</c>, number or text; empty when there was none.</param>
/// <param name="Param">The field that is blamed; empty when none is.</param>
/// <param name="Status">A status inside the body (<c>code</c>, <c>http_status_code</c>, <c>status</c>), 400 to 599, or the one that goes with the type in Anthropic's
/// envelope; null when there was none.</param>
/// <param name="RetryAfter">A waiting hint inside the body; null when there was none.</param>
/// <param name="InFlightBudget">OpenRouter's mark of a 402 that passes by itself.</param>
/// <param name="Flagged">OpenRouter's mark of a 403 that is about the content.</param>
public sealed record ErrorBody(
    string Message, string Type, string Code, string Param, int? Status, TimeSpan? RetryAfter, bool InFlightBudget, bool Flagged)
{
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 32 };
    private static readonly ErrorBody Nothing = new("", "", "", "", null, null, false, false);

    /// <summary>Reads a body of at most 64 KiB; the beginning of a larger one is prose at best.</summary>
    public static ErrorBody Parse(ReadOnlySpan<byte> body)
    {
        body = body.Length > 65_536 ? body[..65_536] : body;
        if (body.IsEmpty)
            return Nothing;
        try
        {
            // By way of text: bytes that are no UTF-8 would throw later, at the member that holds them.
            using JsonDocument document = JsonDocument.Parse(Encoding.UTF8.GetString(body), Lenient);
            return FromElement(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // no JSON, or half a character in an escape
        {
            return Nothing with { Message = Redaction.PlainText(Encoding.UTF8.GetString(body)) };
        }
    }

    private static ErrorBody FromElement(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0)
            root = root[0]; // Gemini
        if (root.ValueKind == JsonValueKind.String)
            return Nothing with { Message = root.GetString() ?? "" };
        if (root.ValueKind != JsonValueKind.Object)
            return Nothing;

        JsonElement inner = root;
        string message = "";
        if (root.TryGetProperty("error", out JsonElement error))
        {
            if (error.ValueKind == JsonValueKind.Object)
                inner = error;
            else if (error.ValueKind == JsonValueKind.String)
                message = error.GetString() ?? "";
            else if (error.ValueKind == JsonValueKind.Array && error.GetArrayLength() > 0)
                message = error[0].ToString();
        }
        if (message.Length == 0)
            message = MessageOf(inner);
        if (message.Length == 0)
            message = MessageOf(root);
        string type = First(inner, "type", "status", "error_type");
        if (type.Length == 0 || type == "error")
            type = First(root, "error_type", "reason", "type") is { Length: > 0 } outer && outer != "error" ? outer : type;
        string code = First(inner, "code");
        if (code.Length == 0)
            code = First(root, "code", "reason");
        if (code.Length == 0 && root.TryGetProperty("fault", out JsonElement fault) && fault.ValueKind == JsonValueKind.Object && fault.TryGetProperty("detail", out JsonElement detail))
            code = First(detail, "errorcode");
        // Where Anthropic's type says only how to react, this says what is the matter.
        if (code.Length == 0 && inner.ValueKind == JsonValueKind.Object && inner.TryGetProperty("details", out JsonElement details))
            code = First(details, "error_code");
        // Novita writes a number and, beside it, the word that means something.
        if (root.TryGetProperty("reason", out JsonElement reason) && reason.ValueKind == JsonValueKind.String && int.TryParse(code, out _))
            code = reason.GetString() ?? code;
        return new ErrorBody(message, type, code, First(inner, "param"), StatusIn(inner) ?? StatusIn(root) ?? StatusOfType(root, type), Hint(root, inner), InFlight(inner), Moderated(inner));
    }

    private static string MessageOf(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            return "";
        foreach (string name in (ReadOnlySpan<string>)["message", "detail", "title", "faultstring"])
        {
            if (element.TryGetProperty(name, out JsonElement value) && Text(value) is { Length: > 0 } text)
                return text;
        }
        return element.TryGetProperty("fault", out JsonElement fault) ? MessageOf(fault) : "";
    }

    private static string Text(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return value.GetString() ?? "";
            case JsonValueKind.Array:
                var parts = new List<string>();
                foreach (JsonElement item in value.EnumerateArray().Take(5))
                {
                    if (item.ValueKind != JsonValueKind.Object)
                    {
                        parts.Add(item.ToString());
                        continue;
                    }
                    string where = item.TryGetProperty("loc", out JsonElement loc) && loc.ValueKind == JsonValueKind.Array ? string.Join('.', loc.EnumerateArray()) + ": " : "";
                    parts.Add(where + First(item, "msg", "message"));
                }
                return string.Join("; ", parts);
            case JsonValueKind.Object:
                return First(value, "error", "message") is { Length: > 0 } text ? text : MessageOf(value);
            default:
                return "";
        }
    }

    private static string First(JsonElement element, params ReadOnlySpan<string> names)
    {
        if (element.ValueKind != JsonValueKind.Object)
            return "";
        foreach (string name in names)
        {
            if (!element.TryGetProperty(name, out JsonElement value))
                continue;
            if (value.ValueKind == JsonValueKind.String)
                return value.GetString() ?? "";
            if (value.ValueKind == JsonValueKind.Number)
                return value.GetRawText();
        }
        return "";
    }

    private static int? StatusIn(JsonElement element)
    {
        foreach (string name in (ReadOnlySpan<string>)["http_status_code", "raw_status_code", "code", "status"])
        {
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value)
                && (value.ValueKind == JsonValueKind.Number ? value.TryGetInt32(out int status) : int.TryParse(value.ToString(), out status))
                && status is >= 400 and <= 599)
            {
                return status;
            }
        }
        return null;
    }

    /// <summary>In a stream Anthropic's envelope comes without the status line that would have gone with it.</summary>
    private static int? StatusOfType(JsonElement root, string type)
    {
        if (First(root, "type") != "error")
            return null;
        foreach (int status in (ReadOnlySpan<int>)[400, 401, 402, 403, 404, 409, 413, 429, 500, 504, 529])
        {
            if (AnthropicTerms.Type(status) == type)
                return status;
        }
        return null;
    }

    private static TimeSpan? Hint(JsonElement root, JsonElement inner)
    {
        if (root.TryGetProperty("estimated_time", out JsonElement estimated) && estimated.ValueKind == JsonValueKind.Number && estimated.TryGetDouble(out double seconds))
            return WaitingHint.Seconds(seconds);
        if (inner.ValueKind == JsonValueKind.Object && inner.TryGetProperty("details", out JsonElement details) && details.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in details.EnumerateArray().Take(16))
            {
                if (First(item, "retryDelay") is { Length: > 0 } delay)
                    return WaitingHint.Duration(delay);
            }
        }
        return null;
    }

    private static bool InFlight(JsonElement inner) =>
        Metadata(inner) is { } metadata && First(metadata, "limit_source") == "openrouter_in_flight_budget";

    private static bool Moderated(JsonElement inner) =>
        Metadata(inner) is { } metadata && metadata.TryGetProperty("reasons", out JsonElement reasons) && reasons.ValueKind == JsonValueKind.Array;

    private static JsonElement? Metadata(JsonElement inner) =>
        inner.ValueKind == JsonValueKind.Object && inner.TryGetProperty("metadata", out JsonElement metadata) && metadata.ValueKind == JsonValueKind.Object
            ? metadata
            : null;
}
