using System.Buffers;
using System.Text;
using System.Text.Json;
using Fairlead.Engine.Constraints;

namespace Fairlead.Engine.Chat;

/// <summary>What an answer that must be a tool call looks like in a notation, put together from the pieces of constrained decoding.</summary>
/// <param name="syntax">The notation.</param>
/// <param name="specialTokens">The vocabulary's special tokens among its marks, longest first: no text spells them.</param>
internal sealed class ToolCallGrammar(ToolCallSyntax syntax, IReadOnlyList<string> specialTokens)
{
    /// <summary>One or more calls of the functions that <paramref name="name"/> leaves; null where the notation cannot be forced.</summary>
    /// <param name="reasoningEnd">The mark that ends the reasoning which the prompt has opened; null where it has not.</param>
    public ConstraintSpec? Make(ToolSchemas tools, string? name, bool parallel, string? reasoningEnd)
    {
        List<ConstraintSpec> calls = [];
        Frame frame = FrameOf(syntax);
        foreach ((string tool, JsonElement? parameters) in tools.All)
        {
            if (name is not null && name != tool)
                continue;
            if (Call(tool, parameters) is not { } call)
                return null;
            calls.Add(new ConstraintSpec.Sequence(call));
        }

        if (calls.Count == 0)
            return null;
        ConstraintSpec one = calls.Count == 1 ? calls[0] : new ConstraintSpec.OneOf(calls);
        // A separator is plain text in every notation that has one.
        ConstraintSpec all = parallel && frame.Separator is { } separator ? new ConstraintSpec.Repeat(one, 1, null, separator) : one;
        IEnumerable<ConstraintSpec> thought = reasoningEnd is null ? [] : [new ConstraintSpec.TextWithout(reasoningEnd), .. Literal(reasoningEnd), new ConstraintSpec.Regex("\\n{0,2}")];
        return new ConstraintSpec.Sequence([.. thought, .. Literal(frame.Begin), all, .. Literal(frame.End)]);
    }

    /// <summary>What stands around all calls, and between two; a null separator: the notation has one call in a turn.</summary>
    private static Frame FrameOf(ToolCallSyntax syntax) => syntax switch
    {
        ToolCallSyntax.Json { Open: "<tool_call>" } => new("", "\n", ""),
        ToolCallSyntax.Json { Open: "" or "<|function_call|>" or "function call<|role_sep|>\n" } => new("", null, ""),
        ToolCallSyntax.Json { Fence: true } json => new($"{json.Open} ```json\n[\n", ",\n", "\n]```"),
        // Command numbers its calls, and only the first number is known.
        ToolCallSyntax.Json { Open: "<|START_ACTION|>" } json => new($"{json.Open}[\n", null, $"\n]{json.Close}"),
        ToolCallSyntax.Json json => new($"{json.Open}[", ", ", $"]{json.Close}"),
        ToolCallSyntax.Named { ContentName: not null } => new("", null, ""),
        ToolCallSyntax.Named { Dropped: [var begin, var end] } => new(begin, "", end),
        ToolCallSyntax.Named => new("", "", ""),
        ToolCallSyntax.Tagged tagged when IsSection(tagged) => new($"{tagged.Open}\n", "\n", $"\n{tagged.Close}"),
        ToolCallSyntax.Tagged => new("", "\n", ""),
        _ => new("", null, ""),
    };

    /// <summary>One call, or null where it cannot be forced.</summary>
    private List<ConstraintSpec>? Call(string tool, JsonElement? parameters)
    {
        ConstraintSpec arguments = Arguments(parameters);
        string name = JsonValue.Quote(tool);
        return syntax switch
        {
            ToolCallSyntax.Json { NameIsKey: true } => [.. Literal($"{{{name}: "), arguments, .. Literal("}")],
            ToolCallSyntax.Json { Open: "<|START_ACTION|>" } => [.. Literal($"    {{\"tool_call_id\": \"0\", \"tool_name\": {name}, \"parameters\": "), arguments, .. Literal("}")],
            ToolCallSyntax.Json { Fence: true } => [.. Literal($"    {{\n        \"tool_name\": {name},\n        \"parameters\": "), arguments, .. Literal("\n    }")],
            ToolCallSyntax.Json { Open: "" } => [.. Literal($"{{\"name\": {name}, \"parameters\": "), arguments, .. Literal("}")],
            ToolCallSyntax.Json { Open: "<tool_call>" } json => [.. Literal($"{json.Open}\n{{\"name\": {name}, \"arguments\": "), arguments, .. Literal($"}}\n{json.Close}")],
            ToolCallSyntax.Json { Open: "<|function_call|>" or "function call<|role_sep|>\n" } json => [.. Literal($"{json.Open}{{\"name\": {name}, \"arguments\": "), arguments, .. Literal("}")],
            ToolCallSyntax.Json => [.. Literal($"{{\"name\": {name}, \"arguments\": "), arguments, .. Literal("}")],
            ToolCallSyntax.Harmony => [.. Literal($"<|channel|>commentary to=functions.{tool} <|constrain|>json<|message|>"), arguments],
            // Functionary's mark stands at the end of the prompt already.
            ToolCallSyntax.Named { ContentName: not null } => [.. Literal($"{tool}\n"), arguments],
            ToolCallSyntax.Named named => [.. Header(named, tool), arguments, .. Literal(Fence(named) + named.Close)],
            ToolCallSyntax.Tagged tagged => Tagged(tagged, tool, parameters),
            // Python's and Gemma's values are no JSON that a schema could steer.
            _ => null,
        };
    }

