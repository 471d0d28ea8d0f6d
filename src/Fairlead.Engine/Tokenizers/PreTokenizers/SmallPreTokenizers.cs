using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.PreTokenizers;

/// <summary>The pre-tokenizers that are others with fixed settings.</summary>
internal static class SmallPreTokenizers
{
    /// <summary><c>BertPreTokenizer</c>: words at white space, every punctuation mark alone.</summary>
    public static PreTokenizer Bert { get; } = new PreTokenizerSequence([WhitespaceSplit, Punctuation(DelimiterBehavior.Isolated)]);

    /// <summary><c>Whitespace</c>: runs of word characters and runs of what is neither word nor space (<c>\w+|[^\w\s]+</c>).</summary>
    public static PreTokenizer Whitespace { get; } = new Words();

    /// <summary><c>WhitespaceSplit</c>: cut at white space, which is dropped.</summary>
    public static PreTokenizer WhitespaceSplit => new CharacterSplit(CodePoints.IsWhiteSpace, DelimiterBehavior.Removed);

    /// <summary><c>Punctuation</c>.</summary>
    public static PreTokenizer Punctuation(DelimiterBehavior behavior) => new CharacterSplit(CodePoints.IsPunctuation, behavior);

    /// <summary><c>Digits</c>: numerals apart from the rest, each alone or all together.</summary>
    public static PreTokenizer Digits(bool individual) =>
        new CharacterSplit(CodePoints.IsNumeric, individual ? DelimiterBehavior.Isolated : DelimiterBehavior.Contiguous);

    /// <summary><c>CharDelimiterSplit</c>: cut at one character, which is dropped.</summary>
    public static PreTokenizer CharDelimiterSplit(int delimiter) =>
        new CharacterSplit(codePoint => codePoint == delimiter, DelimiterBehavior.Removed);

    // Kinds: 0 white space, 1 word, 2 the rest. A piece is a run of one kind.
    private sealed class Words : PreTokenizer
    {
        public override void Apply(PieceList pieces) => pieces.Cut(static (text, start, end, into) =>
        {
            int begun = start, kind = 0;
            for (int at = start; at < end;)
            {
                int codePoint = CodePoints.At(text[..end], at, out int length);
                int now = CodePoints.IsWord(codePoint) ? 1 : CodePoints.IsWhiteSpace(codePoint) ? 0 : 2;
                if (now != kind)
                {
                    if (kind != 0)
                        into.Add(begun, at);
                    (begun, kind) = (at, now);
                }

                at += length;
            }

            if (kind != 0)
                into.Add(begun, end);
        });
    }
}

/// <summary><c>FixedLength</c>: pieces of so many characters.</summary>
internal sealed class FixedLength(int length) : PreTokenizer
{
    public override void Apply(PieceList pieces) => pieces.Cut((text, start, end, into) =>
    {
        int begun = start, count = 0;
        for (int at = start; at < end;)
        {
            CodePoints.At(text[..end], at, out int units);
            at += units;
            if (++count == length || at == end)
            {
                into.Add(begun, at);
                (begun, count) = (at, 0);
            }
        }
    });
}

/// <summary><c>UnicodeScripts</c>: cuts where the script changes. Kana count as Han; a space belongs to whatever stands before it.</summary>
internal sealed class UnicodeScripts : PreTokenizer
{
    private static readonly int s_han = UnicodeTables.ScriptNamed("Han");
    private static readonly int s_hiragana = UnicodeTables.ScriptNamed("Hiragana");
    private static readonly int s_katakana = UnicodeTables.ScriptNamed("Katakana");

    public override void Apply(PieceList pieces) => pieces.Cut(static (text, start, end, into) =>
    {
        int begun = -1; // spaces before the first script are dropped, as in the reference
        int last = int.MinValue;
        for (int at = start; at < end;)
        {
            int codePoint = CodePoints.At(text[..end], at, out int length);
            if (codePoint != ' ')
            {
                int script = UnicodeTables.ScriptOf(codePoint);
                script = codePoint == 0x30FC || script == s_hiragana || script == s_katakana ? s_han : script;
                if (script != last)
                {
                    if (begun >= 0)
                        into.Add(begun, at);
                    (begun, last) = (at, script);
                }
            }

            at += length;
        }

        if (begun >= 0)
            into.Add(begun, end);
    });
}
