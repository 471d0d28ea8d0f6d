using System.Text;

namespace Fairlead.Protocols.Translation;

/// <summary>Names of fields for a header's value, each once: visible ASCII, separated by commas, bounded. Allocates nothing until the first is added.</summary>
internal struct FieldNames
{
    private const int LongestName = 64;
    private const int MostNames = 16;
    private const string More = "...";

    private int _count;

    /// <summary>Comma-separated; null while there is none. Beyond 16 names the list ends with <c>...</c></summary>
    public string? Text { get; private set; }

    /// <summary>Adds a name that is fit for a header already: one of ours, or the <see cref="Text"/> of another list.</summary>
    public void Add(string? names)
    {
        if (names is null)
            return;
        if (names.Contains(',', StringComparison.Ordinal))
        {
            foreach (string name in names.Split(", "))
                AddOne(name);
        }
        else
        {
            AddOne(names);
        }
    }

    /// <summary>Adds a name that a caller has chosen.</summary>
    /// <param name="holder">What it stands in, with its dot; empty at the top.</param>
    /// <param name="name">The name, unescaped.</param>
    public void AddForeign(string holder, string name)
    {
        var safe = new StringBuilder(holder, holder.Length + LongestName);
        foreach (char c in name.AsSpan(0, Math.Min(name.Length, LongestName)))
            safe.Append(c is > ' ' and <= '~' and not ',' ? c : '?');
        AddOne(safe.Length == 0 ? "?" : safe.ToString());
    }

    private void AddOne(string name)
    {
        if (Text is null)
        {
            Text = name;
            _count = 1;
            return;
        }
        if (Holds(name) || Text.EndsWith(More, StringComparison.Ordinal))
            return;
        Text = $"{Text}, {(_count++ < MostNames ? name : More)}";
    }

    private readonly bool Holds(string name)
    {
        foreach (Range range in Text.AsSpan().Split(", "))
        {
            if (Text.AsSpan()[range].SequenceEqual(name))
                return true;
        }
        return false;
    }
}
