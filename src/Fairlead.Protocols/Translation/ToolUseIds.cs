namespace Fairlead.Protocols.Translation;

/// <summary>Ids of tool calls as Anthropic takes them: letters, digits, <c>_</c> and <c>-</c>, at least one.</summary>
/// <remarks>Any other id is written so that no two ids become one: behind <c>flx-</c> letters, digits and <c>_</c> stand for themselves and every other byte is <c>-</c> and two
/// hexadecimal digits; an id that begins with <c>flx-</c> by itself is written so, too. Calls and results of a request are written alike, so they still meet.</remarks>
internal static class ToolUseIds
{
    private static ReadOnlySpan<byte> Mark => "flx-"u8;

    /// <summary>Whether an id goes through as it is.</summary>
    public static bool IsFit(ReadOnlySpan<byte> id)
    {
        foreach (byte b in id)
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'_' or (byte)'-'))
                return false;
        }
        return !id.IsEmpty && !id.StartsWith(Mark);
    }

    /// <summary>Writes an id.</summary>
    /// <param name="name">The member.</param>
    /// <param name="id">As the caller wrote it; an absent one is the empty one.</param>
    /// <param name="json">Where to.</param>
    public static void Write(ReadOnlySpan<byte> name, JsonString id, JsonSink json)
    {
        if (!id.Escaped && IsFit(id.Raw))
            json.Text(name, id);
        else
            json.Plain(name, Sanitized(id.ToString()));
    }

    /// <summary>An id that is fit.</summary>
    public static string Sanitized(string id)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(id);
        if (IsFit(bytes))
            return id;
        var text = new System.Text.StringBuilder("flx-");
        foreach (byte b in bytes)
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b == (byte)'_')
                text.Append((char)b);
            else
                text.Append('-').Append(Convert.ToHexStringLower([b]));
        }
        return text.ToString();
    }
}
