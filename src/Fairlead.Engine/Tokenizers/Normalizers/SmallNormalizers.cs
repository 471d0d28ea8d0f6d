using Fairlead.Engine.Tokenizers.Patterns;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Normalizers;

/// <summary><c>Replace</c>: every match of a text or a regular expression becomes <paramref name="content"/>.</summary>
internal sealed class Replace(Pattern pattern, string content) : Normalizer
{
    private readonly string _content = CodePoints.Repaired(content);

    public override AlignedText Apply(AlignedText text)
    {
        Pattern.MatchFinder matches = pattern.Matches(text.Span);
        AlignedText.Builder? builder = null;
        int copied = 0;
        while (matches.MoveNext())
        {
            builder ??= new AlignedText.Builder(text, text.Length + 16);
            builder.CopyRange(copied, matches.Start);
            // What is put in stands where the last of what was taken out stood.
            int last = matches.End - 1;
            (int start, int end) = last < 0 ? (text.Origin, text.Origin) : (text.StartOf(last), text.EndOf(last));
            for (int at = 0; at < _content.Length;)
            {
                builder.Append(CodePoints.At(_content, at, out int length), start, end);
                at += length;
            }

            copied = matches.End;
        }

        if (builder is null)
            return text;
        builder.CopyRange(copied, text.Length);
        return builder.Build();
    }
}

/// <summary><c>Prepend</c>: a text before every text that is not empty.</summary>
internal sealed class Prepend(string content) : Normalizer
{
    private readonly string _content = CodePoints.Repaired(content);

    public override AlignedText Apply(AlignedText text)
    {
        if (text.Length == 0 || _content.Length == 0)
            return text;
        var builder = new AlignedText.Builder(text, text.Length + _content.Length);
        for (int at = 0; at < _content.Length;)
        {
            builder.Append(CodePoints.At(_content, at, out int length), text.StartOf(0), text.EndOf(0));
            at += length;
        }

        builder.CopyRange(0, text.Length);
        return builder.Build();
    }
}

/// <summary><c>Strip</c>: white space off either end.</summary>
internal sealed class Strip(bool left, bool right) : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        ReadOnlySpan<char> span = text.Span;
        int start = 0, end = span.Length;
        while (left && start < end && char.IsWhiteSpace(span[start]))
            start++;
        while (right && end > start && char.IsWhiteSpace(span[end - 1]))
            end--;
        return text.Slice(start, end);
    }
}

/// <summary><c>StripAccents</c>: no combining marks of any kind.</summary>
internal sealed class StripAccents : Normalizer
{
    public override AlignedText Apply(AlignedText text) => text.Without(CodePoints.IsMark);
}

/// <summary><c>Nmt</c>: drops control characters, turns odd spaces into plain ones.</summary>
internal sealed class Nmt : Normalizer
{
    public override AlignedText Apply(AlignedText text) => text
        .Without(static c => c is (>= 1 and <= 8) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or 0x8F or 0x9F)
        .Mapped(static c => c is 0x09 or 0x0A or 0x0C or 0x0D or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD ? ' ' : c);
}

/// <summary><c>ByteLevel</c> as a normalizer: every byte of the text's UTF-8 becomes its visible character.</summary>
internal sealed class ByteLevelNormalizer : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        var builder = new AlignedText.Builder(text, text.Length + (text.Length >> 2) + 16);
        ByteAlphabet.Write(text, 0, text.Length, builder);
        return builder.Build();
    }
}
