namespace Fairlead.Engine.Generation;

/// <summary>A model's layers for rows that do not go through all of them at once: between two layers, and before the scores, the model may compute any other rows.</summary>
/// <remarks>It holds the rows' stream and nothing else of them; every call gets the same rows, but for those that <see cref="Remove"/> took out. A row's bits are those that a whole step gives it.</remarks>
internal interface IModelPass
{
    /// <summary>Layers that rows go through, at least 1.</summary>
    int Layers { get; }

    /// <summary>Takes rows on; whatever was on its way before is forgotten.</summary>
    /// <param name="rows">As a <see cref="ModelStep"/> takes them, of one phase.</param>
    void Begin(ReadOnlySpan<StepRow> rows, KvCache cache);

    /// <summary>To be called before the rows go on, where the model has computed others since.</summary>
    void Resume(ReadOnlySpan<StepRow> rows);

    /// <summary>Takes the rows through a layer, and adds their keys and values to the cache. The layers come one after the other, from 0.</summary>
    void Advance(int layer, ReadOnlySpan<StepRow> rows, KvCache cache);

    /// <summary>Nobody waits for some of the rows any more.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="count">How many stand together.</param>
    /// <param name="rows">Rows there were until now.</param>
    void Remove(int first, int count, int rows);

    /// <summary>Writes the scores that the rows want, after the last layer.</summary>
    /// <param name="logits"><c>[rows that want logits × vocabulary]</c>, in the order of the rows.</param>
    void Score(ReadOnlySpan<StepRow> rows, Span<float> logits);
}
