using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Products of signed bytes, added in fours to four whole numbers. Exact.</summary>
internal interface IQuadDot
{
    static abstract Vector128<int> Add(Vector128<int> sum, Vector128<sbyte> weights, Vector128<sbyte> activations);
}

/// <summary>One instruction (Armv8.2 DotProd).</summary>
internal readonly struct ArmDot : IQuadDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Add(Vector128<int> sum, Vector128<sbyte> weights, Vector128<sbyte> activations) => Dp.DotProduct(sum, weights, activations);
}

/// <summary>A panel times rows by vectors of 128 bits: four outputs in each of four. Weights stay signed.</summary>
internal static unsafe class NarrowPanel<D>
    where D : struct, IQuadDot
{
    /// <summary>Rows <paramref name="first"/> to <paramref name="end"/> − 1.</summary>
    public static void Multiply(in PanelTask task, int first, int end)
    {
        for (int row = first; row < end; row++)
            Row(task, row);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row(in PanelTask task, int row)
    {
        sbyte* inputs = task.Rows.Values + ((long)row * QuantizedRows.StrideOf(task.Inputs));
        float* rowScales = task.Rows.ScalesOfRow(row, task.Inputs), scales = task.Scales;
        byte* values = task.Values;
        bool bytes = task.Form == ValueForm.Bytes;
        int groups = task.HalfGroups ? 2 : 1, lines = 8 / groups;
        sbyte offset = (sbyte)(task.Form == ValueForm.CentredNibbles ? 8 : 0);
        Vector128<float> sum0 = Vector128<float>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (int block = task.Inputs / 32; block > 0; block--)
        {
            for (int group = 0; group < groups; group++)
            {
                Vector128<int> dot0 = Vector128<int>.Zero, dot1 = dot0, dot2 = dot0, dot3 = dot0;
                for (int line = group * lines; line < (group + 1) * lines; line++)
                {
                    Vector128<sbyte> four = Vector128.Create(*(int*)(inputs + (line * 4))).AsSByte();
                    byte* at = values + ((bytes ? line : line % 4) * 64);
                    dot0 = D.Add(dot0, Weights(at, bytes, line, offset), four);
                    dot1 = D.Add(dot1, Weights(at + 16, bytes, line, offset), four);
                    dot2 = D.Add(dot2, Weights(at + 32, bytes, line, offset), four);
                    dot3 = D.Add(dot3, Weights(at + 48, bytes, line, offset), four);
                }

                Vector128<float> scale = Vector128.Create(rowScales[0]);
                sum0 = Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(dot0) * Vector128.Load(scales), scale, sum0);
                sum1 = Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(dot1) * Vector128.Load(scales + 4), scale, sum1);
                sum2 = Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(dot2) * Vector128.Load(scales + 8), scale, sum2);
                sum3 = Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(dot3) * Vector128.Load(scales + 12), scale, sum3);
                scales += 16;
                if (task.HasMinimums)
                {
                    Vector128<float> less = Vector128.Create(-rowScales[QuantizedRows.TileRows]);
                    sum0 = Vector128.FusedMultiplyAdd(Vector128.Load(scales), less, sum0);
                    sum1 = Vector128.FusedMultiplyAdd(Vector128.Load(scales + 4), less, sum1);
                    sum2 = Vector128.FusedMultiplyAdd(Vector128.Load(scales + 8), less, sum2);
                    sum3 = Vector128.FusedMultiplyAdd(Vector128.Load(scales + 12), less, sum3);
                    scales += 16;
                }
            }

            values += bytes ? 512 : 256;
            inputs += 32;
            rowScales += QuantizedRows.BlockScales;
        }

        float* output = task.Output + (row * task.OutputStride);
        sum0.Store(output);
        sum1.Store(output + 4);
        sum2.Store(output + 8);
        sum3.Store(output + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Weights(byte* at, bool bytes, int line, sbyte offset)
    {
        Vector128<byte> stored = Vector128.Load(at);
        if (bytes)
            return stored.AsSByte();
        Vector128<byte> nibbles = line < 4 ? stored & Vector128.Create((byte)15) : Vector128.ShiftRightLogical(stored, 4);
        return nibbles.AsSByte() - Vector128.Create(offset);
    }
}
