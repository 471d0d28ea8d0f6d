using Fairlead.Domain.Problems;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Json;

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
    /// <param name="any">True when there is at least one.</param>
    public static Problem? Tools(ref JsonCursor cursor, string name, out bool any)
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
            cursor.Skip();
            any = true;
        }
        return null;
    }

    /// <param name="cursor">Stands before the value.</param>
    /// <param name="structured">True when anything but plain text is asked for, in whichever spelling: <c>json_object</c>, <c>json_schema</c>, <c>json</c>, <c>regex</c>, <c>grammar</c>.</param>
    public static Problem? ResponseFormat(ref JsonCursor cursor, out bool structured)
    {
        structured = false;
        if (ValueReader.SkipNull(ref cursor))
            return null;
        if (ValueReader.Wrong(ref cursor, "response_format", "an object such as {\"type\": \"json_object\"}", JsonKind.Object) is { } wrong)
            return wrong;
        cursor.Enter();
        bool first = true;
        while (cursor.NextMember(ref first, out ReadOnlySpan<byte> name, out bool escaped))
        {
            if (!JsonText.Is(name, escaped, "type"u8))
            {
                cursor.Skip();
                continue;
            }
            if (ValueReader.Text(ref cursor, "response_format.type", out string? type) is { } problem)
                return problem;
            structured = type is not (null or "text");
        }
        return null;
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
