using System.Buffers;
using System.Text.Json;
using Fairlead.Engine.Templates;

namespace Fairlead.Engine.Chat;

/// <summary>Turns the messages of an OpenAI request into the forms that a model's template understands.</summary>
/// <remarks>
/// What OpenAI leaves open and templates do not: arguments as text or object, content as text, parts or null, the role
/// <c>developer</c>, the name beside a tool's result, the length of ids. Members that nobody here knows are passed on: templates know them.
/// </remarks>
public sealed class ChatConversation
{
    private readonly TemplateTraits _traits;
    private readonly Dictionary<string, string> _functionOfCall = new(StringComparer.Ordinal);

    private ChatConversation(TemplateTraits traits) => _traits = traits;

    /// <summary>The input of the template.</summary>
    /// <param name="messages">The request's messages, an array.</param>
    /// <param name="tools">The request's tools, an array, or null; leave them out where the caller's <c>tool_choice</c> is <c>none</c>.</param>
    /// <param name="format">The model's format.</param>
    /// <param name="continueFinal">
    /// Whether the answer goes on with the last message's text. Null: yes where that message is the assistant's and has no tool calls.
    /// </param>
    /// <exception cref="ChatRequestException">A message is malformed, or holds what the model cannot take, such as an image.</exception>
    public static ChatTemplateInput Prepare(JsonElement messages, JsonElement? tools, ChatFormat format, bool? continueFinal = null)
    {
        if (messages.ValueKind != JsonValueKind.Array)
            throw new ChatRequestException("messages", "must be an array");
        ChatConversation conversation = new(format.Traits);
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartArray();
            for (int index = 0; index < messages.GetArrayLength(); index++)
            {
                try
                {
                    conversation.Write(messages[index], $"messages[{index}]", json);
                }
                catch (InvalidOperationException e)
                {
                    // JSON lets \ud800 stand alone; its texts say so only when they are read.
                    throw new ChatRequestException($"messages[{index}]", "holds a text that is not Unicode: half of a surrogate pair, or bytes that are no UTF-8", e);
                }
            }

            json.WriteEndArray();
        }

