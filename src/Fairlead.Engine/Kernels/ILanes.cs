using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels;

/// <summary>The operations that kernels are written in, for a vector of <see cref="Count"/> single-precision numbers.</summary>
/// <remarks>Implemented by structs and used as a type argument, so each width is compiled into a kernel of its own, without a call.
/// Pointers need no alignment.</remarks>
internal unsafe interface ILanes<V>
    where V : struct
{
    /// <summary>Numbers in a vector; divides 16.</summary>
    static abstract int Count { get; }

    static abstract V Create(float value);

    static abstract V Load(float* source);

    /// <summary><see cref="Count"/> half-precision numbers, exactly.</summary>
    static abstract V LoadHalf(ushort* source);

    /// <summary><see cref="Count"/> numbers of sign, five bits of exponent and ten of fraction, each times 2^−112, exactly: bits are moved and nothing else. Every exponent but 0, which is
    /// for zeros alone, counts as an exponent.</summary>
    static abstract V LoadHalfUnbiased(ushort* source);

    /// <summary><see cref="Count"/> upper halves of single-precision numbers, exactly.</summary>
    static abstract V LoadBrain(ushort* source);

    static abstract V LoadInt8(sbyte* source);

    /// <summary>quant · scale + minimum, rounded once, of the lower and of the upper halves of <see cref="Count"/> bytes.</summary>
    static abstract (V Lower, V Upper) LoadFourBits(byte* source, V scale, V minimum);

    static abstract void Store(V value, float* target);

    static abstract V Add(V a, V b);

    static abstract V Subtract(V a, V b);

    static abstract V Multiply(V a, V b);

    static abstract V Divide(V a, V b);

    /// <summary>a · b + c, rounded once.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    /// <summary>a where a &gt; b, else b: also where one of them is no number.</summary>
    static abstract V Max(V a, V b);

    /// <summary>a where a &lt; b, else b: also where one of them is no number.</summary>
    static abstract V Min(V a, V b);

    /// <summary>yes where a &lt; b, else no.</summary>
    static abstract V IfLess(V a, V b, V yes, V no);

    /// <summary>Whether a &gt; b in any place.</summary>
    static abstract bool AnyGreater(V a, V b);

    /// <summary>2^n for n = <paramref name="shifted"/> − 1.5 · 2^23, an integer from −126 to 127: its bits move into the exponent.</summary>
    static abstract V PowerOfTwo(V shifted);
}

/// <inheritdoc cref="SimdFamily.Scalar"/>
internal readonly unsafe struct Lanes1 : ILanes<float>
{
    public static int Count => 1;

    public static float Create(float value) => value;

    public static float Load(float* source) => *source;

    public static float LoadHalf(ushort* source) => (float)BitConverter.UInt16BitsToHalf(*source);

    public static float LoadHalfUnbiased(ushort* source) => BitConverter.Int32BitsToSingle(((short)*source << 13) & HalfBits.Unsmeared);

    public static float LoadBrain(ushort* source) => BitConverter.UInt32BitsToSingle((uint)*source << 16);

    public static float LoadInt8(sbyte* source) => *source;

    public static (float Lower, float Upper) LoadFourBits(byte* source, float scale, float minimum) =>
        (MathF.FusedMultiplyAdd(*source & 15, scale, minimum), MathF.FusedMultiplyAdd(*source >> 4, scale, minimum));

    public static void Store(float value, float* target) => *target = value;

    public static float Add(float a, float b) => a + b;

    public static float Subtract(float a, float b) => a - b;

    public static float Multiply(float a, float b) => a * b;

    public static float Divide(float a, float b) => a / b;

    public static float MultiplyAdd(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    public static float Max(float a, float b) => a > b ? a : b;

    public static float Min(float a, float b) => a < b ? a : b;

    public static float IfLess(float a, float b, float yes, float no) => a < b ? yes : no;

    public static bool AnyGreater(float a, float b) => a > b;

    public static float PowerOfTwo(float shifted) => BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(shifted) << 23) + 0x3f800000);
}

