namespace Fairlead.Engine.Tokenizers.PreTokenizers;

/// <summary>A step that cuts a text into the pieces that the model sees one by one: <c>pre_tokenizer</c> in <c>tokenizer.json</c>.</summary>
internal abstract class PreTokenizer
{
    public abstract void Apply(PieceList pieces);
}

/// <summary><c>Sequence</c>: one after the other, each on the pieces of the one before.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> steps) : PreTokenizer
{
    public override void Apply(PieceList pieces)
    {
        foreach (PreTokenizer step in steps)
            step.Apply(pieces);
    }
}
