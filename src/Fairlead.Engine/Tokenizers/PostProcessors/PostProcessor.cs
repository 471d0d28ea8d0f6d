namespace Fairlead.Engine.Tokenizers.PostProcessors;

/// <summary>Puts one or two encoded texts and the special tokens together: <c>post_processor</c> in <c>tokenizer.json</c>.</summary>
internal abstract class PostProcessor
{
    /// <summary>How many tokens are added around one text, or around two.</summary>
    public abstract int Added(bool pair);

    /// <summary>Changes offsets and type ids of the parts, or joins them into one with special tokens around them.</summary>
    /// <param name="parts">One or two texts; a processor that joins them leaves one.</param>
    public abstract void Apply(List<EncodingDraft> parts, bool addSpecialTokens);
}

/// <summary><c>Sequence</c>: one after the other.</summary>
internal sealed class PostProcessorSequence(IReadOnlyList<PostProcessor> steps) : PostProcessor
{
    public IReadOnlyList<PostProcessor> Steps => steps;

    public override int Added(bool pair) => steps.Sum(step => step.Added(pair));

    public override void Apply(List<EncodingDraft> parts, bool addSpecialTokens)
    {
        foreach (PostProcessor step in steps)
            step.Apply(parts, addSpecialTokens);
    }
}

/// <summary><c>ByteLevel</c>: takes the white space around a token out of its offsets.</summary>
/// <param name="textOf">A token's text by number.</param>
internal sealed class OffsetTrim(bool addPrefixSpace, Func<int, string> textOf) : PostProcessor
{
    public override int Added(bool pair) => 0;

    public override void Apply(List<EncodingDraft> parts, bool addSpecialTokens)
    {
        foreach (EncodingDraft part in parts)
        {
            for (int i = 0; i < part.Count; i++)
            {
                string text = part.Texts is not null && part.Texts.TryGetValue(i, out string? own) ? own : textOf(part.Ids[i]);
                part.Offsets[i] = Trimmed(part.Offsets[i], text, isFirst: i == 0);
            }
        }
    }

    private (int Start, int End) Trimmed((int Start, int End) offsets, string text, bool isFirst)
    {
        int leading = 0, trailing = 0;
        while (leading < text.Length && IsSpace(text[leading]))
            leading++;
        while (trailing < text.Length && IsSpace(text[text.Length - 1 - trailing]))
            trailing++;
        (int start, int end) = offsets;
        if (leading > 0)
        {
            // The space that was put before the text is not in it: there is nothing to take out.
            if ((isFirst || start == 0) && addPrefixSpace)
                leading--;
            start = Math.Min(start + leading, end);
        }

        if (trailing > 0 && end >= trailing)
            end = Math.Max(end - trailing, start);
        return (start, end);
    }

    private static bool IsSpace(char unit) => unit == 'Ġ' || char.IsWhiteSpace(unit);
}
