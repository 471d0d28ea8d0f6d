using Fairlead.Engine.Architectures;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>One text on its way through a decoder, in whatever portions a test feeds it.</summary>
internal sealed class Reader(Decoder decoder, KvCache cache)
{
    private readonly KvSequence _sequence = new();

    /// <summary>Positions read so far.</summary>
    public int Length { get; private set; }

    /// <summary>The rows of the next portion; every one wants its scores.</summary>
    public StepRow[] Rows(params ReadOnlySpan<int> ids)
    {
        Assert.True(_sequence.TryReserve(cache, Length + ids.Length));
        var rows = new StepRow[ids.Length];
        for (int i = 0; i < ids.Length; i++)
            rows[i] = new StepRow(ids[i], _sequence, Length++, Phase.Prefill, WantsLogits: true);
        return rows;
    }

    /// <summary>Reads the next portion in a step of its own; scores <c>[ids × vocabulary]</c>.</summary>
    public float[] Read(params ReadOnlySpan<int> ids)
    {
        var logits = new float[ids.Length * decoder.Shape.VocabularySize];
        decoder.Step(Rows(ids), cache, logits);
        return logits;
    }

    /// <summary>The same in portions of <paramref name="size"/>.</summary>
    public float[] ReadInPortions(ReadOnlySpan<int> ids, int size)
    {
        var logits = new List<float>();
        for (int first = 0; first < ids.Length; first += size)
            logits.AddRange(Read(ids.Slice(first, Math.Min(size, ids.Length - first))));
        return [.. logits];
    }

    /// <summary>Gives the blocks back.</summary>
    public void Leave() => _sequence.Release(cache);
}
