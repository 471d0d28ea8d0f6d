using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>Random weights, stored and packed in an integer form.</summary>
internal sealed unsafe class PackedSample : IDisposable
{
    private readonly NativeBuffer<byte> _packed;

    public PackedSample(ElementType type, int outputs, int inputs, int seed)
    {
        Stored = new RandomWeights(type, outputs, inputs, seed);
        PackedFormat format = PackedLayout.FormatFor(type, inputs, KernelFamily.Scalar)!.Value;
        _packed = new NativeBuffer<byte>(PackedLayout.BytesFor(format, outputs, inputs));
        Matrix = new PackedMatrix(format, outputs, inputs, (nint)_packed.Data);
        WeightPacker.Pack(Stored.View, transposed: false, Matrix, 0, Matrix.Panels);
    }

    public RandomWeights Stored { get; }

    public PackedMatrix Matrix { get; }

    public void Dispose()
    {
        Stored.Dispose();
        _packed.Dispose();
    }
}
