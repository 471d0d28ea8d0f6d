namespace Fairlead.Engine.Kernels;

/// <summary>The functions between two layers, by what they compute: Hugging Face has several names for some of them.</summary>
public enum Activation
{
    /// <summary>x / (1 + e^−x): <c>silu</c>, <c>swish</c>.</summary>
    Silu,

    /// <summary>x / 2 · (1 + erf(x / √2)): <c>gelu</c>.</summary>
    Gelu,

    /// <summary>x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))): <c>gelu_new</c>, <c>gelu_pytorch_tanh</c>, <c>gelu_fast</c>.</summary>
    GeluTanh,

    /// <summary>x / (1 + e^(−1.702 x)): <c>quick_gelu</c>.</summary>
    QuickGelu,

    /// <summary>max(x, 0): <c>relu</c>.</summary>
    Relu,

    /// <summary>max(x, 0)²: <c>relu2</c>.</summary>
    SquaredRelu,

    /// <summary>tanh x: <c>tanh</c>, BERT's pooler.</summary>
    Tanh,

    /// <summary>1 / (1 + e^−x): <c>sigmoid</c>, the gate of a shared expert.</summary>
    Sigmoid,
}