/// <inheritdoc cref="SimdFamily.Vector128"/>
internal readonly unsafe struct Lanes4 : ILanes<Vector128<float>>
{
    public static int Count => 4;

    public static Vector128<float> Create(float value) => Vector128.Create(value);

    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalf(ushort* source)
    {
        Vector128<int> bits = Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsInt16());
        Vector128<int> magnitude = Vector128.ShiftLeft(bits & Vector128.Create(HalfBits.Magnitude), 13), moved = magnitude + Vector128.Create(HalfBits.Bias);
        Vector128<float> normal = Vector128.ConditionalSelect(Vector128.GreaterThan(magnitude, Vector128.Create(HalfBits.LargestFinite)), moved + Vector128.Create(HalfBits.Bias), moved).AsSingle();
        Vector128<float> value = Vector128.MinNative(normal, Vector128.FusedMultiplyAdd(normal, Vector128.Create(2f), Vector128.Create(-HalfBits.SmallestNormal)));
        return (value.AsInt32() | (bits & Vector128.Create(HalfBits.Sign))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalfUnbiased(ushort* source) =>
        (Vector128.ShiftLeft(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsInt16()), 13) & Vector128.Create(HalfBits.Unsmeared)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadBrain(ushort* source) =>
        Vector128.ShiftLeft(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsUInt16()), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadInt8(sbyte* source) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(source)).AsSByte())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<float> Lower, Vector128<float> Upper) LoadFourBits(byte* source, Vector128<float> scale, Vector128<float> minimum)
    {
        Vector128<int> bytes = Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(source)).AsByte())).AsInt32();
        Vector128<float> lower = Vector128.ConvertToSingle(bytes & Vector128.Create(15)), upper = Vector128.ConvertToSingle(Vector128.ShiftRightLogical(bytes, 4));
        return (Vector128.FusedMultiplyAdd(lower, scale, minimum), Vector128.FusedMultiplyAdd(upper, scale, minimum));
    }

    public static void Store(Vector128<float> value, float* target) => value.Store(target);

    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    public static Vector128<float> Divide(Vector128<float> a, Vector128<float> b) => a / b;

    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.FusedMultiplyAdd(a, b, c);

    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.ConditionalSelect(Vector128.GreaterThan(a, b), a, b);

    public static Vector128<float> Min(Vector128<float> a, Vector128<float> b) => Vector128.ConditionalSelect(Vector128.LessThan(a, b), a, b);

    public static Vector128<float> IfLess(Vector128<float> a, Vector128<float> b, Vector128<float> yes, Vector128<float> no) =>
        Vector128.ConditionalSelect(Vector128.LessThan(a, b), yes, no);

    public static bool AnyGreater(Vector128<float> a, Vector128<float> b) => Vector128.GreaterThanAny(a, b);

    public static Vector128<float> PowerOfTwo(Vector128<float> shifted) =>
        (Vector128.ShiftLeft(shifted.AsInt32(), 23) + Vector128.Create(0x3f800000)).AsSingle();
}

