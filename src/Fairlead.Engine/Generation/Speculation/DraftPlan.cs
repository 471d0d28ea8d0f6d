using System.Collections.Immutable;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Loading;

namespace Fairlead.Engine.Generation.Speculation;

/// <summary>A model's draft before it is loaded: its files, and what it computes and needs. No weight is read.</summary>
internal sealed class DraftPlan : IDisposable
{
    private DraftPlan(ModelFolder folder, DecoderPlan decoder, BatchLimits limits)
    {
        (Folder, Decoder, Limits) = (folder, decoder, limits);
        Blocks = (int)Math.Min(limits.Slots * (long)KvCache.BlocksFor(decoder.Shape.ContextLength), int.MaxValue / KvCache.BlockPositions);
    }

    /// <summary>Its files; disposed with this.</summary>
    public ModelFolder Folder { get; }

    /// <summary>What it computes.</summary>
    public DecoderPlan Decoder { get; }

    /// <summary>Of the loop that it guesses for.</summary>
    public BatchLimits Limits { get; }

    /// <summary>Blocks of its cache: every slot's whole context.</summary>
    public int Blocks { get; }

    /// <summary>Its part of <see cref="ModelNeed.Weights"/>.</summary>
    public long WeightBytes => Decoder.Packing.PeakBytes + Folder.HeaderBytes;

    /// <summary>Its part of <see cref="ModelNeed.Cache"/>.</summary>
    public long CacheBytes => Decoder.CacheBytes(Blocks) + PrefixCache.BytesFor(Blocks);

    /// <summary>Its part of <see cref="ModelNeed.Scratch"/>: activations, scores, and its vocabulary, which is read to be compared.</summary>
    public long ScratchBytes =>
        Decoder.RoomBytes + DraftProposer.BytesFor(Limits, Decoder.Shape.VocabularySize) + ProcessNeed.OfVocabulary(Folder, Decoder.Shape.VocabularySize);

    /// <summary>Opens the draft that <paramref name="options"/> name.</summary>
    /// <param name="path">Where it lies.</param>
    /// <param name="target">The model that it guesses for.</param>
    /// <param name="context">Longest text of that model.</param>
    /// <param name="options">How both are served.</param>
    /// <param name="outlineOnly">Only sizes are wanted.</param>
    /// <exception cref="ModelFileException">It cannot be read, is an encoder, is the model itself, or may guess nothing.</exception>
    public static DraftPlan Read(string path, ModelFolder target, int context, LanguageModelOptions options, bool outlineOnly)
    {
        if (options.Guesses == 0)
            throw new ModelFileException(path, null, "is to be a draft, and has nothing to do: no token may be guessed ahead (guesses is 0). Let some be guessed, or leave the draft out");
        if (Path.Exists(path) && EmbeddingModel.IsEmbeddingModel(path))
            throw new ModelFileException(path, null, "is an encoder, which writes no text: it cannot be the draft of a language model. Name a smaller model of the same family, or leave the draft out");
        ModelFolder folder = ModelFolder.Open(path, outlineOnly);
        try
        {
            RefuseSame(path, folder.Stamps, target);
            var served = new DecoderOptions { ContextLength = context, RowsPerPass = DraftProposer.MostRows, Threads = options.Threads ?? 0, Kv = options.Kv, Quantize = options.Quantize, LeavesQuantized = true };
            DecoderPlan decoder = DecoderPlan.Read(folder, served);
            if (outlineOnly && folder.Weights is GgufWeights gguf)
                decoder.Tally.Restored(gguf.Restored);
            return new DraftPlan(folder, decoder, LanguageModel.LimitsOf(options));
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Folder.Dispose();

    private static void RefuseSame(string path, ImmutableArray<FileStamp> files, ModelFolder target)
    {
        foreach (FileStamp file in files)
        {
            if (target.Stamps.Any(other => IsSame(file, other)))
                throw new ModelFileException(path, null, $"is the model itself ({file.Name}): a draft has to be smaller to save time. Name a smaller model of the same family, or leave the draft out");
        }
    }

    private static bool IsSame(FileStamp a, FileStamp b) =>
        RealPath.Of(a.Path) == RealPath.Of(b.Path) || (a.Node != 0 && (a.Node, a.Length, a.Written) == (b.Node, b.Length, b.Written));
}
