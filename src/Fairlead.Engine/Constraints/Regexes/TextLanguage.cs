using System.Text;
using Fairlead.Engine.Constraints.Automata;

namespace Fairlead.Engine.Constraints.Regexes;

/// <summary>How characters are written as bytes: plain UTF-8, or UTF-8 inside a JSON string.</summary>
internal enum Spelling
{
    /// <summary>UTF-8.</summary>
    Plain,

    /// <summary>
    /// UTF-8 with what JSON wants escaped (RFC 8259 §7) escaped in one way only: <c>\" \\ \b \f \n \r \t</c> and <c>\u00xx</c> in lower case.
    /// One spelling for each text, so that a pattern or the exclusion of a name sees every text that means it.
    /// </summary>
    JsonString,
}

/// <summary>Writes sets of characters and regular expressions as expressions over bytes.</summary>
internal sealed class TextLanguage(GrammarBuilder builder)
{
    private readonly int?[] _anyCharacter = new int?[2];

    /// <summary>Any one character.</summary>
    public int AnyCharacter(Spelling spelling) => _anyCharacter[(int)spelling] ??= Character(CodePointRanges.All, spelling);

    /// <summary>One character of <paramref name="set"/>.</summary>
    public int Character(CodePointRanges set, Spelling spelling)
    {
        if (spelling == Spelling.Plain)
            return Utf8(set);
        var options = new List<int> { Utf8(set.Without(EscapedInJson)) };
        foreach (CodePointRange range in set.Ranges)
        {
            for (int codePoint = range.First; codePoint <= Math.Min(range.Last, '\\'); codePoint++)
            {
                if (EscapedInJson.Contains(codePoint))
                    options.Add(builder.Literal(JsonEscape(codePoint)));
            }
        }

        options.RemoveAll(option => option == builder.Never);
        return builder.Choice([.. options]);
    }

    /// <summary>Exactly <paramref name="text"/>.</summary>
    public int Text(string text, Spelling spelling) => builder.Literal(spelling == Spelling.Plain ? text : Escaped(text));

    /// <summary>Texts all of which is what <paramref name="regex"/> describes; <c>^</c> and <c>$</c> at its ends change nothing.</summary>
    public int Whole(RegexNode regex, Spelling spelling, string? pointer) => Anchored(regex, spelling, pointer, around: builder.Nothing);

    /// <summary>Texts in which <paramref name="regex"/> is found somewhere, or where its anchors say: the meaning of JSON Schema's <c>pattern</c>.</summary>
    public int Containing(RegexNode regex, Spelling spelling, string? pointer) =>
        Anchored(regex, spelling, pointer, around: builder.Repeat(AnyCharacter(spelling), 0, Grammar.Unbounded));

    private static CodePointRanges EscapedInJson { get; } = CodePointRanges.Of(new(0, 0x1F), new('"', '"'), new('\\', '\\'));

    /// <summary><paramref name="text"/> as it stands between the quotes of a JSON string, in the spelling of <see cref="Spelling.JsonString"/>.</summary>
    public static string Escaped(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (char unit in text)
        {
            if (EscapedInJson.Contains(unit))
                escaped.Append(JsonEscape(unit));
            else
                escaped.Append(unit);
        }

        return escaped.ToString();
    }

