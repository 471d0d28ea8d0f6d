using System.Collections.Immutable;
using System.Text.Json;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation;

namespace Fairlead.Worker.Requests;

/// <summary>Whether an answer calls tools.</summary>
internal enum ToolUse
{
    /// <summary>The model is not told of any.</summary>
    None,

    /// <summary>As the model likes.</summary>
    Auto,

    /// <summary>One at least, or the one that is named.</summary>
    Required,
}

/// <summary>A request to <c>/v1/chat/completions</c>, checked.</summary>
internal sealed record ChatRequest
{
    /// <summary>The conversation as it was sent, an array that is not empty; what is in it, the model's format checks.</summary>
    public required JsonElement Messages { get; init; }

    /// <summary>The tools as they were sent, an array of <c>{"type":"function","function":{…}}</c>; null where the model is not to be told of any.</summary>
    public required JsonElement? Tools { get; init; }

    public required ToolUse ToolUse { get; init; }

    /// <summary>The one tool that must be called; null where any will do.</summary>
    public string? RequiredTool { get; init; }

    /// <summary>More than one call in one answer is welcome. Default true.</summary>
    public bool ParallelToolCalls { get; init; } = true;

    public required AnswerSettings Settings { get; init; }

    /// <summary>What the answer must look like; null where any text will do.</summary>
    public required ConstraintSpec? Format { get; init; }

    /// <summary>Further variables for the model's template (<c>chat_template_kwargs</c>), an object; null where there are none.</summary>
    public required JsonElement? TemplateVariables { get; init; }

    /// <summary>The prompt ends with the mark that begins the assistant's turn; null for yes, unless the answer goes on with the last message.</summary>
    public bool? AddGenerationPrompt { get; init; }

    /// <summary>The last message is the beginning of the answer; null for yes where it is the assistant's.</summary>
    public bool? ContinueFinalMessage { get; init; }

    /// <summary>Alternatives to give beside each token, 0 to 20; null for no log-probabilities at all.</summary>
    public int? Logprobs { get; init; }

    /// <summary>Fields that have no effect here.</summary>
    public required ImmutableArray<string> Ignored { get; init; }

    /// <summary>Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    public static ChatRequest? Read(JsonElement body, SamplingSettings defaults, out Problem? problem)
    {
        var fields = new FieldReader(body);
        fields.Text("model"); // a worker holds one
        if (fields.Array("messages") is not { } messages || messages.GetArrayLength() == 0)
        {
            fields.Refuse("messages", "The field 'messages' is missing or empty. An array of {\"role\": …, \"content\": …} is expected.");
            messages = default;
        }
        AnswerSettings settings = AnswerSettings.Read(fields, defaults);
        if (settings.MaxTokens == 0)
            fields.Refuse("max_tokens", "'max_tokens' is 0; an answer has at least one token.");
        JsonElement? tools = ReadTools(fields, out HashSet<string> names);
        (ToolUse use, string? required) = ReadChoice(fields, names);
        foreach (string old in (ReadOnlySpan<string>)["functions", "function_call"])
        {
            if (fields.Any(old) is not null)
                fields.Refuse(old, $"'{old}' is what 'tools' and 'tool_choice' were called before; models served here know only those.");
        }
        if (fields.Any("audio") is not null || (fields.Array("modalities") is { } modalities && modalities.EnumerateArray().Any(static m => m.ValueKind != JsonValueKind.String || m.GetString() != "text")))
            fields.Refuse("modalities", "Models served here write text. Leave 'audio' out and other 'modalities' than \"text\".");
        if (fields.Any("web_search_options") is not null)
            fields.Refuse("web_search_options", "Models served here search no web. Leave 'web_search_options' out.");
        bool logprobs = fields.Flag("logprobs") ?? false;
        long? top = fields.Whole("top_logprobs", 0, SamplingSettings.MostAlternatives);
        if (top > 0 && !logprobs)
            fields.Refuse("top_logprobs", "'top_logprobs' needs 'logprobs': true.");
        ConstraintSpec? format = AnswerFormat.Read(fields);
        if (use == ToolUse.Required && format is not null)
            fields.Refuse("response_format", "An answer that must call a tool cannot keep to a 'response_format' as well. Drop one of the two.");
        bool? continues = fields.Flag("continue_final_message");
        bool? prompts = fields.Flag("add_generation_prompt");
        if (continues == true && prompts == true)
            fields.Refuse("continue_final_message", "An answer cannot both go on with the last message and begin a new one. Set 'add_generation_prompt' to false.");
        var request = new ChatRequest
        {
            Messages = messages,
            Tools = use == ToolUse.None ? null : tools,
            ToolUse = use,
            RequiredTool = required,
            ParallelToolCalls = fields.Flag("parallel_tool_calls") ?? true,
            Settings = settings,
            Format = format,
            TemplateVariables = Variables(fields),
            AddGenerationPrompt = prompts,
            ContinueFinalMessage = continues,
            Logprobs = logprobs ? (int)(top ?? 0) : null,
            Ignored = [.. fields.Unread],
        };
        problem = fields.Problem;
        return problem is null ? request : null;
    }

