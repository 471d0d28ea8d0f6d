namespace Fairlead.Engine.Tokenizers.Normalizers;

/// <summary>A step that changes the text before it is cut: <c>normalizer</c> in <c>tokenizer.json</c>.</summary>
internal abstract class Normalizer
{
    /// <summary>The changed text; the given one where there is nothing to change.</summary>
    public abstract AlignedText Apply(AlignedText text);
}

/// <summary><c>Sequence</c>: one after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> steps) : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        foreach (Normalizer step in steps)
            text = step.Apply(text);
        return text;
    }
}
