using System.Runtime.CompilerServices;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Packs matrices of floating-point numbers.</summary>
internal static unsafe class FloatPacker
{
    /// <summary>See <see cref="WeightPacker.Pack"/>.</summary>
    internal static void Pack(in TensorView from, bool transposed, in PackedMatrix to, int firstPanel, int endPanel)
    {
        long size = BlockLayout.Of(from.Type).Bytes;
        Source source = transposed ? new(from.Type, (nint)from.Data, size, from.RowBytes) : new(from.Type, (nint)from.Data, from.RowBytes, size);
        for (int panel = firstPanel; panel < endPanel; panel++)
        {
            int first = panel * PackedLayout.PanelOutputs;
            Panel(source.FromOutput(first), to, Math.Min(PackedLayout.PanelOutputs, to.Outputs - first), to.Panel(panel));
        }
    }

    private static void Panel(Source source, in PackedMatrix to, int outputs, byte* panel)
    {
        switch (source.Type, to.Format)
        {
            case (ElementType.F32, PackedFormat.Single): Interleave<uint>(source, outputs, to.Inputs, (uint*)panel); break;
            case (ElementType.F16, PackedFormat.Half): Interleave<ushort>(source, outputs, to.Inputs, (ushort*)panel); break;
            case (ElementType.BF16, PackedFormat.Brain): Interleave<ushort>(source, outputs, to.Inputs, (ushort*)panel); break;
            default: throw new ArgumentException($"{source.Type} cannot be packed as {to.Format}", nameof(to));
        }
    }

    /// <summary>For each input the weights of 16 outputs, zeros where there are fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Interleave<T>(Source source, int outputs, int inputs, T* to)
        where T : unmanaged
    {
        for (int i = 0; i < inputs; i++, to += PackedLayout.PanelOutputs)
        {
            byte* from = (byte*)source.Data + (i * source.InputBytes);
            for (int o = 0; o < outputs; o++, from += source.OutputBytes)
                to[o] = Unsafe.ReadUnaligned<T>(from);
            for (int o = outputs; o < PackedLayout.PanelOutputs; o++)
                to[o] = default;
        }
    }

    /// <summary>A stored matrix: its first byte, and the way from one output and from one input to the next.</summary>
    private readonly record struct Source(ElementType Type, nint Data, long OutputBytes, long InputBytes)
    {
        public Source FromOutput(int output) => this with { Data = (nint)(Data + (output * OutputBytes)) };
    }
}
