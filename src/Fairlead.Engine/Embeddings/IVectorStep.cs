namespace Fairlead.Engine.Embeddings;

/// <summary>What happens to the vector of a text after pooling.</summary>
internal interface IVectorStep : IDisposable
{
    /// <summary>Values that come out.</summary>
    int Outputs { get; }

    /// <summary>Makes the next vector; the two do not overlap.</summary>
    void Apply(ReadOnlySpan<float> input, Span<float> output);
}
