using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Writes single members the way a provider wants them. Only what a quirk touches is parsed.</summary>
internal static class QuirkWriter
{
    /// <summary>Writes the whole member, name included; false when no quirk touches it.</summary>
    public static bool TryWrite(string name, ReadOnlySpan<byte> value, ScannedRequest request, RequestQuirks quirks, IBufferWriter<byte> output)
    {
        switch (name)
        {
            case "max_tokens" or "max_completion_tokens":
                return OutputLimitWriter.TryWrite(name, value, request, quirks, output);
            case "seed" when quirks.Has(RequestQuirks.SeedAsRandomSeed):
                return Renamed("random_seed", value, output);
            case "tool_choice" when quirks.Has(RequestQuirks.RequiredAsAny) && value.SequenceEqual("\"required\""u8):
                return Renamed("tool_choice", "\"any\""u8, output);
            case "reasoning_effort" when quirks.Has(RequestQuirks.ReasoningMinimalAsLow) && value.SequenceEqual("\"minimal\""u8):
                return Renamed("reasoning_effort", "\"low\""u8, output);
            case "encoding_format" when quirks.Has(RequestQuirks.FloatEmbeddingsOnly):
                return Renamed("encoding_format", "\"float\""u8, output);
            case "tool_choice" when value.StartsWith("{"u8):
                return ToolChoice(value, output);
            case "stop" when quirks.Has(RequestQuirks.StopAsString) && value.StartsWith("["u8):
                return StopAsString(value, output);
            case "response_format":
                return ResponseFormat(value, request, quirks, output);
            case "messages" when (quirks.Has(RequestQuirks.DeveloperAsSystem) && request.HasDeveloperRole)
                || (quirks.Has(RequestQuirks.NineCharToolCallIds) && request.HasToolCallIds):
                return Messages(value, quirks, output);
            default:
                return false;
        }
    }

    /// <summary>Writes a member with a value that is JSON already.</summary>
    public static bool Renamed(string name, ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        UpstreamBodyWriter.WriteString(name, output);
        output.Write(":"u8);
        output.Write(value);
        return true;
    }

    private static bool Renamed(string name, JsonNode? value, IBufferWriter<byte> output)
    {
        UpstreamBodyWriter.WriteString(name, output);
        output.Write(":"u8);
        using var writer = new Utf8JsonWriter(output, Plainly);
        if (value is null)
            writer.WriteNullValue();
        else
            value.WriteTo(writer);
        return true;
    }

    /// <summary>Hugging Face's clients name a function without saying that it is one.</summary>
    private static bool ToolChoice(ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        if (Parse(value) is not JsonObject choice || choice.ContainsKey("type") || !choice.ContainsKey("function"))
            return false;
        output.Write("\"tool_choice\":{\"type\":\"function\","u8);
        output.Write(value[1..]);
        return true;
    }

    // The scan has bounded depth already, by limits that may be wider than the parser's own.
    private static JsonNode? Parse(ReadOnlySpan<byte> value) => JsonNode.Parse(value, documentOptions: new JsonDocumentOptions { MaxDepth = int.MaxValue });

    // Text beyond ASCII stays as it is: escaped it would be up to three times as long.
    private static readonly JsonWriterOptions Plainly = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = int.MaxValue, SkipValidation = true };

    private static bool StopAsString(ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        JsonArray stops = Parse(value)!.AsArray();
        if (stops.Count != 1)
            return false; // several cannot be said in one; the provider refuses them in its own words
        return Renamed("stop", stops[0], output);
    }

    /// <summary>Brings a schema into the form the provider reads. All the spellings that clients send are understood: OpenAI's, Together's
    /// flattened one, and the <c>json_object</c> with <c>schema</c> or <c>value</c> of Hugging Face's clients.</summary>
    private static bool ResponseFormat(ReadOnlySpan<byte> value, ScannedRequest request, RequestQuirks quirks, IBufferWriter<byte> output)
    {
        if (!value.StartsWith("{"u8) || Parse(value) is not JsonObject format)
            return false;
        string type = format["type"] is JsonValue v && v.TryGetValue(out string? t) ? t : "";
        var wrapped = format["json_schema"] as JsonObject;
        JsonNode? schema = wrapped?["schema"] ?? format["schema"] ?? format["value"];
        if (schema is null || type is not ("json_schema" or "json_object" or "json"))
            return false;
        schema = schema.DeepClone();
        bool openAi = type == "json_schema" && wrapped is not null;
        JsonObject? written = null;
        if (quirks.Has(RequestQuirks.FlattenJsonSchema))
            written = new JsonObject { ["type"] = "json_schema", ["schema"] = schema };
        else if (quirks.Has(RequestQuirks.JsonSchemaAsObjectSchema))
            written = new JsonObject { ["type"] = "json_object", ["schema"] = schema };
        else if (quirks.Has(RequestQuirks.JsonSchemaAsObjectValue))
            written = new JsonObject { ["type"] = "json_object", ["value"] = schema };
        else if (quirks.Has(RequestQuirks.StrictFalse) && openAi)
        {
            written = (JsonObject)format.DeepClone();
            written["json_schema"]!["strict"] = false;
        }
        else if (!openAi)
        {
            written = new JsonObject { ["type"] = "json_schema", ["json_schema"] = new JsonObject { ["name"] = "answer", ["schema"] = schema } };
        }
        bool guided = quirks.Has(RequestQuirks.GuidedJson) && !request.Has("guided_json");
        if (written is null && !guided)
            return false;
        if (written is null)
            Renamed("response_format", value, output);
        else
            Renamed("response_format", written, output);
        if (guided)
        {
            output.Write(","u8);
            Renamed("guided_json", wrapped?["schema"] ?? format["schema"] ?? format["value"], output);
        }
        return true;
    }

    private static bool Messages(ReadOnlySpan<byte> value, RequestQuirks quirks, IBufferWriter<byte> output)
    {
        JsonArray messages = Parse(value)!.AsArray();
        foreach (JsonNode? node in messages)
        {
            if (node is not JsonObject message)
                continue;
            if (quirks.Has(RequestQuirks.DeveloperAsSystem) && (string?)message["role"] == "developer")
                message["role"] = "system";
            if (!quirks.Has(RequestQuirks.NineCharToolCallIds))
                continue;
            if (message["tool_call_id"] is JsonValue id && id.TryGetValue(out string? text))
                message["tool_call_id"] = NineChars(text);
            foreach (JsonNode? call in message["tool_calls"] as JsonArray ?? [])
            {
                if (call is JsonObject named && named["id"] is JsonValue callId && callId.TryGetValue(out string? callText))
                    named["id"] = NineChars(callText);
            }
        }
        return Renamed("messages", messages, output);
    }

    /// <summary>Nine letters and digits that stand for an id; the same id always gives the same nine, so calls and results still meet.</summary>
    private static string NineChars(string id)
    {
        if (id.Length == 9 && id.All(char.IsAsciiLetterOrDigit))
            return id;
        const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(id));
        return string.Create(9, hash, static (span, bytes) =>
        {
            for (int i = 0; i < span.Length; i++)
                span[i] = Alphabet[bytes[i] % 62];
        });
    }
}