    /// <summary>The mark and the header; ids that the model makes up itself are left to it.</summary>
    private IEnumerable<ConstraintSpec> Header(ToolCallSyntax.Named named, string tool)
    {
        // Of several headers the last is the plainest that templates write; DeepSeek's first is R1's.
        string header = named.Open + named.Headers[^1].Text.Replace("~", "", StringComparison.Ordinal);
        if (!header.Contains("{name}", StringComparison.Ordinal))
            return [.. Literal(header.Replace("{id}", $"functions.{tool}:\0", StringComparison.Ordinal).Split('\0')[0]), new ConstraintSpec.Regex("[0-9]{1,2}"), .. Literal(header[(header.IndexOf("{id}", StringComparison.Ordinal) + 4)..])];
        header = header.Replace("{name}", tool, StringComparison.Ordinal);
        int id = header.IndexOf("{id}", StringComparison.Ordinal);
        return id < 0 ? Literal(header) : [.. Literal(header[..id]), new ConstraintSpec.Regex("[A-Za-z0-9]{9}"), .. Literal(header[(id + 4)..])];
    }

    /// <summary>What closes a Markdown block that the header has opened.</summary>
    private static string Fence(ToolCallSyntax.Named named) => named.Headers[^1].Text.Contains("```", StringComparison.Ordinal) ? "\n```" : "";

    /// <summary>The arguments in the schema's order, each held to its own schema; those that are not required may be left out.</summary>
    private List<ConstraintSpec>? Tagged(ToolCallSyntax.Tagged tagged, string tool, JsonElement? parameters)
    {
        List<ConstraintSpec> pieces = [.. Literal((IsSection(tagged) ? "" : tagged.Open + (BareName(tagged) ? "" : "\n")) + tagged.Call.Fill(tool, "") + "\n")];
        if (parameters is { } schema)
        {
            // A schema that points elsewhere in itself means nothing once a part is taken out.
            if (schema.GetRawText().Contains("\"$ref\"", StringComparison.Ordinal))
                return null;
            HashSet<string> required = schema.TryGetProperty("required", out JsonElement names) && names.ValueKind == JsonValueKind.Array
                ? [.. names.EnumerateArray().Where(static one => one.ValueKind == JsonValueKind.String).Select(static one => one.GetString()!)]
                : [];
            if (schema.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object)
            {
                foreach (JsonProperty property in properties.EnumerateObject())
                {
                    ConstraintSpec argument = new ConstraintSpec.Sequence(Argument(tagged, property));
                    pieces.Add(required.Remove(property.Name) ? argument : new ConstraintSpec.Repeat(argument, 0, 1));
                }
            }

            if (required.Count > 0)
                return null;
        }

        pieces.AddRange(Literal(tagged.CallEnd + (tagged.Close.Length > 0 && !IsSection(tagged) ? "\n" + tagged.Close : "")));
        return pieces;
    }

    private List<ConstraintSpec> Argument(ToolCallSyntax.Tagged tagged, JsonProperty property)
    {
        bool isText = property.Value.ValueKind == JsonValueKind.Object && property.Value.TryGetProperty("type", out JsonElement type)
            && type.ValueKind == JsonValueKind.String && type.ValueEquals("string");
        string line = tagged.Padded ? "\n" : "";
        string begin = tagged.Parameter.Text.TrimStart('~').Replace("~", "\n", StringComparison.Ordinal)
            .Replace("{key}", property.Name, StringComparison.Ordinal).Replace("{string}", isText ? "true" : "false", StringComparison.Ordinal);
        ConstraintSpec value = !isText ? new ConstraintSpec.JsonSchema(property.Value.GetRawText())
            : property.Value.TryGetProperty("enum", out JsonElement values) && values.ValueKind == JsonValueKind.Array && values.EnumerateArray().All(static one => one.ValueKind == JsonValueKind.String)
                ? new ConstraintSpec.OneOf([.. values.EnumerateArray().Select(static one => new ConstraintSpec.Literal(one.GetString()!))])
                : new ConstraintSpec.TextWithout(tagged.ParameterEnd);
        return [.. Literal(begin + line), value, .. Literal(line + tagged.ParameterEnd + "\n")];
    }

    /// <summary>Several calls share one pair of marks.</summary>
    private static bool IsSection(ToolCallSyntax.Tagged tagged) => tagged.Call.Text.Contains("invoke", StringComparison.Ordinal);

    private static bool BareName(ToolCallSyntax.Tagged tagged) => tagged.Call.Text.EndsWith('}');

    /// <summary>The schema of the arguments, which are an object whether the schema says so or not.</summary>
    private static ConstraintSpec Arguments(JsonElement? parameters)
    {
        if (parameters is not { } schema)
            return new ConstraintSpec.JsonObject();
        if (schema.TryGetProperty("type", out _))
            return new ConstraintSpec.JsonSchema(schema.GetRawText());
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", "object");
            foreach (JsonProperty member in schema.EnumerateObject())
                member.WriteTo(json);
            json.WriteEndObject();
        }

        return new ConstraintSpec.JsonSchema(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>A text in pieces: the special tokens in it, and what stands between them.</summary>
    private IEnumerable<ConstraintSpec> Literal(string text)
    {
        int from = 0;
        for (int at = 0; at < text.Length;)
        {
            string? token = specialTokens.FirstOrDefault(special => string.CompareOrdinal(text, at, special, 0, special.Length) == 0);
            if (token is null)
            {
                at++;
                continue;
            }

            if (at > from)
                yield return new ConstraintSpec.Literal(text[from..at]);
            yield return new ConstraintSpec.SpecialToken(token);
            at += token.Length;
            from = at;
        }

        if (from < text.Length)
            yield return new ConstraintSpec.Literal(text[from..]);
    }

    private sealed record Frame(string Begin, string? Separator, string End);
}
