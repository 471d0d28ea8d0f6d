using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Embeddings;

/// <summary>A few texts whose vectors a loop like the model's own computes with a <see cref="EncoderMiniature"/> of it.</summary>
internal static class RehearsedTexts
{
    private const int Slots = 2;
    private const int Vocabulary = 256; // of the tokens that texts are made of

    /// <summary>Tokens of the texts of each request: a few, which no thread shares; a long one, and two of a batch.</summary>
    private static readonly int[][] s_requests = [[5], [EncoderMiniature.Rows], [40, 21]];

    /// <summary>Begins to compute them.</summary>
    /// <param name="plan">Of the model, of whose files no byte is read.</param>
    /// <param name="pipeline">The model's own, which is used from one thread only until this is complete.</param>
    /// <param name="threads">Of the model's crew.</param>
    public static Rehearsal Begin(EncoderPlan plan, EmbeddingPipeline pipeline, int threads) => Rehearsal.Begin(() => Compute(plan, pipeline, threads));

    /// <summary>Makes tokens of a short text, once, on the caller's thread: that is soon done, and the tokenizer has only just been read.</summary>
    public static void Tokenize(Tokenizer tokenizer)
    {
        if (Rehearsal.IsWorthwhile)
            tokenizer.Encode("Rehearsed, once: \u00e9 1", addSpecialTokens: true);
    }

    /// <summary>Bytes that computing takes while it lasts; 0 where nothing is rehearsed.</summary>
    public static long BytesFor(EncoderPlan plan, int threads)
    {
        if (!Rehearsal.IsWorthwhile)
            return 0;
        using var miniature = new EncoderMiniature(plan, outlineOnly: true);
        EncoderPlan small = miniature.Plan;
        return miniature.ZeroBytes + PackedWeights.BlankBytes(small.Packing) + PackedWeights.RoomBytes(small.Packing, EncoderMiniature.Rows, CrewOf(threads)) + Encoder.RoomBytes(small, EncoderMiniature.Rows, CrewOf(threads));
    }

    /// <summary>The vectors.</summary>
    internal static ImmutableArray<EmbeddingVector> Compute(EncoderPlan plan, EmbeddingPipeline pipeline, int threads)
    {
        using var miniature = new EncoderMiniature(plan);
        using var crew = new WorkCrew(CrewOf(threads));
        using Encoder encoder = Encoder.Blank(miniature.Plan, EncoderMiniature.Rows, crew.Threads);
        var computed = ImmutableArray.CreateBuilder<EmbeddingVector>();
        var passes = new EncoderPasses(encoder, pipeline, crew);
        using var loop = new EmbeddingLoop(ComputeAndKeep, EncoderMiniature.Rows, Slots, Slots);
        foreach (int[] lengths in s_requests)
        {
            EncoderText[] texts = Array.ConvertAll(lengths, length => TextOf(Math.Min(length, encoder.MaxTokens), encoder.VocabularySize));
            if (!loop.TryStart(texts, CancellationToken.None, out Task<EmbeddingVector[]>? vectors))
                throw new InvalidOperationException("a loop that has nothing to do takes no text");
            while (loop.Step())
            {
                // until all of them are computed
            }

            if (vectors.Exception is { InnerException: { } failure })
                ExceptionDispatchInfo.Throw(failure);
        }

        return computed.ToImmutable();

        void ComputeAndKeep(ReadOnlySpan<EncoderText> texts, Span<EmbeddingVector> vectors)
        {
            passes.Compute(texts, vectors);
            computed.AddRange(vectors);
        }
    }

    /// <summary>Two share work by the same code as many do.</summary>
    private static int CrewOf(int threads) => Math.Min(threads, 2);

    private static EncoderText TextOf(int tokens, int vocabulary) => new([.. Enumerable.Range(0, tokens).Select(i => i % Math.Min(Vocabulary, vocabulary))], new int[tokens], IsCut: false);
}
