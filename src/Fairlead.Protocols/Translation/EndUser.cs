using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Translation;

/// <summary>The caller's word for whom it asks: opaque, or it is not passed on.</summary>
internal static class EndUser
{
    /// <summary>Characters of Anthropic's <c>metadata.user_id</c>.</summary>
    private const int Longest = 256;

    /// <summary>Whether a value may go on as <c>metadata.user_id</c>: a string that is not empty, not too long, and not an e-mail address, which Anthropic asks not to be sent.</summary>
    /// <param name="value">JSON.</param>
    public static bool IsFit(ReadOnlySpan<byte> value)
    {
        if (value.Length < 3 || value[0] != (byte)'"' || value.Length > Longest * 6)
            return false;
        string text = JsonText.Unescape(value[1..^1], value.Contains((byte)'\\'));
        int at = text.IndexOf('@', StringComparison.Ordinal);
        bool mail = at > 0 && text.IndexOf('.', at) > at + 1;
        return text.Length <= Longest && !mail;
    }
}
