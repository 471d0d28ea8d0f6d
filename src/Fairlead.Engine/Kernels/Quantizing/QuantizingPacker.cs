using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Quantizing;

/// <summary>Packs matrices of floating-point numbers in an integer form: each row is quantised and packed, so that the whole never exists in between.</summary>
internal static unsafe class QuantizingPacker
{
    /// <summary>As <see cref="WeightPacker.Pack"/>.</summary>
    /// <param name="from">F32, F16 or BF16; its inputs are whole blocks of <paramref name="type"/>.</param>
    /// <param name="type">What it is quantised to: that of which the form of <paramref name="to"/> is.</param>
    public static void Pack(in TensorView from, bool transposed, ElementType type, in PackedMatrix to, int firstPanel, int endPanel)
    {
        if (from.Type is not (ElementType.F32 or ElementType.F16 or ElementType.BF16) || PackedLayout.FormatFor(type, to.Inputs, KernelFamily.Scalar) != to.Format)
            throw new ArgumentException($"{from} cannot be packed as {to.Format}", nameof(from));
        int inputs = to.Inputs, blockBytes = (int)BlockLayout.Of(type).SizeOf(inputs);
        float[] values = ArrayPool<float>.Shared.Rent(PackedLayout.PanelOutputs * inputs);
        byte[] blocks = ArrayPool<byte>.Shared.Rent(blockBytes);
        try
        {
            fixed (float* rows = values)
            {
                fixed (byte* row = blocks)
                {
                    for (int panel = firstPanel; panel < endPanel; panel++)
                    {
                        int first = panel * PackedLayout.PanelOutputs, outputs = Math.Min(PackedLayout.PanelOutputs, to.Outputs - first);
                        if (transposed)
                            ReadColumns(from, first, outputs, inputs, rows);
                        for (int output = 0; output < outputs; output++)
                        {
                            float* read = rows + ((long)output * inputs);
                            if (!transposed)
                                Read(from.Type, from.Data + ((first + output) * from.RowBytes), inputs, read);
                            BlockQuantizer.Row(type, read, inputs, row);
                            IntegerPacker.Output(to.Format, row, inputs, to.Panel(panel), output);
                        }
                    }
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(values);
            ArrayPool<byte>.Shared.Return(blocks);
        }
    }

    /// <summary>16 outputs of a matrix <c>[inputs × outputs]</c>, each to a row of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadColumns(in TensorView from, int first, int outputs, int inputs, float* rows)
    {
        int size = BlockLayout.Of(from.Type).Bytes;
        float* column = stackalloc float[PackedLayout.PanelOutputs];
        for (int input = 0; input < inputs; input++)
        {
            Read(from.Type, from.Data + (input * from.RowBytes) + ((long)first * size), outputs, column);
            for (int output = 0; output < outputs; output++)
                rows[((long)output * inputs) + input] = column[output];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(ElementType type, byte* source, int count, float* target)
    {
        int i = 0;
        switch (type)
        {
            case ElementType.F32:
                Unsafe.CopyBlockUnaligned(target, source, (uint)count * sizeof(float));
                break;
            case ElementType.F16:
                float* halves = HalfTable.Values;
                for (; i < count; i++)
                    target[i] = halves[((ushort*)source)[i]];
                break;
            default:
                for (; i + 16 <= count; i += 16)
                {
                    (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(Vector256.Load((ushort*)source + i));
                    (lower << 16).AsSingle().Store(target + i);
                    (upper << 16).AsSingle().Store(target + i + 8);
                }

                for (; i < count; i++)
                    target[i] = BitConverter.UInt32BitsToSingle((uint)((ushort*)source)[i] << 16);
                break;
        }
    }
}
