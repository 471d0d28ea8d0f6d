using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Formats;

/// <summary>The tensor types of ggml (ggml.h, <c>ggml_type</c>): those that are read, and the names of those that are not.</summary>
internal static class GgmlTypes
{
    /// <summary>The element type of that number, or null where it is not read.</summary>
    public static ElementType? Readable(uint number) => number <= int.MaxValue && Enum.IsDefined((ElementType)number) ? (ElementType)number : null;

    /// <summary>The name and what would serve it, for a type that <see cref="Readable"/> does not know.</summary>
    public static string Refusal(uint number)
    {
        const string Instead = "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K are read. Take another file of this model (Q4_K_M, Q8_0), or serve it with llama-server";
        string? name = number switch
        {
            9 => "Q8_1",
            10 => "Q2_K",
            11 => "Q3_K",
            15 => "Q8_K",
            16 => "IQ2_XXS",
            17 => "IQ2_XS",
            18 => "IQ3_XXS",
            19 => "IQ1_S",
            20 => "IQ4_NL",
            21 => "IQ3_S",
            22 => "IQ2_S",
            23 => "IQ4_XS",
            24 => "I8",
            25 => "I16",
            26 => "I32",
            27 => "I64",
            28 => "F64",
            29 => "IQ1_M",
            34 => "TQ1_0",
            35 => "TQ2_0",
            39 => "MXFP4",
            40 => "NVFP4",
            _ => null,
        };
        return number switch
        {
            4 or 5 or (>= 31 and <= 33) or (>= 36 and <= 38) => $"{number}, which ggml itself has removed. {Instead}",
            _ => $"{name ?? $"{number}, which is unknown here"}. {Instead}",
        };
    }
}
