namespace Fairlead.Engine.Kernels;

/// <summary>What the attention of a layer computes. A query's score for a key is <c>query · key · Scale</c>, capped, then biased; the softmax of the scores
/// weighs the values.</summary>
/// <param name="Heads">Query heads; a multiple of <paramref name="KvHeads"/>. Head h reads key/value head h / (Heads / KvHeads).</param>
/// <param name="KvHeads">Key/value heads, ≥ 1.</param>
/// <param name="KeyDimension">Length of a query and of a key.</param>
/// <param name="ValueDimension">Length of a value.</param>
/// <param name="Scale">Usually 1 / √KeyDimension.</param>
public readonly record struct AttentionShape(int Heads, int KvHeads, int KeyDimension, int ValueDimension, float Scale)
{
    /// <summary>A position sees itself and this many less one before it; 0: all before it.</summary>
    public int Window { get; init; }

    /// <summary>Scores become cap · tanh(score / cap) (Gemma 2); 0: they stay.</summary>
    public float SoftCap { get; init; }
}
