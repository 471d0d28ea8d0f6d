using Fairlead.Engine.Tokenizers.Patterns;

namespace Fairlead.Engine.Tokenizers.PreTokenizers;

/// <summary><c>Split</c>: cuts at the matches of a pattern, or with <paramref name="invert"/> at what lies between them.</summary>
internal sealed class Split(Pattern pattern, DelimiterBehavior behavior, bool invert) : PreTokenizer
{
    public override void Apply(PieceList pieces)
    {
        var scratch = new Pattern.Scratch(pieces.Text.Length);
        pieces.Cut((text, start, end, into) => Cut(text, start, end, into, scratch));
    }

    private void Cut(ReadOnlySpan<char> text, int start, int end, PieceList into, Pattern.Scratch scratch)
    {
        var cut = new DelimiterCut(into, behavior);
        int done = start;
        Pattern.MatchFinder matches = pattern.Matches(text[start..end], scratch);
        while (matches.MoveNext())
        {
            if (start + matches.Start > done)
                cut.Part(done, start + matches.Start, invert);
            cut.Part(start + matches.Start, start + matches.End, !invert);
            done = start + matches.End;
        }

        if (done < end)
            cut.Part(done, end, invert);
        cut.Finish();
    }
}
