using System.Runtime.InteropServices;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>A matrix of any type whose quants are any bits and whose scales are of a usual size, at an address that is aligned to nothing.</summary>
internal sealed unsafe class RandomWeights : IDisposable
{
    private readonly NativeBuffer<byte> _bytes;

    public RandomWeights(ElementType type, int rows, int columns, int seed)
    {
        BlockLayout layout = BlockLayout.Of(type);
        long size = layout.SizeOf((long)rows * columns);
        _bytes = new NativeBuffer<byte>(size + 1);
        Span<byte> data = _bytes.Slice(1, (int)size);
        var random = new Random(seed);
        random.NextBytes(data);
        for (int block = 0; block < data.Length / layout.Bytes; block++)
        {
            Span<byte> at = data.Slice(block * layout.Bytes, layout.Bytes);
            float value = (float)((random.NextDouble() * 2) - 1) * 0.1f;
            switch (type)
            {
                case ElementType.F32: MemoryMarshal.Write(at, value); break;
                case ElementType.BF16: MemoryMarshal.Write(at, (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)); break;
                case ElementType.Q6_K: MemoryMarshal.Write(at[208..], (Half)(value * 0.01f)); break;
                default: MemoryMarshal.Write(at, (Half)value); break;
            }

            if (type is ElementType.Q4_1 or ElementType.Q5_1 or ElementType.Q4_K or ElementType.Q5_K)
                MemoryMarshal.Write(at[2..], (Half)(float)((random.NextDouble() * 2) - 1));
        }

        View = new TensorView(type, [rows, columns], _bytes.Data + 1);
    }

    public TensorView View { get; }

    /// <summary>The stored bytes, to spoil some of them.</summary>
    public Span<byte> Bytes => _bytes.Slice(1, (int)_bytes.Length - 1);

    /// <summary>Row <paramref name="row"/> as <see cref="Dequantize"/> reads it.</summary>
    public float[] Row(int row)
    {
        float[] values = new float[View.Columns];
        Dequantize.Row(View.Type, View.Data + (row * View.RowBytes), values);
        return values;
    }

    public void Dispose() => _bytes.Dispose();
}
