using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Loading;

namespace Fairlead.Engine.Architectures;

/// <summary>A decoder before it is built: its design and its tensors, all checked, and how it will be served. Nothing is allocated, and no weight is read.</summary>
internal sealed class DecoderPlan
{
    private DecoderPlan(DecoderDesign design, DecoderWeights weights, DecoderOptions options, string file, IWeights source)
    {
        (Design, Weights, Options, Source) = (design, weights, options, source);
        Tally = weights.Tally();
        Packing = PackPlan.Make(file, Tally, KernelChoice.Family, options is { LeavesQuantized: true } && Tally.Matrices.Any(static matrix => !PackPlan.IsPlain(matrix.Weight.Type)) ? null : options.Quantize);
        LongestContext = weights.Positions is { } positions ? Math.Min(design.ContextLength, positions.Rows) : design.ContextLength;
        int context = Math.Min(options.ContextLength ?? Math.Min(DefaultContext(design), options.LongestDefault), LongestContext);
        Shape = new DecoderShape(design.Vocabulary, context, design.Width, design.Layers, design.KvHeads, design.HeadDimension, design.HeadDimension);
    }

    /// <summary>What it computes.</summary>
    public DecoderDesign Design { get; }

    /// <summary>With what.</summary>
    public DecoderWeights Weights { get; }

    /// <summary>How it is served.</summary>
    public DecoderOptions Options { get; }

    /// <summary>The tensors by what is done with them.</summary>
    public WeightTally Tally { get; }

    /// <summary>What becomes of them.</summary>
    public PackPlan Packing { get; }

    /// <summary>Where they come from.</summary>
    public IWeights Source { get; }

    /// <summary>Sizes that a caller needs.</summary>
    public DecoderShape Shape { get; }

    /// <summary>Most positions that can be asked for.</summary>
    public int LongestContext { get; }

    /// <summary>Bytes of activations, as numbers and as the kernels want them, and of rotary tables.</summary>
    public long RoomBytes => DecoderRoom.BytesFor(Design, Weights, Options.RowsPerPass, Shape.ContextLength, Packing.DependsOnPhase ? Threads : 0)
        + Design.Ropes.Sum(rope => (long)Options.RowsPerPass * rope.Dimensions * sizeof(float)) + PackedWeights.RoomBytes(Packing, Options.RowsPerPass, Threads);

    /// <summary>Bytes of a <see cref="DecoderPass"/>.</summary>
    public long PassBytes => DecoderPass.BytesFor(Options.RowsPerPass, Design.Width);

    private int Threads => Options.Threads > 0 ? Options.Threads : Environment.ProcessorCount;

    /// <exception cref="ModelFileException">The architecture, an option or a tensor is not what this engine can compute: by name, with what would serve it. Or the weights cannot be quantised as the options want.</exception>
    public static DecoderPlan Read(ModelFolder folder, DecoderOptions options) =>
        Read(new ConfigReader(folder.Config), new CheckpointReader(folder.Path, folder.Weights), options);

    /// <summary>The same from the two readers, of which nothing has been read yet.</summary>
    public static DecoderPlan Read(ConfigReader config, CheckpointReader weights, DecoderOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.RowsPerPass);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Threads);
        if (options.ContextLength is { } length)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        string modelType = config.Text("model_type") ?? throw new ModelFileException(config.File, null, "has no \"model_type\", which names the architecture");
        DecoderArchitecture architecture = ArchitectureRegistry.Find(config.File, modelType);
        DecoderDesign design = architecture.Design(config);
        config.Finish();
        DecoderWeights tensors = architecture.Weights(weights, design);
        weights.Finish();
        return new DecoderPlan(design, tensors, options, weights.File, weights.Source);
    }

    /// <summary>A plan for another decoder of the same checkpoint.</summary>
    public DecoderPlan With(DecoderDesign design, DecoderWeights weights, DecoderOptions options) => new(design, weights, options, Packing.File, Source);

    /// <summary>Bytes of a cache of <paramref name="blocks"/> blocks.</summary>
    public long CacheBytes(int blocks) => KvCache.BytesFor(Options.Kv, Shape.Layers, Shape.KvHeads, Shape.KeyDimension, Shape.ValueDimension, blocks);

    private static int DefaultContext(DecoderDesign design)
    {
        int context = design.ContextLength;
        foreach (RopeSettings rope in design.Ropes)
        {
            if (!rope.LongFactors.IsEmpty)
                context = Math.Min(context, rope.OriginalContext);
        }

        return context;
    }
}
