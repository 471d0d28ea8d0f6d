namespace Fairlead.Engine.Tensors;

/// <summary>How many values one block of an <see cref="ElementType"/> holds and how many bytes it takes: 32 values in 34 bytes for Q8_0.</summary>
/// <param name="Values">Values in a block, 1 for the plain types. A row is a whole number of blocks.</param>
/// <param name="Bytes">Bytes of a block.</param>
public readonly record struct BlockLayout(int Values, int Bytes)
{
    /// <summary>The layout of <paramref name="type"/>, as ggml-common.h declares its block structures.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the enumeration: a reader of files asks <see cref="Enum.IsDefined{T}"/> first.</exception>
    public static BlockLayout Of(ElementType type) => type switch
    {
        ElementType.F32 => new(1, 4),
        ElementType.F16 or ElementType.BF16 => new(1, 2),
        ElementType.Q4_0 => new(32, 2 + 16),
        ElementType.Q4_1 => new(32, 4 + 16),
        ElementType.Q5_0 => new(32, 2 + 4 + 16),
        ElementType.Q5_1 => new(32, 4 + 4 + 16),
        ElementType.Q8_0 => new(32, 2 + 32),
        ElementType.Q4_K => new(256, 4 + 12 + 128),
        ElementType.Q5_K => new(256, 4 + 12 + 32 + 128),
        ElementType.Q6_K => new(256, 128 + 64 + 16 + 2),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no such element type"),
    };

    /// <summary>Bytes of <paramref name="values"/> values.</summary>
    /// <exception cref="OverflowException">The size does not fit 63 bits.</exception>
    /// <exception cref="ArgumentException">The count is negative or no whole number of blocks.</exception>
    public long SizeOf(long values) => values >= 0 && values % Values == 0
        ? checked(values / Values * Bytes)
        : throw new ArgumentException($"{values} values are no whole number of blocks of {Values}", nameof(values));
}
