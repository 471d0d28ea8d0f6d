using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;
using Fairlead.Protocols.Translation;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Reads those options of a request that are objects or lists.</summary>
internal static class OptionReader
{
    /// <summary>Stop sequences of one request; OpenAI takes 4, engines more.</summary>
    private const int MostStops = 16;

    public static Problem? StreamOptions(ref JsonCursor cursor, out bool includeUsage)
    {
        includeUsage = false;
        if (ValueReader.SkipNull(ref cursor))
            return null;
        if (ValueReader.Wrong(ref cursor, "stream_options", "an object", JsonKind.Object) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (!JsonText.Is(name, escaped, "include_usage"u8))
                cursor.Skip();
            else if (ValueReader.Bool(ref cursor, "stream_options.include_usage", out includeUsage) is { } problem)
                return problem;
        }
        return null;
    }

    /// <param name="cursor">Stands before the value.</param>
    /// <param name="name"><c>tools</c>, or <c>functions</c> as they were called before.</param>
    /// <param name="body">The text that the cursor walks.</param>
    /// <param name="fields">What no other dialect can say of them.</param>
    /// <param name="any">True when there is at least one.</param>
    public static Problem? Tools(ref JsonCursor cursor, string name, ReadOnlySpan<byte> body, ref ChatFields fields, out bool any)
    {
        any = false;
        if (ValueReader.SkipNull(ref cursor))
            return null;
        if (ValueReader.Wrong(ref cursor, name, "an array of tools", JsonKind.Array) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        for (int count = 0; cursor.NextElement(ref first); count++)
        {
            if (ValueReader.Wrong(ref cursor, $"{name}[{count}]", "an object", JsonKind.Object) is { } bad)
                return bad;
            var tool = ChatTool.Read(ref cursor, body, bare: name == "functions");
            if (!tool.IsFunction)
                fields.Bind($"{name}[{count}]");
            else if (tool.Unknown is { } unknown)
                fields.LoseForeign(name, unknown);
            any = true;
        }
        return null;
    }

    /// <param name="cursor">Stands before the value.</param>
    /// <param name="structured">True when anything but plain text is asked for, in whichever spelling: <c>json_object</c>, <c>json_schema</c>, <c>json</c>, <c>regex</c>, <c>grammar</c>.</param>
    /// <param name="fields">What no other dialect can say of it: JSON without a schema, expressions, grammars.</param>
    public static Problem? ResponseFormat(ref JsonCursor cursor, ref ChatFields fields, out bool structured)
    {
        structured = false;
        bool json = false;
        bool schema = false;
        if (ValueReader.SkipNull(ref cursor))
            return null;
        if (ValueReader.Wrong(ref cursor, "response_format", "an object such as {\"type\": \"json_object\"}", JsonKind.Object) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (JsonText.Is(name, escaped, "type"u8))
            {
                if (ValueReader.Text(ref cursor, "response_format.type", out string? type) is { } problem)
                    return problem;
                structured = type is not (null or "text");
                json = type is "json_schema" or "json_object" or "json";
            }
            else if (JsonText.Is(name, escaped, "json_schema"u8) && cursor.Peek() == JsonKind.Object)
            {
                schema |= Schema(ref cursor, ref fields);
            }
            else
            {
                schema |= (JsonText.Is(name, escaped, "schema"u8) || JsonText.Is(name, escaped, "value"u8)) && cursor.Peek() == JsonKind.Object;
                cursor.Skip();
            }
        }
        if (structured && !(json && schema))
            fields.Bind("response_format");
        return null;
    }

    /// <summary>Whether the object holds a schema.</summary>
    private static bool Schema(ref JsonCursor cursor, ref ChatFields fields)
    {
        bool schema = false;
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            JsonKind kind = cursor.Peek();
            if (JsonText.Is(name, escaped, "schema"u8))
                schema = kind == JsonKind.Object;
            else if (JsonText.Is(name, escaped, "description"u8) && kind == JsonKind.String)
                fields.Lose("response_format.json_schema.description");
            cursor.Skip();
        }
        return schema;
    }

    public static Problem? Stop(ref JsonCursor cursor)
    {
        if (ValueReader.Wrong(ref cursor, "stop", "a string or an array of strings", JsonKind.String, JsonKind.Array, JsonKind.Null) is { } wrong)
            return wrong;
        if (cursor.Peek() != JsonKind.Array)
        {
            cursor.Skip();
            return null;
        }
        cursor.Enter();
        bool first = true;
        for (int count = 0; cursor.NextElement(ref first); count++)
        {
            if (ValueReader.Wrong(ref cursor, $"stop[{count}]", "a string", JsonKind.String) is { } bad)
                return bad;
            if (count == MostStops)
                return new Problem(ProblemKind.FieldInvalid, $"'stop' has more than {MostStops} entries. Send fewer.", "stop");
            cursor.Skip();
        }
        return null;
    }
}
