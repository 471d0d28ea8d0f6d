using Fairlead.Engine.Tokenizers.Patterns;

namespace Fairlead.Engine.Tokenizers.PreTokenizers;

/// <summary><c>Split</c>: cuts at the matches of a pattern, or with <paramref name="invert"/> at what lies between them.</summary>
internal sealed class Split(Pattern pattern, DelimiterBehavior behavior, bool invert) : PreTokenizer
{
    public override void Apply(PieceList pieces) => pieces.Cut((text, start, end, into) =>
    {
        var cut = new DelimiterCut(into, behavior);
        int done = start;
        Pattern.MatchFinder matches = pattern.Matches(text[start..end]);
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
    });
}
