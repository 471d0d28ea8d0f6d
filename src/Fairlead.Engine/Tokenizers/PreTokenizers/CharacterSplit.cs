using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.PreTokenizers;

/// <summary>Cuts at single characters of a kind: <c>WhitespaceSplit</c>, <c>Punctuation</c>, <c>Digits</c>, <c>CharDelimiterSplit</c>.</summary>
internal sealed class CharacterSplit(Func<int, bool> isDelimiter, DelimiterBehavior behavior) : PreTokenizer
{
    public override void Apply(PieceList pieces) => pieces.Cut((text, start, end, into) =>
    {
        var cut = new DelimiterCut(into, behavior);
        int done = start;
        for (int at = start; at < end;)
        {
            int codePoint = CodePoints.At(text[..end], at, out int length);
            if (isDelimiter(codePoint))
            {
                if (done < at)
                    cut.Part(done, at, false);
                cut.Part(at, at + length, true);
                done = at + length;
            }

            at += length;
        }

        if (done < end)
            cut.Part(done, end, false);
        cut.Finish();
    });
}
