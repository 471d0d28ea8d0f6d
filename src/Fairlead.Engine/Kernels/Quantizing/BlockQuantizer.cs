using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Quantizing;

/// <summary>Single-precision weights as blocks of a quantised type: what <see cref="Dequantize"/> reads back, with as little loss as a search at load time can reach.</summary>
/// <remarks>
/// A block depends on its own values alone, and every step is rounded as plain code would, whatever the width of the processor's vectors. A block that holds an
/// infinity or what is no number, or values too large for a scale of half precision, becomes what is no number: nothing wrong passes for right.
/// </remarks>
internal static unsafe class BlockQuantizer
{
    /// <summary>Whether rows can become blocks of that type here: Q8_0, Q4_0 and Q4_K.</summary>
    public static bool CanWrite(ElementType type) => type is ElementType.Q8_0 or ElementType.Q4_0 or ElementType.Q4_K;

    /// <summary>Writes <paramref name="count"/> values, a whole number of blocks.</summary>
    /// <param name="blocks"><c>BlockLayout.Of(type).SizeOf(count)</c> bytes.</param>
    public static void Row(ElementType type, float* values, int count, byte* blocks)
    {
        BlockLayout layout = BlockLayout.Of(type);
        int all = (int)(layout.SizeOf(count) / layout.Bytes), together = type switch
        {
            ElementType.Q8_0 => 1,
            ElementType.Q4_0 => GroupLanes.Groups,
            ElementType.Q4_K => GroupLanes.Groups / 8,
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no type that weights are quantised to"),
        };
        for (int first = 0; first < all; first += together, values += together * layout.Values, blocks += together * layout.Bytes)
        {
            int some = Math.Min(together, all - first);
            switch (type)
            {
                case ElementType.Q8_0: EightBitQuantizer.Block(values, blocks); break;
                case ElementType.Q4_0: FourBitQuantizer.Blocks(values, some, blocks); break;
                default: FourBitGroupQuantizer.Blocks(values, some, blocks); break;
            }
        }
    }
}
