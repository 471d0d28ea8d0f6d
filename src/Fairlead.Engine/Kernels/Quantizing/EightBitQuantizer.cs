using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Quantizing;

/// <summary>Blocks of Q8_0.</summary>
/// <remarks>
/// The scale is the least half that lets 127 reach the largest magnitude: rounded to the nearest half, as llama.cpp does, it may be too small for it. So every
/// value is off by at most half a scale (<see cref="Bound"/>), also where the scale is a subnormal half.
/// </remarks>
internal static unsafe class EightBitQuantizer
{
    /// <summary>How far a value may be off, in scales: half of one, and what the division rounds (127 · 2^−24).</summary>
    public const double Bound = 0.5 + (1.0 / (1 << 16));

    /// <summary>32 values into 34 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block(float* values, byte* block)
    {
        Vector512<float> a = Vector512.Load(values), b = Vector512.Load(values + 16);
        Half scale = QuantLanes.AtLeast(QuantLanes.Max(Vector512.Max(Vector512.Abs(a), Vector512.Abs(b))) / 127);
        *(Half*)block = scale;
        if (scale == Half.Zero || !Half.IsFinite(scale))
        {
            new Span<byte>(block + 2, 32).Clear(); // no number times zero is no number: the block says so
            return;
        }

        var divisor = Vector512.Create((float)scale);
        Vector512<int> first = Vector512.ConvertToInt32(QuantLanes.Round(a / divisor)), second = Vector512.ConvertToInt32(QuantLanes.Round(b / divisor));
        QuantLanes.Bytes(first & Vector512.Create(255)).Store(block + 2);
        QuantLanes.Bytes(second & Vector512.Create(255)).Store(block + 18);
    }
}