    /// <summary>What callers tell the model's template beside the conversation; <c>reasoning_effort</c> is a variable of those that know it.</summary>
    private static JsonElement? Variables(FieldReader fields)
    {
        JsonElement? own = fields.Object("chat_template_kwargs");
        if (fields.Text("reasoning_effort") is not { } effort || (own is { } set && set.TryGetProperty("reasoning_effort", out _)))
            return own;
        var written = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(written))
        {
            json.WriteStartObject();
            if (own is { } members)
            {
                foreach (JsonProperty member in members.EnumerateObject())
                    member.WriteTo(json);
            }
            json.WriteString("reasoning_effort", effort);
            json.WriteEndObject();
        }
        using JsonDocument document = JsonDocument.Parse(written.WrittenMemory);
        return document.RootElement.Clone();
    }

    private static JsonElement? ReadTools(FieldReader fields, out HashSet<string> names)
    {
        names = new HashSet<string>(StringComparer.Ordinal);
        if (fields.Array("tools") is not { } tools || tools.GetArrayLength() == 0)
            return null;
        int index = 0;
        foreach (JsonElement tool in tools.EnumerateArray())
        {
            string? name = NameOf(tool);
            if (name is null)
                fields.Refuse("tools", $"'tools[{index}]' is no {{\"type\": \"function\", \"function\": {{\"name\": …}}}}; functions are the only tools here.");
            else if (!names.Add(name))
                fields.Refuse("tools", $"Two of the 'tools' are called '{name}'. Give each its own name.");
            index++;
        }
        return tools;
    }

    private static (ToolUse Use, string? Required) ReadChoice(FieldReader fields, HashSet<string> tools)
    {
        ToolUse without = tools.Count == 0 ? ToolUse.None : ToolUse.Auto;
        if (fields.Any("tool_choice") is not { } choice)
            return (without, null);
        string? word = choice.ValueKind == JsonValueKind.String ? choice.GetString() : null;
        string? name = choice.ValueKind == JsonValueKind.Object ? NameOf(choice) : null;
        switch (word)
        {
            case "none":
                return (ToolUse.None, null);
            case "auto":
                return (without, null);
        }
        if (word != "required" && name is null)
            fields.Refuse("tool_choice", "'tool_choice' is \"none\", \"auto\", \"required\" or {\"type\": \"function\", \"function\": {\"name\": …}}.");
        else if (tools.Count == 0)
            fields.Refuse("tool_choice", "'tool_choice' asks for a call and there are no 'tools'.");
        else if (name is not null && !tools.Contains(name))
            fields.Refuse("tool_choice", $"'tool_choice' asks for '{name}', which is none of the 'tools'.");
        return (ToolUse.Required, name);
    }

    /// <summary>A tool's or a choice's function name; null where it is not of that form.</summary>
    internal static string? NameOf(JsonElement tool) =>
        tool.ValueKind == JsonValueKind.Object
        && (!tool.TryGetProperty("type", out JsonElement type) || (type.ValueKind == JsonValueKind.String && type.GetString() == "function"))
        && tool.TryGetProperty("function", out JsonElement function) && function.ValueKind == JsonValueKind.Object
        && function.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String && name.GetString() is { Length: > 0 } text
            ? text
            : null;
}