/// <inheritdoc cref="SimdFamily.Vector256"/>
internal readonly unsafe struct Lanes8 : ILanes<Vector256<float>>
{
    public static int Count => 8;

    public static Vector256<float> Create(float value) => Vector256.Create(value);

    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalf(ushort* source)
    {
        Vector256<int> bits = Avx2.ConvertToVector256Int32((short*)source);
        Vector256<int> magnitude = Vector256.ShiftLeft(bits & Vector256.Create(HalfBits.Magnitude), 13), moved = magnitude + Vector256.Create(HalfBits.Bias);
        Vector256<float> normal = Vector256.ConditionalSelect(Vector256.GreaterThan(magnitude, Vector256.Create(HalfBits.LargestFinite)), moved + Vector256.Create(HalfBits.Bias), moved).AsSingle();
        Vector256<float> value = Vector256.MinNative(normal, Vector256.FusedMultiplyAdd(normal, Vector256.Create(2f), Vector256.Create(-HalfBits.SmallestNormal)));
        return (value.AsInt32() | (bits & Vector256.Create(HalfBits.Sign))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalfUnbiased(ushort* source) =>
        (Vector256.ShiftLeft(Avx2.ConvertToVector256Int32((short*)source), 13) & Vector256.Create(HalfBits.Unsmeared)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBrain(ushort* source) => Vector256.ShiftLeft(Avx2.ConvertToVector256Int32(source), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt8(sbyte* source) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Lower, Vector256<float> Upper) LoadFourBits(byte* source, Vector256<float> scale, Vector256<float> minimum)
    {
        Vector256<int> bytes = Avx2.ConvertToVector256Int32(source);
        Vector256<float> lower = Vector256.ConvertToSingle(bytes & Vector256.Create(15)), upper = Vector256.ConvertToSingle(Vector256.ShiftRightLogical(bytes, 4));
        return (Vector256.FusedMultiplyAdd(lower, scale, minimum), Vector256.FusedMultiplyAdd(upper, scale, minimum));
    }

    public static void Store(Vector256<float> value, float* target) => value.Store(target);

    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Avx.Max(a, b);

    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Avx.Min(a, b);

    public static Vector256<float> IfLess(Vector256<float> a, Vector256<float> b, Vector256<float> yes, Vector256<float> no) =>
        Vector256.ConditionalSelect(Vector256.LessThan(a, b), yes, no);

    public static bool AnyGreater(Vector256<float> a, Vector256<float> b) => Vector256.GreaterThanAny(a, b);

    public static Vector256<float> PowerOfTwo(Vector256<float> shifted) =>
        (Vector256.ShiftLeft(shifted.AsInt32(), 23) + Vector256.Create(0x3f800000)).AsSingle();
}

/// <inheritdoc cref="SimdFamily.Vector512"/>
internal readonly unsafe struct Lanes16 : ILanes<Vector512<float>>
{
    public static int Count => 16;

    public static Vector512<float> Create(float value) => Vector512.Create(value);

    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadHalf(ushort* source)
    {
        Vector512<int> bits = Avx512F.ConvertToVector512Int32(Vector256.Load((short*)source));
        Vector512<int> magnitude = Vector512.ShiftLeft(bits & Vector512.Create(HalfBits.Magnitude), 13), moved = magnitude + Vector512.Create(HalfBits.Bias);
        Vector512<float> normal = Vector512.ConditionalSelect(Vector512.GreaterThan(magnitude, Vector512.Create(HalfBits.LargestFinite)), moved + Vector512.Create(HalfBits.Bias), moved).AsSingle();
        Vector512<float> value = Vector512.MinNative(normal, Vector512.FusedMultiplyAdd(normal, Vector512.Create(2f), Vector512.Create(-HalfBits.SmallestNormal)));
        return (value.AsInt32() | (bits & Vector512.Create(HalfBits.Sign))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadHalfUnbiased(ushort* source) =>
        (Vector512.ShiftLeft(Avx512F.ConvertToVector512Int32(Vector256.Load((short*)source)), 13) & Vector512.Create(HalfBits.Unsmeared)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBrain(ushort* source) =>
        Vector512.ShiftLeft(Avx512F.ConvertToVector512Int32(Vector256.Load(source)), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadInt8(sbyte* source) =>
        Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Lower, Vector512<float> Upper) LoadFourBits(byte* source, Vector512<float> scale, Vector512<float> minimum)
    {
        // The sixteen weights there can be, once, and then picked: a permutation reads the lower four bits of its index only.
        Vector512<float> weights = Vector512.FusedMultiplyAdd(Vector512.Create(0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), scale, minimum);
        Vector512<int> bytes = Avx512F.ConvertToVector512Int32(Vector128.Load(source));
        return (Avx512F.PermuteVar16x32(weights, bytes), Avx512F.PermuteVar16x32(weights, Vector512.ShiftRightLogical(bytes, 4)));
    }

    public static void Store(Vector512<float> value, float* target) => value.Store(target);

    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Avx512F.Max(a, b);

    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Avx512F.Min(a, b);

    public static Vector512<float> IfLess(Vector512<float> a, Vector512<float> b, Vector512<float> yes, Vector512<float> no) =>
        Vector512.ConditionalSelect(Vector512.LessThan(a, b), yes, no);

    public static bool AnyGreater(Vector512<float> a, Vector512<float> b) => Vector512.GreaterThanAny(a, b);

    public static Vector512<float> PowerOfTwo(Vector512<float> shifted) =>
        (Vector512.ShiftLeft(shifted.AsInt32(), 23) + Vector512.Create(0x3f800000)).AsSingle();
}

/// <summary>How a half becomes a single without F16C, which .NET does not expose, and without a subnormal single on the way, for which Intel's processors stop
/// for some hundred cycles: in every twentieth vector of a usual model.</summary>
/// <remarks>
/// The bits move 13 places up and the exponent grows by 127 − 15. What is infinite or no number grows by as much again, to the exponent of such a single.
/// A subnormal half, f · 2^−14, has become (1 + f) · 2^−15 = y; 2y − 2^−14 is what it should be, and is smaller than y for these and for no other.
/// </remarks>
internal static class HalfBits
{
    internal const int Magnitude = 0x7fff;
    internal const int Sign = int.MinValue;
    internal const int Unsmeared = ~(7 << 28); // a half with its sign extended, 13 places up: the sign, and the exponent's lower five bits without the sign's copies above them
    internal const int Bias = (127 - 15) << 23;
    internal const int LargestFinite = 0x7bff << 13;
    internal const float SmallestNormal = 6.103515625e-5f; // 2^−14
}

/// <summary>Every half as a single, by its bits: one load for a scale where working it out would cost as much as the values it scales.</summary>
internal static unsafe class HalfTable
{
    /// <summary>65,536 numbers; lives as long as the process.</summary>
    internal static float* Values { get; } = Make();

    private static float* Make()
    {
        float* values = (float*)NativeMemory.AlignedAlloc(65536 * sizeof(float), 64);
        for (int bits = 0; bits < 65536; bits++)
            values[bits] = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
        return values;
    }
}