        // Arguments that came as a text nest as deep as they like; the template's own limit says when it is too much.
        using JsonDocument prepared = JsonDocument.Parse(buffer.WrittenMemory, new JsonDocumentOptions { MaxDepth = 1_000 });
        bool continues = continueFinal ?? EndsWithAnswer(messages);
        return new ChatTemplateInput
        {
            Messages = prepared.RootElement.Clone(),
            Tools = tools is { ValueKind: JsonValueKind.Array } offered && offered.GetArrayLength() > 0 ? offered : null,
            AddGenerationPrompt = !continues,
            ContinueFinalMessage = continues,
        };
    }

    private static bool EndsWithAnswer(JsonElement messages) =>
        messages.GetArrayLength() > 0
        && messages[messages.GetArrayLength() - 1] is var last
        && Text(last, "role") == "assistant"
        && !HasCalls(last)
        && last.TryGetProperty("content", out JsonElement content) && content.ValueKind is JsonValueKind.String or JsonValueKind.Array;

    private void Write(JsonElement message, string path, Utf8JsonWriter json)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw new ChatRequestException(path, "must be an object");
        string role = Text(message, "role") ?? throw new ChatRequestException($"{path}.role", "is missing");
        // Most templates end in "else: the assistant": a misspelt role would be read as the model's own words.
        if (role is not ("system" or "developer" or "user" or "assistant" or "tool"))
            throw new ChatRequestException($"{path}.role", "is none of system, developer, user, assistant and tool");
        if (role == "developer" && !_traits.DeveloperRole)
            role = "system";
        bool hasCalls = HasCalls(message);

        json.WriteStartObject();
        json.WriteString("role", role);
        json.WritePropertyName("content");
        WriteContent(message, path, hasCalls, json);
        foreach (JsonProperty member in message.EnumerateObject())
        {
            switch (member.Name)
            {
                case "role" or "content":
                    break;
                case "tool_calls" when hasCalls:
                    json.WritePropertyName("tool_calls");
                    WriteCalls(member.Value, $"{path}.tool_calls", json);
                    break;
                case "tool_calls":
                    break;
                case "tool_call_id" when member.Value.ValueKind == JsonValueKind.String:
                    json.WriteString("tool_call_id", Id(member.Value.GetString()!));
                    break;
                // vLLM and the newest clients call it reasoning; templates look for reasoning_content.
                case "reasoning" when !message.TryGetProperty("reasoning_content", out _) && member.Value.ValueKind == JsonValueKind.String:
                    member.WriteTo(json);
                    json.WriteString("reasoning_content", member.Value.GetString());
                    break;
                default:
                    member.WriteTo(json);
                    break;
            }
        }

        // Some templates print the function's name with its result; OpenAI's messages name the call alone.
        if (role == "tool" && Text(message, "name") is null && Text(message, "tool_call_id") is { } id && _functionOfCall.TryGetValue(id, out string? function))
            json.WriteString("name", function);
        json.WriteEndObject();
    }

    private void WriteContent(JsonElement message, string path, bool hasCalls, Utf8JsonWriter json)
    {
        if (!message.TryGetProperty("content", out JsonElement content) || content.ValueKind == JsonValueKind.Null)
        {
            if (!hasCalls && Text(message, "role") != "assistant")
                throw new ChatRequestException($"{path}.content", "is missing");
            WriteNoContent(hasCalls, json);
            return;
        }

        switch (content.ValueKind)
        {
            case JsonValueKind.String when hasCalls && content.GetString() is "":
                WriteNoContent(hasCalls, json);
                break;
            case JsonValueKind.String:
                content.WriteTo(json);
                break;
            case JsonValueKind.Array:
                WriteParts(content, $"{path}.content", json);
                break;
            default:
                throw new ChatRequestException($"{path}.content", "must be a text or an array of parts");
        }
    }

    private void WriteNoContent(bool hasCalls, Utf8JsonWriter json)
    {
        if (hasCalls && _traits.NullContentBesideCalls)
            json.WriteNullValue();
        else
            json.WriteStringValue("");
    }

    private void WriteParts(JsonElement parts, string path, Utf8JsonWriter json)
    {
        List<string> texts = [];
        int index = 0;
        foreach (JsonElement part in parts.EnumerateArray())
        {
            string at = $"{path}[{index++}]";
            string? type = part.ValueKind == JsonValueKind.Object ? Text(part, "type") : null;
            texts.Add(type switch
            {
                "text" or "input_text" or "output_text" => Text(part, "text") ?? throw new ChatRequestException($"{at}.text", "must be a text"),
                "refusal" => Text(part, "refusal") ?? throw new ChatRequestException($"{at}.refusal", "must be a text"),
                null => throw new ChatRequestException($"{at}.type", "is missing"),
                "image_url" or "image" or "input_image" or "input_audio" or "audio" or "video" or "video_url" or "file" =>
                    throw new ChatRequestException(at, $"this model reads text only; it cannot take a part of type '{type}'. Leave it out, or send it to a model that can"),
                _ => throw new ChatRequestException($"{at}.type", $"'{type}' is not known; 'text' is"),
            });
        }

        if (!_traits.ContentParts)
        {
            json.WriteStringValue(string.Join('\n', texts));
            return;
        }

        json.WriteStartArray();
        foreach (string text in texts)
        {
            json.WriteStartObject();
            json.WriteString("type", "text");
            json.WriteString("text", text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteCalls(JsonElement calls, string path, Utf8JsonWriter json)
    {
        json.WriteStartArray();
        int index = 0;
        foreach (JsonElement call in calls.EnumerateArray())
        {
            string at = $"{path}[{index++}]";
            if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("function", out JsonElement function) || function.ValueKind != JsonValueKind.Object)
                throw new ChatRequestException($"{at}.function", "is missing");
            string name = Text(function, "name") ?? throw new ChatRequestException($"{at}.function.name", "is missing");
            json.WriteStartObject();
            if (Text(call, "id") is { } id)
            {
                _functionOfCall[id] = name;
                json.WriteString("id", Id(id));
            }

            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", name);
            json.WritePropertyName("arguments");
            WriteArguments(function, $"{at}.function.arguments", json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteArguments(JsonElement function, string path, Utf8JsonWriter json)
    {
        JsonElement arguments = function.TryGetProperty("arguments", out JsonElement given) ? given : default;
        bool isNothing = arguments.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null || (arguments.ValueKind == JsonValueKind.String && string.IsNullOrWhiteSpace(arguments.GetString()));
        if (_traits.ArgumentsAsText)
        {
            json.WriteStringValue(isNothing ? "{}" : arguments.ValueKind == JsonValueKind.String ? arguments.GetString() : arguments.GetRawText());
            return;
        }

        if (isNothing)
        {
            json.WriteStartObject();
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
            throw new ChatRequestException(path, "is no JSON; this model's template needs the arguments as an object");
        }
    }

    private string Id(string id) => _traits.ShortIds ? ToolCallIds.Shorten(id) : id;

    private static bool HasCalls(JsonElement message) =>
        message.TryGetProperty("tool_calls", out JsonElement calls) && calls.ValueKind == JsonValueKind.Array && calls.GetArrayLength() > 0;

    private static string? Text(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out JsonElement member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
}
