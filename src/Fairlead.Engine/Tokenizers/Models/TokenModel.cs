namespace Fairlead.Engine.Tokenizers.Models;

/// <summary>One token of a piece.</summary>
/// <param name="Id">Its number in the vocabulary.</param>
/// <param name="Start">Its first unit in the piece.</param>
/// <param name="End">Just behind its last unit.</param>
/// <param name="IsText">The token goes by the piece's own text rather than by its name in the vocabulary (unknown text in a Unigram model).</param>
internal readonly record struct ModelToken(int Id, int Start, int End, bool IsText = false);

/// <summary>Turns one piece of text into tokens: <c>model</c> in <c>tokenizer.json</c>. Immutable to the eye and safe for any number of threads.</summary>
internal abstract class TokenModel(Vocabulary vocabulary)
{
    public Vocabulary Vocabulary { get; } = vocabulary;

    /// <summary>Adds the tokens of <paramref name="piece"/>, which is not empty.</summary>
    public abstract void Tokenize(ReadOnlySpan<char> piece, List<ModelToken> into);
}
