using System.Text.Json;

namespace Fairlead.Worker.Requests;

/// <summary>What form an answer must have.</summary>
internal abstract record AnswerFormat
{
    private AnswerFormat()
    {
    }

    /// <summary>Any text.</summary>
    public sealed record Free : AnswerFormat;

    /// <summary>Some JSON object.</summary>
    public sealed record AnyJson : AnswerFormat;

    /// <summary>JSON that a schema allows.</summary>
    /// <param name="Value">The schema.</param>
    public sealed record Schema(JsonElement Value) : AnswerFormat;

    /// <summary>Text that a regular expression matches whole.</summary>
    public sealed record Pattern(string Value) : AnswerFormat;

    /// <summary>Reads <c>response_format</c> in OpenAI's and in TGI's spelling, and vLLM's <c>guided_json</c> and <c>guided_regex</c>.</summary>
    public static AnswerFormat Read(FieldReader fields)
    {
        JsonElement? guidedJson = fields.Object("guided_json");
        string? guidedRegex = fields.Text("guided_regex");
        if (fields.Section("response_format") is not { } format)
            return guidedJson is { } schema ? new Schema(schema) : guidedRegex is not null ? new Pattern(guidedRegex) : new Free();
        if (guidedJson is not null || guidedRegex is not null)
            fields.Refuse("response_format", "'response_format' and a guided_* field both say what form the answer must have. Send one of them.");
        switch (format.Text("type"))
        {
            case "text" or null:
                return new Free();
            case "json_object":
                return (format.Object("schema") ?? format.Object("value")) is { } own ? new Schema(own) : new AnyJson();
            case "json" when (format.Object("value") ?? format.Object("schema")) is { } value:
                return new Schema(value);
            case "json_schema":
                if (format.Section("json_schema") is { } wrapped)
                {
                    wrapped.Text("name");
                    wrapped.Text("description");
                    wrapped.Flag("strict"); // a schema is always kept to here; what it may hold does not depend on the word
                    if (wrapped.Object("schema") is { } inner)
                        return new Schema(inner);
                }
                fields.Refuse("response_format.json_schema", "'response_format.json_schema.schema' is missing; a JSON Schema object is expected.");
                return new Free();
            case "regex":
                if (format.Text("value") is { } pattern)
                    return new Pattern(pattern);
                fields.Refuse("response_format.value", "'response_format.value' is missing; a regular expression is expected.");
                return new Free();
            case var other:
                fields.Refuse("response_format.type", $"'response_format.type' is '{other}'; \"text\", \"json_object\", \"json_schema\" or \"regex\" is expected.");
                return new Free();
        }
    }
}
