using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Normalizers;

/// <summary><c>Lowercase</c>, as Rust's <c>char::to_lowercase</c> does it: character by character, so no final sigma.</summary>
internal sealed class Lowercase : Normalizer
{
    private const int DottedCapitalI = 0x130;

    public override AlignedText Apply(AlignedText text)
    {
        if (!text.Span.Contains((char)DottedCapitalI))
            return text.Mapped(CodePoints.ToLower);
        // The one character whose lower case is two: i and a dot above.
        var changes = new List<Change>(text.Length + 8);
        for (int at = 0; at < text.Length;)
        {
            int codePoint = CodePoints.At(text.Span, at, out int length);
            at += length;
            changes.Add(new Change(codePoint == DottedCapitalI ? 'i' : CodePoints.ToLower(codePoint), 0));
            if (codePoint == DottedCapitalI)
                changes.Add(new Change(0x307, 1));
        }

        return text.Changed(changes);
    }
}
