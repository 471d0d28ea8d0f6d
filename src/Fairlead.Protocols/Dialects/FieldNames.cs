using System.Text;

namespace Fairlead.Protocols.Dialects;

/// <summary>Names of fields for a header or a message: each once, in the order of their first appearance, few, and nothing in them that could break a line.</summary>
internal sealed class FieldNames
{
    /// <summary>Names that are told; what is beyond is told as <c>others</c>.</summary>
    private const int Most = 16;

    /// <summary>Characters of a name from a body that is told; a longer one is told by where it stands.</summary>
    private const int Longest = 48;

    private readonly List<string> _names = [];

    /// <summary>Notes a name of ours.</summary>
    public void Add(string name)
    {
        if (_names.Contains(name))
            return;
        if (_names.Count < Most)
            _names.Add(name);
        else if (_names.Count == Most)
            _names.Add("others");
    }

    /// <summary>Notes a name from a body below one of ours.</summary>
    /// <param name="within">Where it stands, such as <c>tools</c>; empty at the top.</param>
    /// <param name="name">As written between its quotes.</param>
    public void Add(string within, ReadOnlySpan<byte> name)
    {
        string? plain = Plain(name);
        Add(plain is null ? within.Length == 0 ? "others" : within : within.Length == 0 ? plain : $"{within}.{plain}");
    }

    /// <summary>Comma-separated; null when there are none.</summary>
    public string? Joined => _names.Count == 0 ? null : string.Join(", ", _names);

    private static string? Plain(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > Longest)
            return null;
        foreach (byte b in name)
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'_' or (byte)'-'))
                return null;
        }
        return Encoding.ASCII.GetString(name);
    }
}
