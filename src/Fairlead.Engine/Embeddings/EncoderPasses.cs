using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Embeddings;

/// <summary>From the tokens of some texts to their vectors: an encoder and what stands behind it.</summary>
internal sealed class EncoderPasses(Encoder encoder, EmbeddingPipeline pipeline, WorkCrew crew)
{
    /// <inheritdoc cref="EncoderPass"/>
    public unsafe void Compute(ReadOnlySpan<EncoderText> texts, Span<EmbeddingVector> vectors)
    {
        int total = 0;
        foreach (EncoderText text in texts)
            total += text.Tokens.Length;
        int[] tokens = new int[total], segments = new int[total], lengths = new int[texts.Length];
        int at = 0;
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i].Tokens.CopyTo(tokens, at);
            texts[i].Segments.CopyTo(segments, at);
            lengths[i] = texts[i].Tokens.Length;
            at += lengths[i];
        }

        float* hidden = encoder.Forward(tokens, segments, lengths, crew);
        for (int i = 0; i < texts.Length; i++)
        {
            vectors[i] = new EmbeddingVector(pipeline.Vector(hidden, lengths[i], encoder.Width), lengths[i], texts[i].IsCut);
            hidden += (long)lengths[i] * encoder.Width;
        }
    }
}
