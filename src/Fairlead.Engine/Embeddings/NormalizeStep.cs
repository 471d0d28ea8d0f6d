namespace Fairlead.Engine.Embeddings;

/// <summary>Brings a vector to length one, so that a product of two is their cosine. A vector of zeros stays one.</summary>
internal sealed class NormalizeStep(int width) : IVectorStep
{
    /// <inheritdoc/>
    public int Outputs => width;

    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> input, Span<float> output)
    {
        double square = 0;
        foreach (float value in input)
            square += (double)value * value;

        // the smallest length the reference divides by (torch.nn.functional.normalize)
        double length = Math.Max(Math.Sqrt(square), 1e-12);
        for (int i = 0; i < input.Length; i++)
            output[i] = (float)(input[i] / length);
    }

    /// <summary>Nothing is held.</summary>
    public void Dispose()
    {
    }
}
