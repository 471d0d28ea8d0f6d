using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
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
            case (ElementType.BF16, PackedFormat.BrainTiles): Tiles(source, outputs, to.Inputs, panel, outputStep: 2, upperStep: 1); break;
            case (ElementType.F16, PackedFormat.HalfTiles): Tiles(source, outputs, to.Inputs, panel, outputStep: 1, upperStep: PackedLayout.PanelOutputs); break;
            case (ElementType.F32, PackedFormat.BrainPairTiles): PairTiles(source, outputs, to.Inputs, panel); break;
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

    /// <summary>For each 32 inputs a tile; zeros where there are fewer inputs or outputs.</summary>
    /// <param name="outputStep">From a weight in a row to that of the next output.</param>
    /// <param name="upperStep">From a weight in a row to that of the input 16 further on.</param>
    private static void Tiles(Source source, int outputs, int inputs, byte* panel, int outputStep, int upperStep)
    {
        ushort* to = (ushort*)panel;
        new Span<byte>(panel, (inputs + BrainTile.Inputs - 1) / BrainTile.Inputs * BrainTile.Bytes).Clear();
        for (int i = 0; i < inputs; i++)
        {
            byte* from = (byte*)source.Data + (i * source.InputBytes);
            ushort* row = to + (i / BrainTile.Inputs * BrainTile.Bytes / sizeof(ushort)) + (i % 16 * 2 * PackedLayout.PanelOutputs) + (i / 16 % 2 * upperStep);
            for (int o = 0; o < outputs; o++, from += source.OutputBytes)
                row[outputStep * o] = Unsafe.ReadUnaligned<ushort>(from);
        }
    }

    /// <summary>For each 32 inputs a tile of the rounded weights and one of what the rounding left.</summary>
    private static void PairTiles(Source source, int outputs, int inputs, byte* panel)
    {
        float* lower = stackalloc float[2 * PackedLayout.PanelOutputs], upper = lower + PackedLayout.PanelOutputs;
        for (int start = 0; start < inputs; start += BrainTile.Inputs, panel += 2 * BrainTile.Bytes)
        {
            for (int i = 0; i < BrainTile.Inputs / 2; i++)
            {
                Read(source, outputs, start + i, inputs, lower);
                Read(source, outputs, start + i + (BrainTile.Inputs / 2), inputs, upper);
                (Vector512<uint> firstLower, Vector512<float> leftLower) = BrainFloat.Round(Vector512.Load(lower));
                (Vector512<uint> firstUpper, Vector512<float> leftUpper) = BrainFloat.Round(Vector512.Load(upper));
                uint* to = (uint*)panel + (i * PackedLayout.PanelOutputs);
                BrainFloat.Pair(firstLower, firstUpper).Store(to);
                BrainFloat.Pair(BrainFloat.Round(leftLower).Bits, BrainFloat.Round(leftUpper).Bits).Store(to + (BrainTile.Bytes / sizeof(uint)));
            }
        }
    }

    /// <summary>The weights of 16 outputs for one input as singles; zeros where there are fewer, and behind the last input.</summary>
    private static void Read(Source source, int outputs, int input, int inputs, float* to)
    {
        new Span<float>(to, PackedLayout.PanelOutputs).Clear();
        if (input >= inputs)
            return;
        byte* from = (byte*)source.Data + (input * source.InputBytes);
        for (int o = 0; o < outputs; o++, from += source.OutputBytes)
            to[o] = Unsafe.ReadUnaligned<float>(from);
    }

    /// <summary>A stored matrix: its first byte, and the way from one output and from one input to the next.</summary>
    private readonly record struct Source(ElementType Type, nint Data, long OutputBytes, long InputBytes)
    {
        public Source FromOutput(int output) => this with { Data = (nint)(Data + (output * OutputBytes)) };
    }
}
