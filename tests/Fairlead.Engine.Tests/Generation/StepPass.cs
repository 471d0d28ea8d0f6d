using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>Layers for a model that has none: its work is done with the scores, as its step does it.</summary>
internal sealed class StepPass(ModelStep step, int vocabulary, int layers = 1) : IModelPass
{
    private KvCache? _cache;
    private int _next;
    private int _rows;

    /// <summary>Called with the rows of each layer.</summary>
    public Action<int>? BeforeLayer { get; init; }

    /// <summary>Rows that were taken out on their way.</summary>
    public int Removed { get; private set; }

    public int Layers => layers;

    public void Begin(ReadOnlySpan<StepRow> rows, KvCache cache)
    {
        (_next, _rows, _cache) = (0, rows.Length, cache);
        foreach (ref readonly StepRow row in rows)
        {
            if (row.Phase != rows[0].Phase)
                throw new InvalidOperationException("the loop has rows of two phases on their way");
        }
    }

    public void Resume(ReadOnlySpan<StepRow> rows)
    {
        // Assert would allocate, and some tests count that.
        if (rows.Length != _rows)
            throw new InvalidOperationException($"the loop has {rows.Length} rows on their way, and the model {_rows}");
    }

    public void Advance(int layer, ReadOnlySpan<StepRow> rows, KvCache cache)
    {
        if (layer != _next++ || rows.Length != _rows)
            throw new InvalidOperationException($"layer {layer} of {rows.Length} rows is computed, and {_next - 1} of {_rows} was due");
        BeforeLayer?.Invoke(rows.Length);
    }

    public void Remove(int first, int count, int rows)
    {
        if (rows != _rows || first < 0 || count < 1 || first + count > rows)
            throw new InvalidOperationException($"{count} rows from {first} on cannot be taken out of {_rows}");
        _rows -= count;
        Removed += count;
    }

    public void Score(ReadOnlySpan<StepRow> rows, Span<float> logits)
    {
        int wanted = 0;
        foreach (ref readonly StepRow row in rows)
            wanted += row.WantsLogits ? vocabulary : 0;
        if (_next != layers || rows.Length != _rows || logits.Length != wanted)
            throw new InvalidOperationException("the loop and the model disagree about who is through and wants scores");
        step(rows, _cache!, logits);
    }
}
