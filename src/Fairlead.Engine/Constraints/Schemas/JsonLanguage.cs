using Fairlead.Engine.Constraints.Automata;
using Fairlead.Engine.Constraints.Regexes;

namespace Fairlead.Engine.Constraints.Schemas;

/// <summary>The pieces of JSON (RFC 8259) that no schema changes.</summary>
internal sealed class JsonLanguage
{
    /// <summary>Spaces and tabs after a new line: eight levels of four. A model that likes spaces gets no further.</summary>
    private const int MaxIndent = 32;

    private static readonly ByteSet Hex = ByteSet.Of("0123456789abcdefABCDEF"u8);

    private readonly GrammarBuilder _builder;
    private readonly TextLanguage _text;
    private readonly int _anyCharacter;
    private readonly Dictionary<(int, int), int> _strings = [];

    public JsonLanguage(GrammarBuilder builder, TextLanguage text)
    {
        (_builder, _text) = (builder, text);
        _anyCharacter = AnyCharacter();
        Space = builder.Choice(
            builder.Nothing,
            builder.Literal(" "),
            builder.Sequence(builder.Literal("\n"), builder.Repeat(builder.Bytes(ByteSet.Of(" \t"u8)), 0, MaxIndent)));
        NextItem = builder.Sequence(builder.Literal(","), Space);
        AfterName = builder.Sequence(builder.Literal(":"), Space);
        Boolean = builder.Choice(builder.Literal("true"), builder.Literal("false"));
        Null = builder.Literal("null");
    }

    /// <summary>
    /// White space between two pieces: none, one space, or a new line with up to 32 spaces and tabs. JSON allows any amount, and a model that
    /// has begun with white space may never stop; this is every layout that printers produce.
    /// </summary>
    public int Space { get; }

    /// <summary>A comma and what may stand after it; nothing stands before it.</summary>
    public int NextItem { get; }

    /// <summary>The colon after a name and what may stand after it; nothing stands before it.</summary>
    public int AfterName { get; }

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public int Boolean { get; }

    /// <summary><c>null</c>.</summary>
    public int Null { get; }

    /// <summary>A string of so many characters (code points) in any spelling; the quotes included.</summary>
    public int String(int atLeast, int atMost)
    {
        if (!_strings.TryGetValue((atLeast, atMost), out int known))
        {
            int quote = _builder.Literal("\"");
            known = _builder.Lexeme(_builder.Sequence(quote, _builder.Repeat(_anyCharacter, atLeast, atMost), quote));
            _strings.Add((atLeast, atMost), known);
        }

        return known;
    }

    /// <summary>Quotes around what is written in <see cref="Spelling.JsonString"/>; one lexeme.</summary>
    public int Quoted(int content) => _builder.Lexeme(_builder.Sequence(_builder.Literal("\""), content, _builder.Literal("\"")));

    /// <summary>Any text inside quotes, in the one spelling that can be compared.</summary>
    public int AnyContent => _builder.Repeat(_text.AnyCharacter(Spelling.JsonString), 0, Grammar.Unbounded);

    /// <summary>One character of a string: itself, a short escape, or <c>\uXXXX</c>. Surrogates only as a pair: half of one is no text (RFC 8259 §8.2).</summary>
    private int AnyCharacter()
    {
        CodePointRanges unescaped = CodePointRanges.All.Without(CodePointRanges.Of(new(0, 0x1F), new('"', '"'), new('\\', '\\')));
        int hex = _builder.Bytes(Hex);
        int twoHex = _builder.Sequence(hex, hex);
        int basic = _builder.Choice(
            _builder.Sequence(_builder.Bytes(ByteSet.Of("0123456789abcefABCEF"u8)), hex, twoHex),
            _builder.Sequence(_builder.Bytes(ByteSet.Of("dD"u8)), _builder.Bytes(ByteSet.Of("01234567"u8)), twoHex));
        int pair = _builder.Sequence(
            _builder.Bytes(ByteSet.Of("dD"u8)), _builder.Bytes(ByteSet.Of("89abAB"u8)), twoHex,
            _builder.Literal("\\u"),
            _builder.Bytes(ByteSet.Of("dD"u8)), _builder.Bytes(ByteSet.Of("cdefCDEF"u8)), twoHex);
        return _builder.Choice(
            _text.Character(unescaped, Spelling.Plain),
            _builder.Sequence(
                _builder.Literal("\\"),
                _builder.Choice(_builder.Bytes(ByteSet.Of("\"\\/bfnrt"u8)), _builder.Sequence(_builder.Literal("u"), _builder.Choice(basic, pair)))));
    }
}
