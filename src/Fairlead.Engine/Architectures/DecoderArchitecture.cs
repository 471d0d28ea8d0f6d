namespace Fairlead.Engine.Architectures;

/// <summary>One architecture: how its configuration becomes a design, and its tensor names become roles.</summary>
/// <param name="ModelType">The <c>model_type</c> of its <c>config.json</c>.</param>
/// <param name="Design">Reads every option that changes what is computed.</param>
/// <param name="Weights">Takes every tensor, checks its shape and gives it its role.</param>
internal sealed record DecoderArchitecture(
    string ModelType, Func<ConfigReader, DecoderDesign> Design, Func<CheckpointReader, DecoderDesign, DecoderWeights> Weights);
