using System.Collections.Immutable;
using System.Globalization;

namespace Fairlead.Engine.Tensors;

/// <summary>Weights as they lie in a mapped file or a native buffer: a type, a shape and where the first byte is. Owns nothing.</summary>
/// <remarks>
/// The shape is row-major with the outermost dimension first, as safetensors and PyTorch write it: a linear layer is
/// <c>[outputs × inputs]</c>. GGUF names the innermost first; its reader turns the order round.
/// Valid only while the owner of the memory (the mapped file, the buffer) is alive. A view is made by readers that have checked
/// that all its bytes are there.
/// </remarks>
public readonly unsafe struct TensorView
{
    /// <summary>A view over <paramref name="data"/>, of which <c>BlockLayout.Of(type).SizeOf(product of shape)</c> bytes are readable.</summary>
    public TensorView(ElementType type, ImmutableArray<long> shape, byte* data)
    {
        Type = type;
        Shape = shape;
        Data = data;
    }

    /// <summary>How the values are stored.</summary>
    public ElementType Type { get; }

    /// <summary>Outermost dimension first; empty for a scalar.</summary>
    public ImmutableArray<long> Shape { get; }

    /// <summary>The first byte. Aligned to whatever the file gives, which may be 1.</summary>
    public byte* Data { get; }

    /// <summary>What its checkpoint calls it, with the first of its rows where it is cut out of more; null where nobody has said.</summary>
    public string? Name { get; init; }

    /// <summary>Length of the innermost dimension: the inputs of a linear layer. 1 for a scalar.</summary>
    public int Columns => Shape.Length == 0 ? 1 : checked((int)Shape[^1]);

    /// <summary>Product of all dimensions but the innermost: the outputs of a linear layer.</summary>
    public int Rows
    {
        get
        {
            long rows = 1;
            for (int i = 0; i < Shape.Length - 1; i++)
                rows = checked(rows * Shape[i]);
            return checked((int)rows);
        }
    }

    /// <summary>Values in all.</summary>
    public long Count => checked((long)Rows * Columns);

    /// <summary>Bytes of one row.</summary>
    public long RowBytes => BlockLayout.Of(Type).SizeOf(Columns);

    /// <summary>Rows <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> as a matrix of its own: a fused Q/K/V or gate/up projection is cut like this.</summary>
    public TensorView SliceRows(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)first + count, Rows);
        return new TensorView(Type, [count, Columns], Data + (first * RowBytes)) { Name = Name is null ? null : string.Create(CultureInfo.InvariantCulture, $"{Name}[{first}]") };
    }

    /// <summary>The type and shape in the words of an error message: <c>BF16 [640 × 64]</c>.</summary>
    public override string ToString() => $"{Type} [{string.Join(" × ", Shape)}]";
}
