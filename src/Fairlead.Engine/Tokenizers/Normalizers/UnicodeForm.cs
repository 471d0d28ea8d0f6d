using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Normalizers;

/// <summary><c>NFC</c>, <c>NFD</c>, <c>NFKC</c>, <c>NFKD</c>.</summary>
internal sealed class UnicodeForm(NormalizationKind kind) : Normalizer
{
    public override AlignedText Apply(AlignedText text) =>
        Normalization.IsTriviallyDone(text.Span, kind) ? text : text.Changed(Normalization.Apply(text.Span, kind));
}
