using System.Text.Json;

namespace Fairlead.Engine.Chat;

/// <summary>What an answer that must be a tool call may look like: one alternative for each function, or two where one carries options.</summary>
/// <param name="Alternatives">Exactly one of them is written, from beginning to end.</param>
public sealed record ToolCallGrammar(IReadOnlyList<IReadOnlyList<ToolCallPiece>> Alternatives)
{
    internal static ToolCallGrammar? Make(ToolCallSyntax syntax, ToolSchemas tools, string? name)
    {
        List<IReadOnlyList<ToolCallPiece>> alternatives = [];
        foreach ((string tool, JsonElement? parameters) in tools.All)
        {
            if ((name is null || name == tool) && Pieces(syntax, tool, parameters) is { } pieces)
                alternatives.Add(pieces);
        }

        return alternatives.Count > 0 ? new ToolCallGrammar(alternatives) : null;
    }

    private static List<ToolCallPiece>? Pieces(ToolCallSyntax syntax, string tool, JsonElement? parameters)
    {
        ToolCallPiece arguments = new ToolCallPiece.Json(parameters?.GetRawText() ?? """{"type": "object"}""");
        string name = JsonValue.Quote(tool);
        return syntax switch
        {
            ToolCallSyntax.Json { NameIsKey: true } json =>
                [Text($"{json.Open}[{{{name}: "), arguments, Text($"}}]{json.Close}")],
            // Command's keys are its own; its ids count from 0.
            ToolCallSyntax.Json { Open: "<|START_ACTION|>" } json =>
                [Text($"{json.Open}[\n    {{\"tool_call_id\": \"0\", \"tool_name\": {name}, \"parameters\": "), arguments, Text($"}}\n]{json.Close}")],
            ToolCallSyntax.Json { Fence: true } json =>
                [Text($"{json.Open} ```json\n[\n    {{\n        \"tool_name\": {name},\n        \"parameters\": "), arguments, Text("\n    }\n]```")],
            ToolCallSyntax.Json { Open: "" } =>
                [Text($"{{\"name\": {name}, \"parameters\": "), arguments, Text("}")],
            ToolCallSyntax.Json { Open: "<tool_call>" } json =>
                [Text($"{json.Open}\n{{\"name\": {name}, \"arguments\": "), arguments, Text($"}}\n{json.Close}")],
            ToolCallSyntax.Json { Open: "<|function_call|>" or "function call<|role_sep|>\n" } json =>
                [Text($"{json.Open}{{\"name\": {name}, \"arguments\": "), arguments, Text("}")],
            ToolCallSyntax.Json json =>
                [Text($"{json.Open}[{{\"name\": {name}, \"arguments\": "), arguments, Text($"}}]{json.Close}")],
            ToolCallSyntax.Named { ContentName: null } named => Named(named, tool, arguments),
            ToolCallSyntax.Tagged tagged => Tagged(tagged, tool, parameters),
            ToolCallSyntax.Harmony => [Text($"<|channel|>commentary to=functions.{tool} <|constrain|>json<|message|>"), arguments],
            // Functionary's mark stands in the prompt already; Python and Gemma write no JSON that a schema could steer.
            ToolCallSyntax.Named => [Text($"{tool}\n"), arguments],
            _ => null,
        };
    }

    private static List<ToolCallPiece> Named(ToolCallSyntax.Named syntax, string tool, ToolCallPiece arguments)
    {
        // The last of several headers is the shortest and has no id; Kimi's id holds the name.
        HeaderPattern header = syntax.Headers[^1];
        bool nameInId = !header.Text.Contains("{name}", StringComparison.Ordinal);
        string before = (syntax.Dropped is [var section, ..] ? section : "") + syntax.Open + header.Fill(tool, nameInId ? $"functions.{tool}:0" : ToolCallIds.Make(0, 0));
        string after = syntax.Close + (syntax.Dropped is [_, var end, ..] ? end : "");
        return after.Length > 0 ? [Text(before), arguments, Text(after)] : [Text(before), arguments];
    }

