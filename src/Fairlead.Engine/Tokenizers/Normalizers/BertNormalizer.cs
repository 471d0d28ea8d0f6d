using System.Globalization;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Normalizers;

/// <summary><c>BertNormalizer</c>: cleans the text, sets Chinese characters apart, strips accents, lowers the case, each if asked for.</summary>
internal sealed class BertNormalizer(bool cleanText, bool handleChineseChars, bool stripAccents, bool lowercase) : Normalizer
{
    private static readonly UnicodeForm s_decomposed = new(NormalizationKind.Nfd);
    private static readonly Lowercase s_lowercase = new();

    public override AlignedText Apply(AlignedText text)
    {
        if (cleanText)
        {
            text = text.Without(static c => c is 0 or 0xFFFD || IsControl(c))
                .Mapped(static c => CodePoints.IsWhiteSpace(c) ? ' ' : c);
        }

        if (handleChineseChars)
            text = SetApart(text);
        if (stripAccents)
            text = s_decomposed.Apply(text).Without(static c => CodePoints.Category(c) == UnicodeCategory.NonSpacingMark);
        return lowercase ? s_lowercase.Apply(text) : text;
    }

    private static bool IsControl(int codePoint) => codePoint is not ('\t' or '\n' or '\r')
        && CodePoints.Category(codePoint) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    private static AlignedText SetApart(AlignedText text)
    {
        ReadOnlySpan<char> span = text.Span;
        List<Change>? changes = null;
        for (int at = 0; at < span.Length;)
        {
            int codePoint = CodePoints.At(span, at, out int length);
            if (IsChinese(codePoint))
            {
                changes ??= Unchanged(span[..at]);
                changes.Add(new Change(' ', 0));
                changes.Add(new Change(codePoint, 1));
                changes.Add(new Change(' ', 1));
            }
            else
            {
                changes?.Add(new Change(codePoint, 0));
            }

            at += length;
        }

        return changes is null ? text : text.Changed(changes);
    }

    private static List<Change> Unchanged(ReadOnlySpan<char> text)
    {
        var changes = new List<Change>(text.Length * 2 + 16);
        for (int at = 0; at < text.Length;)
        {
            changes.Add(new Change(CodePoints.At(text, at, out int length), 0));
            at += length;
        }

        return changes;
    }

    // The blocks that the reference lists, with its 2B920 where the block begins at 2B820.
    private static bool IsChinese(int codePoint) => codePoint >= 0x3400 && codePoint is
        (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
        or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
