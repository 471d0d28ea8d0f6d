namespace Fairlead.Engine.Tensors;

/// <summary>How the values of a tensor are stored. The numbers are GGUF's (ggml's <c>ggml_type</c>), so a GGUF header needs no second table.</summary>
public enum ElementType
{
    /// <summary>IEEE 754 single precision.</summary>
    F32 = 0,

    /// <summary>IEEE 754 half precision.</summary>
    F16 = 1,

    /// <summary>32 values of 4 bits and one half-precision scale.</summary>
    Q4_0 = 2,

    /// <summary>32 values of 4 bits, a half-precision scale and a half-precision minimum.</summary>
    Q4_1 = 3,

    /// <summary>32 values of 5 bits and one half-precision scale.</summary>
    Q5_0 = 6,

    /// <summary>32 values of 5 bits, a half-precision scale and a half-precision minimum.</summary>
    Q5_1 = 7,

    /// <summary>32 values of 8 bits and one half-precision scale.</summary>
    Q8_0 = 8,

    /// <summary>256 values of 4 bits in 8 groups, each with a 6-bit scale and minimum.</summary>
    Q4_K = 12,

    /// <summary>256 values of 5 bits in 8 groups, each with a 6-bit scale and minimum.</summary>
    Q5_K = 13,

    /// <summary>256 values of 6 bits in 16 groups, each with an 8-bit scale.</summary>
    Q6_K = 14,

    /// <summary>The upper half of an IEEE 754 single.</summary>
    BF16 = 30,
}
