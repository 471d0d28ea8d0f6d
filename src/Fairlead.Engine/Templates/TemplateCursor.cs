using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Templates;

/// <summary>A template's text, and how far it is read.</summary>
internal sealed class TemplateCursor
{
    private readonly string _file;
    private readonly string _text;

    /// <param name="file">For refusals.</param>
    /// <param name="source">One line end (<c>\n</c>), and the last one does not count: both are Jinja2's defaults.</param>
    public TemplateCursor(string file, string source)
    {
        _file = file;
        string text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        _text = text.EndsWith('\n') ? text[..^1] : text;
    }

    /// <summary>Where it is read next.</summary>
    public int At { get; private set; }

    /// <summary>The line of that, from 1.</summary>
    public int Line { get; private set; } = 1;

    public int Length => _text.Length;

    public bool IsAtEnd => At >= _text.Length;

    public char this[int at] => _text[at];

    /// <summary>The character at a place; a blank behind the end.</summary>
    public char Peek(int at) => at < _text.Length ? _text[at] : ' ';

    public ReadOnlySpan<char> Span(int at, int length) => _text.AsSpan(at, length);

    /// <summary>What is read next, up to <paramref name="end"/>.</summary>
    public string Until(int end) => _text[At..end];

    /// <summary>Whether this stands at a place.</summary>
    public bool Has(string what, int at) => string.CompareOrdinal(_text, at, what, 0, what.Length) == 0;

    /// <summary>Where it stands first from a place on; below zero: nowhere.</summary>
    public int Find(string what, int from) => _text.IndexOf(what, from, StringComparison.Ordinal);

    /// <summary>The first place from here on that is no white space, or the end.</summary>
    public int SkipSpace(int at)
    {
        while (at < _text.Length && Characters.IsSpace(_text[at]))
            at++;
        return at;
    }

    public void MoveTo(int at)
    {
        Line += _text.AsSpan(At, at - At).Count('\n');
        At = at;
    }

    /// <summary>The refusal of what stands here.</summary>
    public ModelFileException Refuse(string reason) => new(_file, null, $"line {Line}: {reason}");
}
