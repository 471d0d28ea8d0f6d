using System.Text;
using System.Text.Json;

namespace Fairlead.Engine.Constraints;

/// <summary>What an answer must look like: what a caller asks for, and the pieces of which tool calls are put together.</summary>
/// <remarks>
/// Nothing is checked before <see cref="ConstraintCompiler.Start"/> (or <see cref="GrammarCompiler.Compile"/> at the door, without a vocabulary).
/// A tool call is a <see cref="Sequence"/> of literals and schemas, one of several functions a <see cref="OneOf"/>, several calls a
/// <see cref="Repeat"/>, and text that may come before the first of them a <see cref="TextWithout"/>.
/// </remarks>
public abstract record ConstraintSpec
{
    private ConstraintSpec()
    {
    }

    /// <summary>What names this constraint in a cache: equal where the constraints are equal.</summary>
    internal string Key
    {
        get
        {
            var key = new StringBuilder();
            AppendTo(key);
            return key.ToString();
        }
    }

    /// <summary>
    /// Reads <c>response_format</c> of a chat request, or <c>grammar</c> of a text-generation request, in every spelling that clients use:
    /// <c>json_object</c> (also with a schema under <c>value</c> or <c>schema</c>), <c>json_schema</c> (the schema under <c>json_schema.schema</c>,
    /// <c>schema</c>, <c>value.schema</c> or <c>value</c>), <c>json</c> and <c>regex</c> with <c>value</c>. Null for <c>text</c>.
    /// </summary>
    /// <remarks><c>strict</c> changes nothing: a schema is always kept to the letter, and what cannot be kept is refused either way.</remarks>
    /// <exception cref="ConstraintException">It is none of these; the pointer is relative to <paramref name="format"/>.</exception>
    public static ConstraintSpec? Parse(JsonElement format)
    {
        if (Member(format, "type") is not { ValueKind: JsonValueKind.String } type)
            throw new ConstraintException("/type", "a response format is an object with a type: text, json_object, json_schema, json or regex");
        switch (TextOf(type, "/type"))
        {
            case "text":
                return null;
            case "regex":
                return Member(format, "value") is { ValueKind: JsonValueKind.String } pattern
                    ? new Regex(TextOf(pattern, "/value"))
                    : throw new ConstraintException("/value", "a regex needs the expression as a string under value");
            case "json_object":
                return (Member(format, "value") ?? Member(format, "schema")) is { } shape ? SchemaOf(shape) : new JsonObject();
            case "json":
                return SchemaOf(Member(format, "value") ?? throw new ConstraintException("/value", "json needs a schema under value"));
            case "json_schema":
                JsonElement named = Member(format, "json_schema") ?? Member(format, "value") ?? format;
                // TGI's form puts the schema itself under value, where OpenAI's puts an object with a name and a schema.
                return SchemaOf(Member(named, "schema") ?? (format.TryGetProperty("value", out _) ? named : throw new ConstraintException("/json_schema/schema", "json_schema needs a schema")));
            case var other:
                throw new ConstraintException("/type", $"'{other}' is no response format; text, json_object, json_schema, json and regex are");
        }
    }

    private static string TextOf(JsonElement value, string pointer)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new ConstraintException(pointer, "this string holds half of a surrogate pair and is no text", e);
        }
    }

    private static JsonElement? Member(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static JsonSchema SchemaOf(JsonElement schema) => new(schema.GetRawText());

    private protected abstract void AppendTo(StringBuilder key);

    private static void Append(StringBuilder key, char kind, string text) => key.Append(kind).Append(text.Length).Append(':').Append(text);

    private static void Append(StringBuilder key, char kind, IReadOnlyList<ConstraintSpec> parts)
    {
        key.Append(kind).Append(parts.Count).Append(':');
        foreach (ConstraintSpec part in parts)
            part.AppendTo(key);
    }

    /// <summary>Any JSON object.</summary>
    public sealed record JsonObject : ConstraintSpec
    {
        private protected override void AppendTo(StringBuilder key) => key.Append('o');
    }

    /// <summary>JSON that satisfies a schema. What is kept and what is refused: <see cref="Schemas.SchemaCompiler"/>.</summary>
    /// <param name="Schema">The schema as JSON text, at most 32 KiB.</param>
    public sealed record JsonSchema(string Schema) : ConstraintSpec
    {
        private protected override void AppendTo(StringBuilder key) => Append(key, 's', Schema);
    }

    /// <summary>Text all of which is described by a regular expression (ECMA-262 syntax; anchors at its ends change nothing).</summary>
    public sealed record Regex(string Pattern) : ConstraintSpec
    {
        private protected override void AppendTo(StringBuilder key) => Append(key, 'r', Pattern);
    }

    /// <summary>Exactly this text.</summary>
    public sealed record Literal(string Text) : ConstraintSpec
    {
        private protected override void AppendTo(StringBuilder key) => Append(key, 'l', Text);
    }

    /// <summary>The special token of that name (<c>&lt;|python_tag|&gt;</c>), which no text can spell.</summary>
    public sealed record SpecialToken(string Name) : ConstraintSpec
    {
        private protected override void AppendTo(StringBuilder key) => Append(key, 't', Name);
    }

    /// <summary>Any text, also none, that does not contain <paramref name="Stop"/>.</summary>
    public sealed record TextWithout(string Stop) : ConstraintSpec
    {
        private protected override void AppendTo(StringBuilder key) => Append(key, 'w', Stop);
    }

    /// <summary>One part after the other.</summary>
    public sealed record Sequence(IReadOnlyList<ConstraintSpec> Parts) : ConstraintSpec
    {
        private protected override void AppendTo(StringBuilder key) => Append(key, 'q', Parts);
    }

    /// <summary>One of several.</summary>
    public sealed record OneOf(IReadOnlyList<ConstraintSpec> Options) : ConstraintSpec
    {
        private protected override void AppendTo(StringBuilder key) => Append(key, 'c', Options);
    }

    /// <summary>A part several times, with a text between any two.</summary>
    /// <param name="Part">What is repeated.</param>
    /// <param name="AtLeast">Times, ≥ 0.</param>
    /// <param name="AtMost">Times, ≥ <paramref name="AtLeast"/>; null: without end.</param>
    /// <param name="Separator">Between any two; may be empty.</param>
    public sealed record Repeat(ConstraintSpec Part, int AtLeast, int? AtMost, string Separator = "") : ConstraintSpec
    {
        private protected override void AppendTo(StringBuilder key)
        {
            key.Append('n').Append(AtLeast).Append(',').Append(AtMost).Append(':');
            Append(key, 'l', Separator);
            Part.AppendTo(key);
        }
    }
}