    /// <summary>The arguments in the schema's order: those that are required, each by its own schema.</summary>
    private static List<ToolCallPiece>? Tagged(ToolCallSyntax.Tagged syntax, string tool, JsonElement? parameters)
    {
        string line = syntax.Padded || syntax.Open is not "<tool_call>" ? "\n" : "";
        List<ToolCallPiece> pieces = [Text(syntax.Open + line + syntax.Call.Fill(tool, "") + "\n")];
        HashSet<string> required = parameters is { } schema && schema.TryGetProperty("required", out JsonElement names) && names.ValueKind == JsonValueKind.Array
            ? [.. names.EnumerateArray().Where(static one => one.ValueKind == JsonValueKind.String).Select(static one => one.GetString()!)]
            : [];
        if (required.Count > 0 && !(parameters!.Value.TryGetProperty("properties", out JsonElement all) && all.ValueKind == JsonValueKind.Object && required.All(one => all.TryGetProperty(one, out _))))
            return null;
        if (parameters is { } given && given.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object)
        {
            // A schema that points elsewhere in itself means nothing once it is taken out.
            if (given.GetRawText().Contains("\"$ref\"", StringComparison.Ordinal))
                return null;
            foreach (JsonProperty property in properties.EnumerateObject())
            {
                bool isText = property.Value.ValueKind == JsonValueKind.Object && property.Value.TryGetProperty("type", out JsonElement type)
                    && type.ValueKind == JsonValueKind.String && type.ValueEquals("string");
                List<ToolCallPiece> one =
                [
                    Text(syntax.Parameter.Text.Replace("~", "", StringComparison.Ordinal).Replace("{key}", property.Name, StringComparison.Ordinal)
                        .Replace("{string}", isText ? "true" : "false", StringComparison.Ordinal).Replace("</arg_key><arg_value>", "</arg_key>\n<arg_value>", StringComparison.Ordinal) + (syntax.Padded ? "\n" : "")),
                    isText ? TextPiece(property.Value, (syntax.Padded ? "\n" : "") + syntax.ParameterEnd) : new ToolCallPiece.Json(property.Value.GetRawText()),
                    Text((syntax.Padded ? "\n" : "") + syntax.ParameterEnd + "\n"),
                ];
                if (required.Contains(property.Name))
                    pieces.AddRange(one);
                else
                    pieces.Add(new ToolCallPiece.Optional(one));
            }
        }

        pieces.Add(Text(syntax.CallEnd + (syntax.Close.Length > 0 ? "\n" + syntax.Close : "")));
        return pieces;
    }

    /// <summary>A text value: one of its enumeration, or anything up to the mark that ends it.</summary>
    private static ToolCallPiece TextPiece(JsonElement schema, string stop) =>
        schema.TryGetProperty("enum", out JsonElement values) && values.ValueKind == JsonValueKind.Array && values.EnumerateArray().All(static one => one.ValueKind == JsonValueKind.String)
            ? new ToolCallPiece.OneOf([.. values.EnumerateArray().Select(static one => one.GetString()!)])
            : new ToolCallPiece.TextBefore(stop);

    private static ToolCallPiece.Literal Text(string text) => new(text);
}

/// <summary>A part of a tool call as it must be written.</summary>
public abstract record ToolCallPiece
{
    private ToolCallPiece()
    {
    }

    /// <summary>Exactly this text. It may hold marks that are special tokens in a vocabulary that has them (<see cref="ChatFormat.Keeps"/>).</summary>
    public sealed record Literal(string Text) : ToolCallPiece;

    /// <summary>A JSON value of this schema (JSON text).</summary>
    public sealed record Json(string Schema) : ToolCallPiece;

    /// <summary>Any text that does not contain <paramref name="Stop"/>, which comes next.</summary>
    public sealed record TextBefore(string Stop) : ToolCallPiece;

    /// <summary>One of these texts.</summary>
    public sealed record OneOf(IReadOnlyList<string> Texts) : ToolCallPiece;

    /// <summary>All of these pieces or none.</summary>
    public sealed record Optional(IReadOnlyList<ToolCallPiece> Pieces) : ToolCallPiece;
}
