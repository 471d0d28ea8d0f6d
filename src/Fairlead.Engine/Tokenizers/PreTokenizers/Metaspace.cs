using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.PreTokenizers;

/// <summary>Where a <see cref="Metaspace"/> puts its sign before the text.</summary>
internal enum PrependScheme
{
    /// <summary>Before every piece that does not begin with it.</summary>
    Always,

    /// <summary>Only where the caller's text begins.</summary>
    First,

    Never,
}

/// <summary><c>Metaspace</c>: spaces become a visible sign (▁), and words are cut before it.</summary>
internal sealed class Metaspace(int replacement, PrependScheme prepend, bool split) : PreTokenizer
{
    public override void Apply(PieceList pieces)
    {
        pieces.Rewrite((text, start, end, builder) =>
        {
            ReadOnlySpan<char> piece = text.Span[start..end];
            int first = piece[0] == ' ' ? replacement : CodePoints.At(piece, 0, out _);
            bool opensText = start == 0 ? text.Origin == 0 : text.StartOf(start) == 0;
            if (first != replacement && (prepend == PrependScheme.Always || (prepend == PrependScheme.First && opensText)))
                builder.Append(replacement, text.StartOf(start), text.EndOf(start));
            for (int at = start; at < end;)
            {
                int space = text.Span[at..end].IndexOf(' ');
                int until = space < 0 ? end : at + space;
                builder.CopyRange(at, until);
                if (space >= 0)
                    builder.Append(replacement, text.StartOf(until), text.EndOf(until));
                at = until + 1;
            }
        });
        if (split)
            _words.Apply(pieces);
    }

    private readonly CharacterSplit _words = new(codePoint => codePoint == replacement, DelimiterBehavior.MergedWithNext);
}
