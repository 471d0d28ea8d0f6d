namespace Fairlead.Engine.Kernels.Packed;

/// <summary>What rows of activations stand for, where it decides how they are multiplied.</summary>
public enum Phase
{
    /// <summary>Tokens that a model writes: few rows at a time, for which memory is the limit.</summary>
    Decode,

    /// <summary>Tokens that it is given: many rows at a time, for which multiplying is the limit.</summary>
    Prefill,
}
