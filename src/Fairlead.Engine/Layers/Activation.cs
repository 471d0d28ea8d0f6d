namespace Fairlead.Engine.Layers;

/// <summary>The function inside a feed-forward layer.</summary>
internal enum Activation
{
    /// <summary>x·σ(x).</summary>
    Silu,

    /// <summary>x·Φ(x), Φ the normal distribution.</summary>
    Gelu,

    /// <summary>GELU by a hyperbolic tangent (Hendrycks and Gimpel 2016).</summary>
    GeluTanh,

    /// <summary>max(x, 0).</summary>
    Relu,
}
