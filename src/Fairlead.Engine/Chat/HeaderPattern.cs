namespace Fairlead.Engine.Chat;

/// <summary>Whether a text begins with something, as far as it has arrived.</summary>
internal enum Match
{
    /// <summary>It does.</summary>
    Yes,

    /// <summary>It does not, whatever follows.</summary>
    No,

    /// <summary>More text decides.</summary>
    Open,
}

/// <summary>What stands before a call's arguments, with fields for its name, key and id: <c>{name}[CALL_ID]{id}[ARGS]</c>.</summary>
/// <remarks>
/// Everything outside the fields is literal, except <c>~</c>, any white space or none. A field takes letters, digits and <c>_ . - : /</c>,
/// at most 256; a pattern that ends with a field waits for the first character that is none of them.
/// </remarks>
internal sealed class HeaderPattern(string text)
{
    private const int MaxField = 256;

    public string Text { get; } = text;

    /// <summary>Tries the beginning of <paramref name="text"/>.</summary>
    /// <param name="ended">No more text will come.</param>
    /// <param name="fields">Where it matches, what stands in the fields.</param>
    /// <param name="length">Where it matches, how far it goes.</param>
    public Match Read(ReadOnlySpan<char> text, bool ended, out Dictionary<string, string> fields, out int length)
    {
        fields = [];
        length = 0;
        int at = 0;
        for (int i = 0; i < Text.Length; i++)
        {
            switch (Text[i])
            {
                case '~':
                    while (at < text.Length && char.IsWhiteSpace(text[at]))
                        at++;
                    if (at == text.Length && !ended)
                        return Match.Open;
                    break;
                case '{' when Text.IndexOf('}', i) is > 0 and var close:
                    int from = at;
                    while (at < text.Length && at - from <= MaxField && IsField(text[at]))
                        at++;
                    if (at == text.Length && !ended)
                        return at - from <= MaxField ? Match.Open : Match.No;
                    if (at == from || at - from > MaxField)
                        return Match.No;
                    fields[Text[(i + 1)..close]] = text[from..at].ToString();
                    i = close;
                    break;
                default:
                    if (at == text.Length)
                        return ended ? Match.No : Match.Open;
                    if (text[at++] != Text[i])
                        return Match.No;
                    break;
            }
        }

        length = at;
        return Match.Yes;
    }

    /// <summary>The text that matches with these fields.</summary>
    public string Fill(string name, string id) => Text.Replace("{name}", name, StringComparison.Ordinal).Replace("{id}", id, StringComparison.Ordinal).Replace("~", "", StringComparison.Ordinal);

    private static bool IsField(char c) => char.IsLetterOrDigit(c) || c is '_' or '.' or '-' or ':' or '/' or '$';
}
