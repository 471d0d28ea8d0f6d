namespace Fairlead.Engine.Architectures;

/// <summary>What a caller must know of a loaded decoder to feed it and to make it a cache.</summary>
/// <param name="VocabularySize">Tokens, and scores in a row of logits.</param>
/// <param name="ContextLength">Positions a sequence may have, as served: a step refuses later ones.</param>
/// <param name="Width">Values of a hidden state.</param>
/// <param name="Layers">Layers, each with keys and values of its own.</param>
/// <param name="KvHeads">Key/value heads of a layer.</param>
/// <param name="KeyDimension">Values of a key.</param>
/// <param name="ValueDimension">Values of a value.</param>
public sealed record DecoderShape(int VocabularySize, int ContextLength, int Width, int Layers, int KvHeads, int KeyDimension, int ValueDimension);
