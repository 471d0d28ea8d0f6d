using System.Buffers;
using System.Text.Json;

namespace Fairlead.Worker.Requests;

/// <summary>Makes the messages of a request into what chat templates are written for, as Hugging Face's own code hands it to them: content is one text,
/// the arguments of a tool call are an object and not its text, and a <c>developer</c> is a <c>system</c>.</summary>
internal static class Conversation
{
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    /// <summary>An array of messages; what is wrong with them is noted in <paramref name="fields"/>.</summary>
    public static JsonElement Read(FieldReader fields)
    {
        var written = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(written))
        {
            json.WriteStartArray();
            if (fields.Array("messages") is not { } messages || messages.GetArrayLength() == 0)
            {
                fields.Refuse("messages", "The field 'messages' is missing or empty. An array of {\"role\": …, \"content\": …} is expected.");
            }
            else
            {
                int index = 0;
                foreach (JsonElement message in messages.EnumerateArray())
                    Write(json, fields, $"messages[{index++}]", message);
            }
            json.WriteEndArray();
        }
        using JsonDocument document = JsonDocument.Parse(written.WrittenMemory);
        return document.RootElement.Clone();
    }

    private static void Write(Utf8JsonWriter json, FieldReader fields, string at, JsonElement message)
    {
        json.WriteStartObject();
        string? role = message.ValueKind == JsonValueKind.Object && message.TryGetProperty("role", out JsonElement r) && r.ValueKind == JsonValueKind.String ? r.GetString() : null;
        if (role is null || !Roles.Contains(role))
        {
            fields.Refuse($"{at}.role", $"'{at}.role' is one of {string.Join(", ", Roles)}.");
            json.WriteEndObject();
            return;
        }
        json.WriteString("role", role == "developer" ? "system" : role);
        bool content = false;
        foreach (JsonProperty member in message.EnumerateObject())
        {
            switch (member.Name)
            {
                case "role":
                    break;
                case "content":
                    content = true;
                    json.WriteString("content", Text(fields, $"{at}.content", member.Value));
                    break;
                case "tool_calls" when member.Value.ValueKind != JsonValueKind.Null:
                    WriteCalls(json, fields, $"{at}.tool_calls", member.Value);
                    break;
                default:
                    if (member.Value.ValueKind != JsonValueKind.Null)
                        member.WriteTo(json); // name, tool_call_id, reasoning_content: the template takes what it knows
                    break;
            }
        }
        if (!content && role != "assistant")
            fields.Refuse($"{at}.content", $"'{at}.content' is missing. A text is expected.");
        if (!content)
            json.WriteString("content", "");
        json.WriteEndObject();
    }

    /// <summary>A text, the text parts of an array in lines of their own, or nothing for null.</summary>
    private static string Text(FieldReader fields, string at, JsonElement content)
    {
        switch (content.ValueKind)
        {
            case JsonValueKind.String:
                return content.GetString()!;
            case JsonValueKind.Null:
                return "";
            case JsonValueKind.Array:
                var texts = new List<string>();
                foreach (JsonElement part in content.EnumerateArray())
                {
                    if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String)
                        texts.Add(text.GetString()!);
                    else
                        fields.Refuse(at, $"'{at}[{texts.Count}]' is no text. Models served here read text only: send {{\"type\": \"text\", \"text\": …}}.");
                }
                return string.Join('\n', texts);
            default:
                fields.Refuse(at, $"'{at}' is neither a text nor an array of text parts.");
                return "";
        }
    }

    private static void WriteCalls(Utf8JsonWriter json, FieldReader fields, string at, JsonElement calls)
    {
        json.WriteStartArray("tool_calls");
        if (calls.ValueKind != JsonValueKind.Array)
        {
            fields.Refuse(at, $"'{at}' is no array.");
        }
        else
        {
            foreach (JsonElement call in calls.EnumerateArray())
                WriteCall(json, fields, at, call);
        }
        json.WriteEndArray();
    }

    private static void WriteCall(Utf8JsonWriter json, FieldReader fields, string at, JsonElement call)
    {
        json.WriteStartObject();
        if (ChatRequest.NameOf(call) is not { } name)
        {
            fields.Refuse(at, $"A call of '{at}' is no {{\"type\": \"function\", \"function\": {{\"name\": …, \"arguments\": …}}}}.");
            json.WriteEndObject();
            return;
        }
        if (call.TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.String)
            json.WriteString("id", id.GetString());
        json.WriteString("type", "function");
        json.WriteStartObject("function");
        json.WriteString("name", name);
        json.WritePropertyName("arguments");
        WriteArguments(json, fields, at, call.GetProperty("function"));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteArguments(Utf8JsonWriter json, FieldReader fields, string at, JsonElement function)
    {
        if (!function.TryGetProperty("arguments", out JsonElement arguments) || arguments.ValueKind == JsonValueKind.Null
            || (arguments.ValueKind == JsonValueKind.String && string.IsNullOrWhiteSpace(arguments.GetString())))
        {
            json.WriteStartObject(); // a call without arguments
            json.WriteEndObject();
            return;
        }
        if (arguments.ValueKind != JsonValueKind.String)
        {
            arguments.WriteTo(json);
            return;
        }
        try
        {
            using JsonDocument parsed = JsonDocument.Parse(arguments.GetString()!);
            parsed.RootElement.WriteTo(json);
        }
        catch (JsonException)
        {
            fields.Refuse(at, $"The arguments of a call in '{at}' are no JSON.");
            json.WriteNullValue();
        }
    }
}
