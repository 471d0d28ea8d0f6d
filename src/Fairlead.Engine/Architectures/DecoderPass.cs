using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures;

/// <summary>Rows on their way through a decoder's layers: the stream stays here while the decoder computes other rows.</summary>
/// <remarks>Used by the thread that uses the decoder.</remarks>
internal sealed unsafe class DecoderPass(Decoder decoder, int most, int width) : IModelPass, IDisposable
{
    private readonly NativeBuffer<float> _stream = new((long)most * width);

    /// <summary>Bytes that it takes.</summary>
    public static long BytesFor(int rows, int width) => (long)rows * width * sizeof(float);

    /// <inheritdoc/>
    public int Layers => decoder.Shape.Layers;

    /// <inheritdoc/>
    public void Begin(ReadOnlySpan<StepRow> rows, KvCache cache)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows.Length, most);
        decoder.Check(rows, cache);
        foreach (ref readonly StepRow row in rows)
        {
            if (row.Phase != rows[0].Phase)
                throw new ArgumentException("the rows are of more than one phase", nameof(rows));
        }

        decoder.Embed(rows, _stream.Data);
    }

    /// <inheritdoc/>
    public void Resume(ReadOnlySpan<StepRow> rows) => decoder.SetPositions(rows);

    /// <inheritdoc/>
    public void Advance(int layer, ReadOnlySpan<StepRow> rows, KvCache cache) => decoder.Forward(layer, rows, _stream.Data, cache);

    /// <inheritdoc/>
    public void Remove(int first, int count, int rows)
    {
        long behind = (long)(rows - first - count) * width;
        Buffer.MemoryCopy(_stream.Data + ((long)(first + count) * width), _stream.Data + ((long)first * width), behind * sizeof(float), behind * sizeof(float));
    }

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<StepRow> rows, Span<float> logits)
    {
        decoder.CheckScores(rows, logits);
        decoder.Score(rows, _stream.Data, logits);
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}
