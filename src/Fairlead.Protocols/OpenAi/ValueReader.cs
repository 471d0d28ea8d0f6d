using Fairlead.Domain.Problems;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.OpenAi;

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
        if (cursor.Peek() == JsonKind.Null)
        {
            cursor.Skip();
            return null;
        }
        if (Wrong(ref cursor, name, "a string", JsonKind.String) is { } wrong)
            return wrong;
        if (cursor.ReadString(out ReadOnlySpan<byte> raw, out bool escaped))
            value = JsonText.Unescape(raw, escaped);
        return null;
    }

    public static Problem? Whole(ref JsonCursor cursor, ReadOnlySpan<byte> body, string name, long least, long most, out long? value)
    {
        value = null;
        if (cursor.Peek() == JsonKind.Null)
        {
            cursor.Skip();
            return null;
        }
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

    public static Problem? Real(ref JsonCursor cursor, ReadOnlySpan<byte> body, string name, double least, double most)
    {
        if (cursor.Peek() == JsonKind.Null)
        {
            cursor.Skip();
            return null;
        }
        if (Wrong(ref cursor, name, "a number", JsonKind.Number) is { } wrong)
            return wrong;
        if (!cursor.Skip(out Range range) || (JsonText.TryReal(body[range], out double number) && number >= least && number <= most))
            return null;
        return new Problem(ProblemKind.FieldInvalid, $"'{name}' is {Shown(body[range])}; a number from {least} to {most} is expected.", name);
    }

    public static Problem? Strings(ref JsonCursor cursor, string name, int most, out List<string>? values)
    {
        values = null;
        if (cursor.Peek() == JsonKind.Null)
        {
            cursor.Skip();
            return null;
        }
        if (Wrong(ref cursor, name, "an array of strings", JsonKind.Array) is { } wrong)
            return wrong;
        cursor.Enter();
        values = [];
        bool first = true;
        while (cursor.NextElement(ref first))
        {
            if (Wrong(ref cursor, $"{name}[{values.Count}]", "a string", JsonKind.String) is { } bad)
                return bad;
            if (values.Count == most)
                return new Problem(ProblemKind.FieldInvalid, $"'{name}' has more than {most} entries. Send fewer.", name);
            if (cursor.ReadString(out ReadOnlySpan<byte> raw, out bool escaped))
                values.Add(JsonText.Unescape(raw, escaped));
        }
        return null;
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
        string found = kind switch
        {
            JsonKind.Object => "an object",
            JsonKind.Array => "an array",
            JsonKind.String => "a string",
            JsonKind.Number => "a number",
            JsonKind.Null => "null",
            _ => "true or false",
        };
        return new Problem(ProblemKind.FieldInvalid, $"'{name}' is {found}; {expected} is expected.", name);
    }

    public static Problem Twice(string name) =>
        new(ProblemKind.BodyMalformed, $"The field '{name}' stands twice: we and the provider might read different ones. Send it once.", name);

    private static string Shown(ReadOnlySpan<byte> number) => System.Text.Encoding.ASCII.GetString(number.Length <= 24 ? number : number[..24]);
}