    private static string JsonEscape(int codePoint) => codePoint switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => $"\\u{codePoint:x4}",
    };

    private int Anchored(RegexNode regex, Spelling spelling, string? pointer, int around)
    {
        // Each alternative may have anchors of its own: ^a|b$ means (^a)|(b$).
        if (regex is RegexNode.Alternation alternation)
            return builder.Choice([.. alternation.Options.Select(option => Anchored(option, spelling, pointer, around))]);
        List<RegexNode> parts = Flatten(regex);
        int begin = parts.FindIndex(static part => part is not RegexNode.Anchor { IsBegin: true });
        int first = begin < 0 ? parts.Count : begin;
        int last = parts.Count;
        while (last > first && parts[last - 1] is RegexNode.Anchor { IsBegin: false })
            last--;
        if (first == 0 && last == parts.Count && parts is [RegexNode.Alternation only])
            return Anchored(only, spelling, pointer, around);
        int middle = Write(new RegexNode.Concatenation(parts[first..last]), spelling, pointer);
        return builder.Sequence(first > 0 ? builder.Nothing : around, middle, last < parts.Count ? builder.Nothing : around);
    }

    private static List<RegexNode> Flatten(RegexNode regex) =>
        regex is RegexNode.Concatenation concatenation ? [.. concatenation.Parts.SelectMany(Flatten)] : [regex];

    private int Write(RegexNode regex, Spelling spelling, string? pointer)
    {
        switch (regex)
        {
            case RegexNode.Character character:
                return character.Set.Single is { } codePoint
                    ? Text(char.ConvertFromUtf32(codePoint), spelling)
                    : Character(character.Set, spelling);
            case RegexNode.Concatenation concatenation:
                return Concatenated(Flatten(concatenation), spelling, pointer);
            case RegexNode.Alternation alternation:
                return builder.Choice([.. alternation.Options.Select(option => Write(option, spelling, pointer))]);
            case RegexNode.Loop loop:
                return builder.Repeat(Write(loop.Part, spelling, pointer), loop.AtLeast, loop.AtMost);
            case RegexNode.Anchor anchor:
                throw new ConstraintException(
                    pointer ?? $"character {anchor.At}",
                    $"the regular expression has a '{(anchor.IsBegin ? '^' : '$')}' in the middle (character {anchor.At}); anchors are supported at the ends of its alternatives");
            default:
                throw new InvalidOperationException($"{regex} has no language");
        }
    }

    private int Concatenated(List<RegexNode> parts, Spelling spelling, string? pointer)
    {
        var written = new List<int>();
        var literal = new StringBuilder();
        foreach (RegexNode part in parts)
        {
            if (part is RegexNode.Character { Set.Single: { } codePoint })
            {
                literal.Append(char.ConvertFromUtf32(codePoint));
                continue;
            }

            EndLiteral();
            written.Add(Write(part, spelling, pointer));
        }

        EndLiteral();
        return builder.Sequence([.. written]);

        void EndLiteral()
        {
            if (literal.Length > 0)
                written.Add(Text(literal.ToString(), spelling));
            literal.Clear();
        }
    }

    /// <summary>One character of <paramref name="set"/> in UTF-8 (RFC 3629): never an overlong form, never half of a surrogate pair.</summary>
    private int Utf8(CodePointRanges set)
    {
        var sequences = new List<ByteSet[]>();
        foreach (CodePointRange range in set.Ranges)
            Split(range.First, range.Last, sequences);
        return Grouped(sequences, 0);
    }

    /// <summary>A choice with one option for each first byte, so that reading it leaves one option and not hundreds.</summary>
    private int Grouped(List<ByteSet[]> sequences, int from)
    {
        ByteSet single = default;
        var options = new List<int>();
        foreach (IGrouping<ByteSet, ByteSet[]> group in sequences.GroupBy(sequence => sequence[from]))
        {
            List<ByteSet[]> longer = [.. group.Where(sequence => sequence.Length > from + 1)];
            if (longer.Count < group.Count())
                single |= group.Key;
            if (longer.Count > 0)
                options.Add(builder.Sequence(builder.Bytes(group.Key), Grouped(longer, from + 1)));
        }

        if (!single.IsEmpty)
            options.Add(builder.Bytes(single));
        return builder.Choice([.. options]);
    }

    private static void Split(int first, int last, List<ByteSet[]> sequences)
    {
        // Each length of UTF-8 has its own range, and below a length every position but the last must run through all 64 values or stand still.
        foreach (int lastOfLength in (ReadOnlySpan<int>)[0x7F, 0x7FF, 0xFFFF])
        {
            if (first <= lastOfLength && lastOfLength < last)
            {
                Split(first, lastOfLength, sequences);
                Split(lastOfLength + 1, last, sequences);
                return;
            }
        }

        int length = last <= 0x7F ? 1 : last <= 0x7FF ? 2 : last <= 0xFFFF ? 3 : 4;
        for (int position = 1; position < length; position++)
        {
            int low = (1 << (6 * position)) - 1;
            if ((first & ~low) == (last & ~low))
                continue;
            if ((first & low) != 0)
            {
                Split(first, first | low, sequences);
                Split((first | low) + 1, last, sequences);
                return;
            }

            if ((last & low) != low)
            {
                Split(first, (last & ~low) - 1, sequences);
                Split(last & ~low, last, sequences);
                return;
            }
        }

        Span<byte> low4 = stackalloc byte[4];
        Span<byte> high4 = stackalloc byte[4];
        new Rune(first).EncodeToUtf8(low4);
        new Rune(last).EncodeToUtf8(high4);
        var sequence = new ByteSet[length];
        for (int at = 0; at < length; at++)
            sequence[at] = ByteSet.Range(low4[at], high4[at]);
        sequences.Add(sequence);
    }
}
