using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Formats;

/// <summary>The named tensors of a checkpoint, whatever files they lie in. Names are Hugging Face's (<c>model.layers.0.self_attn.q_proj.weight</c>).</summary>
/// <remarks>Read-only and safe for any number of threads; the views live as long as this object is not disposed.</remarks>
public interface IWeights : IDisposable
{
    /// <summary>Every name, in no particular order.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>The tensor of that name, or false where the checkpoint has none.</summary>
    bool TryGet(string name, out TensorView tensor);

    /// <summary>Nobody will read <paramref name="tensor"/> through this view again: its memory may go. Asked for once more, the tensor is there as before.</summary>
    void Release(in TensorView tensor)
    {
        // What is not mapped and not made here is somebody else's.
    }
}
