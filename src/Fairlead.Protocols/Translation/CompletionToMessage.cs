using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Tells a whole chat completion as a message.</summary>
internal static class CompletionToMessage
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 128 };

    /// <summary>Checks a body that came with a 2xx: a completion that can be told as a message. A call without a name is none, as in a stream.</summary>
    public static AnswerCheck Check(ReadOnlySpan<byte> body, in StreamExpectations expected)
    {
        AnswerCheck check = WholeAnswer.Check(Route.Chat, body, expected with { Route = Route.Chat });
        // Most answers call nothing, and need not be read twice to see it. An escape may spell any word.
        if (check.Fault is not null || (body.IndexOf("call"u8) < 0 && body.IndexOf("\\u"u8) < 0))
            return check;
        return Calls(Message(Parse(body, check), out _)).Any(static call => NameOf(call).Length == 0) ? new AnswerCheck(BlockWriter.NamelessCall(), null, 0, default, null) : check;
    }

    /// <param name="body">As <see cref="Check"/> saw it.</param>
    /// <param name="check">Its result, without a fault.</param>
    /// <param name="expected">The request.</param>
    /// <param name="usage">What is charged.</param>
    /// <param name="cost">The charge.</param>
    /// <param name="output">The caller's bytes.</param>
    public static void Write(ReadOnlySpan<byte> body, AnswerCheck check, in StreamExpectations expected, in Usage usage, NanoDollars cost, PooledBuffer output)
    {
        JsonObject answer = Parse(body, check);
        JsonObject message = Message(answer, out JsonObject choice);
        using var json = new Utf8JsonWriter(output, Relaxed);
        json.WriteStartObject();
        json.WriteString("id"u8, expected.FallbackId);
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("model"u8, answer["model"].AsText() is { Length: > 0 } model ? model : expected.FallbackModel);
        json.WriteStartArray("content"u8);
        if (message["thinking_blocks"] is JsonArray { Count: > 0 } thoughts)
        {
            foreach (JsonNode? thought in thoughts)
            {
                if (thought is not JsonObject signed || signed["type"].AsText() is not ("thinking" or "redacted_thinking"))
                    continue;
                signed.Remove("index"); // OpenAI's clients want one in lists
                signed.WriteTo(json); // otherwise untouched, so that its signature holds
            }
        }
        else
        {
            foreach (string name in (ReadOnlySpan<string>)["reasoning_content", "reasoning"])
            {
                if (message[name].AsText() is { Length: > 0 } thinking)
                    WriteThinking(json, thinking);
            }
        }
        if (message["content"].AsText() is { Length: > 0 } text)
            WriteText(json, text);
        bool refused = message["refusal"].AsText() is { Length: > 0 };
        if (refused)
            WriteText(json, message["refusal"].AsText()!);
        foreach (JsonObject call in Calls(message))
            WriteCall(json, call);
        json.WriteEndArray();
        BlockWriter.WriteEnd(json, StopReasons.From(choice["finish_reason"].AsText(), refused));
        TranslatedUsage.Write(json, usage, cost);
        json.WriteEndObject();
    }

    private static JsonObject Parse(ReadOnlySpan<byte> body, AnswerCheck check) =>
        OddJson.Parse(check.Mended ?? WholeAnswer.Text(body)) ?? throw new InvalidOperationException("Only an answer that was checked without a fault is written.");

    private static JsonObject Message(JsonObject answer, out JsonObject choice)
    {
        choice = (answer["choices"] as JsonArray)?[0] as JsonObject ?? [];
        return choice["message"] as JsonObject ?? [];
    }

    private static IEnumerable<JsonObject> Calls(JsonObject message) => (message["tool_calls"] as JsonArray ?? []).OfType<JsonObject>();

    private static string NameOf(JsonObject call) => (call["function"] as JsonObject)?["name"].AsText() ?? "";

    private static void WriteThinking(Utf8JsonWriter json, string thinking)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "thinking"u8);
        json.WriteString("thinking"u8, thinking);
        json.WriteString("signature"u8, ""u8); // nobody signed it
        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string text)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "text"u8);
        json.WriteString("text"u8, text);
        json.WriteEndObject();
    }

    private static void WriteCall(Utf8JsonWriter json, JsonObject call)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "tool_use"u8);
        json.WriteString("id"u8, call["id"].AsText());
        json.WriteString("name"u8, NameOf(call));
        json.WritePropertyName("input"u8);
        WriteInput(json, (call["function"] as JsonObject)?["arguments"].AsText() ?? "");
        json.WriteStartObject("caller"u8);
        json.WriteString("type"u8, "direct"u8); // the .NET client insists on it
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The arguments as the object they are; what is none is told as it came, under a name that no tool has.</summary>
    private static void WriteInput(Utf8JsonWriter json, string arguments)
    {
        if (string.IsNullOrWhiteSpace(arguments))
        {
            json.WriteStartObject();
            json.WriteEndObject();
        }
        else if (!IsObject(arguments))
        {
            json.WriteStartObject();
            json.WriteString("_raw"u8, arguments);
            json.WriteEndObject();
        }
        else if (arguments.Contains("\\ud", StringComparison.OrdinalIgnoreCase) && OddJson.Parse(Encoding.UTF8.GetBytes(arguments)) is { } whole)
        {
            whole.WriteTo(json); // half a character in it would break a reader of the message, who would not have noticed it in a text
        }
        else
        {
            json.WriteRawValue(arguments, skipInputValidation: true); // numbers keep their digits
        }
    }

    private static bool IsObject(string arguments)
    {
        try
        {
            using JsonDocument parsed = JsonDocument.Parse(arguments, Deep);
            return parsed.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
