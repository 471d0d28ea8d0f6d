using System.Text;
using Fairlead.Protocols.Json;

namespace Fairlead.Protocols.Dialects;

/// <summary>Names of top-level members that every request of one dialect repeats; found without making a string of them again.</summary>
internal sealed class KnownMembers(params ReadOnlySpan<string> names)
{
    private readonly (byte[] Utf8, string Name)[] _names = [.. names.ToArray().Select(static name => (Encoding.UTF8.GetBytes(name), name))];

    /// <summary>The known name that <paramref name="name"/> is but for the case of its letters; null when there is none.</summary>
    /// <remarks>Some providers' JSON readers do not tell case apart (Go's <c>encoding/json</c>, which also takes ſ for s and K for k),
    /// so <c>"Model"</c> beside <c>"model"</c> is a duplicate to them.</remarks>
    public string? DifferingInCase(string name)
    {
        string plain = name.Replace('\u017F', 's').Replace('\u212A', 'k');
        foreach ((_, string known) in _names)
        {
            if (known.Equals(plain, StringComparison.OrdinalIgnoreCase) && known != name)
                return known;
        }
        return null;
    }

    public bool Contains(string name)
    {
        foreach ((_, string known) in _names)
        {
            if (known == name)
                return true;
        }
        return false;
    }

    /// <summary>The name as a string: the known one where it is one.</summary>
    public string Intern(ReadOnlySpan<byte> raw, bool escaped)
    {
        if (escaped)
            return JsonText.Unescape(raw, escaped: true);
        foreach ((byte[] utf8, string name) in _names)
        {
            if (raw.SequenceEqual(utf8))
                return name;
        }
        return Encoding.UTF8.GetString(raw);
    }
}
