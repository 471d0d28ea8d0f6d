using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels;

/// <summary>How the values of one type are multiplied straight from where they are stored: for one row of inputs, which uses each weight once, writing them down
/// decoded would cost more than multiplying them.</summary>
/// <remarks>The weights are those of <see cref="Dequantize"/>, but for the sign of a zero, which no sum shows.</remarks>
internal unsafe interface IBlockFormat
{
    /// <summary>Numbers that a format may put down while it works on a block: 256 quants of a byte, 16 scales.</summary>
    const int Room = 64 + 16;

    /// <summary>Values of a block.</summary>
    static abstract int Values { get; }

    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Adds to the partial sums <paramref name="lane"/> to <paramref name="lane"/> + <c>L.Count</c> − 1 their share of one block.</summary>
    /// <param name="halves"><see cref="HalfTable"/>: an argument, so that the loop around does not ask whether it has been made.</param>
    /// <param name="room"><see cref="Room"/> numbers to write to.</param>
    static abstract V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct;
}

/// <summary>16 halves.</summary>
internal readonly unsafe struct HalfFormat : IBlockFormat
{
    public static int Values => 16;

    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
        => L.MultiplyAdd(L.LoadHalf((ushort*)block + lane), L.Load(input + lane), sum);
}

/// <summary>16 upper halves of singles.</summary>
internal readonly unsafe struct BrainFormat : IBlockFormat
{
    public static int Values => 16;

    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
        => L.MultiplyAdd(L.LoadBrain((ushort*)block + lane), L.Load(input + lane), sum);
}

/// <summary>A block of Q8_0.</summary>
internal readonly unsafe struct EightBitFormat : IBlockFormat
{
    public static int Values => 32;

    public static int Bytes => 34;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
    {
        V scale = L.Create(halves[*(ushort*)block]);
        sbyte* quants = (sbyte*)block + 2 + lane;
        sum = L.MultiplyAdd(L.Multiply(L.LoadInt8(quants), scale), L.Load(input + lane), sum);
        return L.MultiplyAdd(L.Multiply(L.LoadInt8(quants + 16), scale), L.Load(input + 16 + lane), sum);
    }
}

/// <summary>A block of Q4_0: (quant − 8) · scale = quant · scale − 8 · scale, both without rounding.</summary>
internal readonly unsafe struct FourBitFormat : IBlockFormat
{
    public static int Values => 32;

    public static int Bytes => 18;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
    {
        V scale = L.Create(halves[*(ushort*)block]);
        return FourBits.Accumulate<L, V>(block + 2, scale, L.Multiply(scale, L.Create(-8f)), input, lane, sum);
    }
}

/// <summary>A block of Q4_1.</summary>
internal readonly unsafe struct FourBitMinimumFormat : IBlockFormat
{
    public static int Values => 32;

    public static int Bytes => 20;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
        => FourBits.Accumulate<L, V>(block + 4, L.Create(halves[*(ushort*)block]), L.Create(halves[*(ushort*)(block + 2)]), input, lane, sum);
}

/// <summary>A block of Q4_K: eight groups of 32.</summary>
internal readonly unsafe struct FourBitGroupFormat : IBlockFormat
{
    public static int Values => 256;

    public static int Bytes => 144;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
    {
        GroupScales.Unpack(block, halves, room);
        byte* quants = block + 16 + lane;
        input += lane;
        for (int group = 0; group < 8; group += 2, quants += 32, input += 64)
        {
            V lowScale = L.Create(room[group]), lowMinimum = L.Create(room[group + 8]), highScale = L.Create(room[group + 1]), highMinimum = L.Create(room[group + 9]);
            (V low, V high) = (L.LoadFourBits(quants, lowScale, lowMinimum).Lower, L.LoadFourBits(quants, highScale, highMinimum).Upper);
            (V nextLow, V nextHigh) = (L.LoadFourBits(quants + 16, lowScale, lowMinimum).Lower, L.LoadFourBits(quants + 16, highScale, highMinimum).Upper);
            sum = L.MultiplyAdd(low, L.Load(input), sum);
            sum = L.MultiplyAdd(nextLow, L.Load(input + 16), sum);
            sum = L.MultiplyAdd(high, L.Load(input + 32), sum);
            sum = L.MultiplyAdd(nextHigh, L.Load(input + 48), sum);
        }

        return sum;
    }
}

/// <summary>A block of Q5_0.</summary>
internal readonly unsafe struct FiveBitFormat : IBlockFormat
{
    public static int Values => 32;

    public static int Bytes => 22;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
    {
        sbyte* quants = (sbyte*)room;
        BlockDecoder.SpreadFiveBits(block + 2, Vector128.Create((sbyte)-16), quants);
        V scale = L.Create(halves[*(ushort*)block]);
        sum = L.MultiplyAdd(L.Multiply(L.LoadInt8(quants + lane), scale), L.Load(input + lane), sum);
        return L.MultiplyAdd(L.Multiply(L.LoadInt8(quants + 16 + lane), scale), L.Load(input + 16 + lane), sum);
    }
}

