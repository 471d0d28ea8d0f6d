using System.Text;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Dialects;

/// <summary>Reads single values of a request and says what is wrong with them: what stands there, what is expected.</summary>
internal static class ValueReader
{
    public static Problem? Bool(ref JsonCursor cursor, string name, out bool value)
    {
        JsonKind kind = cursor.Peek();
        value = kind == JsonKind.True;
        Problem? wrong = Wrong(ref cursor, name, "true or false", JsonKind.True, JsonKind.False, JsonKind.Null);
        if (wrong is null)
            cursor.Skip();
        return wrong;
    }

    public static Problem? Text(ref JsonCursor cursor, string name, out string? value)
    {
        value = null;
        if (SkipNull(ref cursor))
            return null;
        if (Wrong(ref cursor, name, "a string", JsonKind.String) is { } wrong)
            return wrong;
        if (cursor.ReadString(out ReadOnlySpan<byte> raw, out bool escaped))
            value = JsonText.Unescape(raw, escaped);
        return null;
    }

    public static Problem? Whole(ref JsonCursor cursor, ReadOnlySpan<byte> body, string name, long least, long most, out long? value)
    {
        value = null;
        if (SkipNull(ref cursor))
            return null;
        if (Wrong(ref cursor, name, "a whole number", JsonKind.Number) is { } wrong)
            return wrong;
        if (!cursor.Skip(out Range range))
            return null;
        if (!JsonText.TryWhole(body[range], out long number) || number < least || number > most)
        {
            string bounds = least == long.MinValue ? "a whole number of 64 bits" : most == int.MaxValue ? $"a whole number of at least {least}" : $"a whole number from {least} to {most}";
            return new Problem(ProblemKind.FieldInvalid, $"'{name}' is {Shown(body[range])}; {bounds} is expected.", name);
        }
        value = number;
        return null;
    }

    public static Problem? Real(ref JsonCursor cursor, ReadOnlySpan<byte> body, string name, double least, double most) =>
        Real(ref cursor, body, name, least, most, out _);

    public static Problem? Real(ref JsonCursor cursor, ReadOnlySpan<byte> body, string name, double least, double most, out double? value)
    {
        value = null;
        if (SkipNull(ref cursor))
            return null;
        if (Wrong(ref cursor, name, "a number", JsonKind.Number) is { } wrong)
            return wrong;
        if (!cursor.Skip(out Range range))
            return null;
        if (JsonText.TryReal(body[range], out double number) && number >= least && number <= most)
        {
            value = number;
            return null;
        }
        return new Problem(ProblemKind.FieldInvalid, $"'{name}' is {Shown(body[range])}; a number from {least} to {most} is expected.", name);
    }

    /// <summary>Names of models or providers: they go into log lines and header values, so they hold nothing that would break one.</summary>
    public static Problem? Names(ref JsonCursor cursor, string name, RequestLimits limits, out List<string>? values)
    {
        values = null;
        if (SkipNull(ref cursor))
            return null;
        if (Wrong(ref cursor, name, "an array of strings", JsonKind.Array) is { } wrong)
            return wrong;
        cursor.Enter();
        values = [];
        bool first = true;
        while (cursor.NextElement(ref first))
        {
            if (Wrong(ref cursor, $"{name}[{values.Count}]", "a string", JsonKind.String) is { } bad)
                return bad;
            if (values.Count == limits.ListLength)
                return new Problem(ProblemKind.FieldInvalid, $"'{name}' has more than {limits.ListLength} entries. Send fewer.", name);
            if (!cursor.ReadString(out ReadOnlySpan<byte> raw, out bool escaped))
                return null;
            string value = JsonText.Unescape(raw, escaped);
            if (!IsName(value, limits.ModelLength))
                return new Problem(ProblemKind.FieldInvalid, $"'{name}[{values.Count}]' must be a name of 1 to {limits.ModelLength} characters without spaces or control characters.", name);
            values.Add(value);
        }
        return null;
    }

    public static bool IsName(string text, int most)
    {
        if (text.Length == 0 || text.Length > most)
            return false;
        foreach (char c in text)
        {
            // Format characters too: a name that shows as another one is no name.
            if (char.IsControl(c) || char.IsWhiteSpace(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format)
                return false;
        }
        return true;
    }

    /// <summary>True, and passed over, when null stands here: the same as leaving the member out.</summary>
    public static bool SkipNull(ref JsonCursor cursor)
    {
        if (cursor.Peek() != JsonKind.Null)
            return false;
        cursor.Skip();
        return true;
    }

    /// <summary>Passes over a value of one of the kinds, or null.</summary>
    public static Problem? Any(ref JsonCursor cursor, string name, string expected, params ReadOnlySpan<JsonKind> kinds)
    {
        JsonKind kind = cursor.Peek();
        if (kind != JsonKind.Null && Wrong(ref cursor, name, expected, kinds) is { } wrong)
            return wrong;
        cursor.Skip();
        return null;
    }

    /// <summary>Says so when the value that begins here is of none of the kinds. A malformed value is the cursor's fault to tell.</summary>
    public static Problem? Wrong(ref JsonCursor cursor, string name, string expected, params ReadOnlySpan<JsonKind> kinds)
    {
        JsonKind kind = cursor.Peek();
        if (cursor.Fault is not null || kinds.Contains(kind))
            return null;
        return Told(Found(kind), name, expected);
    }

    /// <summary>Says what stands in a value that has been read and is not what is expected.</summary>
    /// <param name="value">As written; empty where it does not stand there at all.</param>
    /// <param name="name">Its name.</param>
    /// <param name="expected">What should stand there.</param>
    public static Problem Wrong(ReadOnlySpan<byte> value, string name, string expected) => Told(value switch
    {
        [] => "missing",
        [(byte)'{', ..] => Found(JsonKind.Object),
        [(byte)'[', ..] => Found(JsonKind.Array),
        [(byte)'"', ..] => Found(JsonKind.String),
        [(byte)'n', ..] => Found(JsonKind.Null),
        [(byte)'t' or (byte)'f', ..] => Found(JsonKind.True),
        _ => Shown(value),
    }, name, expected);

    /// <summary>Says what word stands where one of a few is expected; words, not texts: it is shown.</summary>
    public static Problem NoneOf(ReadOnlySpan<byte> value, string name, string expected) => value is [(byte)'"', ..]
        ? Told(Show(Encoding.UTF8.GetString(value.Length <= 60 ? value : value[..60])), name, expected)
        : Wrong(value, name, expected);

    private static Problem Told(string found, string name, string expected) => new(ProblemKind.FieldInvalid, $"'{name}' is {found}; {expected} is expected.", name);

    private static string Found(JsonKind kind) => kind switch
    {
        JsonKind.Object => "an object",
        JsonKind.Array => "an array",
        JsonKind.String => "a string",
        JsonKind.Number => "a number",
        JsonKind.Null => "null",
        _ => "true or false",
    };

    /// <summary>A text from a body, fit for a message.</summary>
    public static string Show(string text) => Redaction.Clean(text, 60);

    private static string Shown(ReadOnlySpan<byte> number) => Encoding.ASCII.GetString(number.Length <= 24 ? number : number[..24]);
}
