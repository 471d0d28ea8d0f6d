using System.Runtime.InteropServices;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels;

/// <summary>Stored values as single precision. The truth that every faster kernel is held against.</summary>
public static unsafe class Dequantize
{
    /// <summary>Decodes <paramref name="row"/>.Length values of <paramref name="type"/> from <paramref name="source"/>.</summary>
    public static void Row(ElementType type, byte* source, Span<float> row)
    {
        switch (type)
        {
            case ElementType.F32:
                MemoryMarshal.Cast<byte, float>(new ReadOnlySpan<byte>(source, row.Length * sizeof(float))).CopyTo(row);
                break;
            case ElementType.F16:
                for (int i = 0; i < row.Length; i++)
                    row[i] = (float)((Half*)source)[i];
                break;
            case ElementType.BF16:
                for (int i = 0; i < row.Length; i++)
                    row[i] = BitConverter.UInt32BitsToSingle((uint)((ushort*)source)[i] << 16);
                break;
            default:
                throw new NotSupportedException($"{type} is not decoded yet");
        }
    }
}