/// <summary>A block of Q5_1.</summary>
internal readonly unsafe struct FiveBitMinimumFormat : IBlockFormat
{
    public static int Values => 32;

    public static int Bytes => 24;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
    {
        sbyte* quants = (sbyte*)room;
        BlockDecoder.SpreadFiveBits(block + 4, Vector128<sbyte>.Zero, quants);
        V scale = L.Create(halves[*(ushort*)block]), minimum = L.Create(halves[*(ushort*)(block + 2)]);
        sum = L.MultiplyAdd(L.MultiplyAdd(L.LoadInt8(quants + lane), scale, minimum), L.Load(input + lane), sum);
        return L.MultiplyAdd(L.MultiplyAdd(L.LoadInt8(quants + 16 + lane), scale, minimum), L.Load(input + 16 + lane), sum);
    }
}

/// <summary>A block of Q5_K: eight groups of 32.</summary>
internal readonly unsafe struct FiveBitGroupFormat : IBlockFormat
{
    public static int Values => 256;

    public static int Bytes => 176;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
    {
        GroupScales.Unpack(block, halves, room);
        sbyte* quants = (sbyte*)(room + 16);
        BlockDecoder.SpreadFiveBitGroups(block, quants);
        quants += lane;
        input += lane;
        for (int group = 0; group < 8; group++, quants += 32, input += 32)
        {
            V scale = L.Create(room[group]), minimum = L.Create(room[group + 8]);
            sum = L.MultiplyAdd(L.MultiplyAdd(L.LoadInt8(quants), scale, minimum), L.Load(input), sum);
            sum = L.MultiplyAdd(L.MultiplyAdd(L.LoadInt8(quants + 16), scale, minimum), L.Load(input + 16), sum);
        }

        return sum;
    }
}

/// <summary>A block of Q6_K: sixteen groups of 16.</summary>
internal readonly unsafe struct SixBitGroupFormat : IBlockFormat
{
    public static int Values => 256;

    public static int Bytes => 210;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Accumulate<L, V>(byte* block, float* input, int lane, float* halves, float* room, V sum)
        where L : struct, ILanes<V>
        where V : struct
    {
        sbyte* quants = (sbyte*)(room + 16);
        BlockDecoder.SpreadSixBitGroups(block, quants);
        Vector128<float> scale = Vector128.Create(halves[*(ushort*)(block + 208)]);
        (Vector128<short> lower, Vector128<short> upper) = Vector128.Widen(Vector128.Load((sbyte*)block + 192));
        (Vector128.ConvertToSingle(Vector128.WidenLower(lower)) * scale).Store(room);
        (Vector128.ConvertToSingle(Vector128.WidenUpper(lower)) * scale).Store(room + 4);
        (Vector128.ConvertToSingle(Vector128.WidenLower(upper)) * scale).Store(room + 8);
        (Vector128.ConvertToSingle(Vector128.WidenUpper(upper)) * scale).Store(room + 12);
        quants += lane;
        input += lane;
        for (int group = 0; group < 16; group++, quants += 16, input += 16)
            sum = L.MultiplyAdd(L.Multiply(L.LoadInt8(quants), L.Create(room[group])), L.Load(input), sum);
        return sum;
    }
}

/// <summary>The scales and minima of a block of Q4_K or Q5_K.</summary>
internal static unsafe class GroupScales
{
    /// <summary>Eight scales, then the negatives of eight minima, into memory: a number is broadcast from there for nothing, and from a register for two of the slots that
    /// are scarce where this is used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Unpack(byte* block, float* halves, float* room)
    {
        (ulong scales, ulong minima) = BlockDecoder.UnpackScales(block + 4);
        (Vector128<ushort> scaleWords, Vector128<ushort> minimumWords) = Vector128.Widen(Vector128.Create(scales, minima).AsByte());
        Vector128<float> scale = Vector128.Create(halves[*(ushort*)block]), minimum = Vector128.Create(-halves[*(ushort*)(block + 2)]);
        (Vector128.ConvertToSingle(Vector128.WidenLower(scaleWords).AsInt32()) * scale).Store(room);
        (Vector128.ConvertToSingle(Vector128.WidenUpper(scaleWords).AsInt32()) * scale).Store(room + 4);
        (Vector128.ConvertToSingle(Vector128.WidenLower(minimumWords).AsInt32()) * minimum).Store(room + 8);
        (Vector128.ConvertToSingle(Vector128.WidenUpper(minimumWords).AsInt32()) * minimum).Store(room + 12);
    }
}

/// <summary>32 quants of four bits: lower halves first, then upper ones.</summary>
internal static unsafe class FourBits
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Accumulate<L, V>(byte* quants, V scale, V minimum, float* input, int lane, V sum)
        where L : struct, ILanes<V>
        where V : struct
    {
        (V lower, V upper) = L.LoadFourBits(quants + lane, scale, minimum);
        sum = L.MultiplyAdd(lower, L.Load(input + lane), sum);
        return L.MultiplyAdd(upper, L.Load(input + 16 + lane), sum);
    }
}
