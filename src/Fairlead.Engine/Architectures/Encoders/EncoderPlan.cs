using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Architectures.Encoders;

/// <summary>An encoder before it is built: its design and its tensors, all checked. Nothing is allocated, and no weight is read.</summary>
internal sealed class EncoderPlan
{
    private EncoderPlan(EncoderDesign design, EncoderWeights weights, string file, IWeights source, ElementType? quantize)
    {
        (Design, Weights, Source) = (design, weights, source);
        Tally = weights.Tally();
        Packing = PackPlan.Make(file, Tally, KernelChoice.Family, quantize);
    }

    /// <summary>What it computes.</summary>
    public EncoderDesign Design { get; }

    /// <summary>With what.</summary>
    public EncoderWeights Weights { get; }

    /// <summary>The tensors by what is done with them.</summary>
    public WeightTally Tally { get; }

    /// <summary>What becomes of them.</summary>
    public PackPlan Packing { get; }

    /// <summary>Where they come from.</summary>
    public IWeights Source { get; }

    /// <param name="quantize">What matrices of floating-point numbers are quantised to; null: they stay what they are.</param>
    /// <exception cref="ModelFileException">The architecture is not known, or an option or tensor is missing, unknown or of the wrong shape; or the weights cannot be quantised so.</exception>
    public static EncoderPlan Read(ModelFolder folder, ElementType? quantize = null)
    {
        EncoderArchitecture architecture = EncoderArchitecture.Find(folder.Config.File, folder.Config.Text("model_type"));
        ConfigReader config = new(folder.Config);
        EncoderDesign design = architecture.Design(config);
        config.Finish();
        using EncoderTensors tensors = new(folder.Path, folder.Weights, architecture.Prefix);
        CheckpointReader checkpoint = new(folder.Path, tensors);
        EncoderWeights weights = architecture.Weights(checkpoint, design);
        checkpoint.Finish();
        return new EncoderPlan(design, weights, folder.Path, folder.Weights, quantize);
    }

    /// <summary>A plan for another encoder of the same checkpoint.</summary>
    public EncoderPlan With(EncoderDesign design, EncoderWeights weights) => new(design, weights, Packing.File, Source, Packing.Quantize);
}
