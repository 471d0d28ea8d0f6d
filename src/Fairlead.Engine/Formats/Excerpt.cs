namespace Fairlead.Engine.Formats;

/// <summary>A name out of a file as an error message may show it: at most 100 characters, nothing that moves a terminal's cursor.</summary>
internal static class Excerpt
{
    private const int Longest = 100;

    /// <summary><paramref name="text"/> with control characters replaced and its tail cut.</summary>
    public static string Of(string text)
    {
        bool cut = text.Length > Longest;
        ReadOnlySpan<char> shown = cut ? text.AsSpan(0, Longest) : text;
        bool clean = true;
        foreach (char c in shown)
            clean &= !char.IsControl(c);
        if (clean && !cut)
            return text;
        return string.Concat(string.Create(shown.Length, text, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
                to[i] = char.IsControl(from[i]) ? '�' : from[i];
        }), cut ? "…" : "");
    }
}
