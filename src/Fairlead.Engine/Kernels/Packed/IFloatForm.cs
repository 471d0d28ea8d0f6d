using System.Runtime.CompilerServices;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>How the weights of one packed form of floating-point numbers become singles, exactly.</summary>
internal unsafe interface IFloatForm
{
    /// <summary>Bytes of the 16 weights of an input.</summary>
    static abstract int Bytes { get; }

    /// <summary><c>L.Count</c> weights: those of the outputs from <paramref name="lane"/> on for the input at <paramref name="weights"/>.</summary>
    static abstract V Load<L, V>(byte* weights, int lane)
        where L : struct, ILanes<V>
        where V : struct;
}

/// <inheritdoc cref="PackedFormat.Single"/>
internal readonly unsafe struct SingleForm : IFloatForm
{
    public static int Bytes => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<L, V>(byte* weights, int lane)
        where L : struct, ILanes<V>
        where V : struct
        => L.Load((float*)weights + lane);
}

/// <inheritdoc cref="PackedFormat.Half"/>
internal readonly unsafe struct HalfForm : IFloatForm
{
    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<L, V>(byte* weights, int lane)
        where L : struct, ILanes<V>
        where V : struct
        => L.LoadHalf((ushort*)weights + lane);
}

/// <inheritdoc cref="PackedFormat.Brain"/>
internal readonly unsafe struct BrainForm : IFloatForm
{
    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<L, V>(byte* weights, int lane)
        where L : struct, ILanes<V>
        where V : struct
        => L.LoadBrain((ushort*)weights + lane);
}
