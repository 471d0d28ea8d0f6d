using System.Runtime.CompilerServices;
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

    /// <summary><see cref="Count"/> upper halves of single-precision numbers, exactly.</summary>
    static abstract V LoadBrain(ushort* source);

    static abstract V LoadInt8(sbyte* source);

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

    public static float LoadBrain(ushort* source) => BitConverter.UInt32BitsToSingle((uint)*source << 16);

    public static float LoadInt8(sbyte* source) => *source;

    public static void Store(float value, float* target) => *target = value;

    public static float Add(float a, float b) => a + b;

    public static float Subtract(float a, float b) => a - b;

    public static float Multiply(float a, float b) => a * b;

    public static float Divide(float a, float b) => a / b;

    public static float MultiplyAdd(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    public static float Max(float a, float b) => a > b ? a : b;

    public static float Min(float a, float b) => a < b ? a : b;

    public static float IfLess(float a, float b, float yes, float no) => a < b ? yes : no;

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
        Vector128<int> shifted = Vector128.ShiftLeft(bits, 13) & Vector128.Create(HalfBits.SignAndMagnitude);
        Vector128<float> value = shifted.AsSingle() * Vector128.Create(HalfBits.Rescale);
        Vector128<int> notFinite = Vector128.Equals(shifted & Vector128.Create(HalfBits.Exponent), Vector128.Create(HalfBits.Exponent));
        return (value.AsInt32() | (notFinite & Vector128.Create(HalfBits.SingleExponent))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadBrain(ushort* source) =>
        Vector128.ShiftLeft(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsUInt16()), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadInt8(sbyte* source) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(source)).AsSByte())));

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
        Vector256<int> shifted = Vector256.ShiftLeft(bits, 13) & Vector256.Create(HalfBits.SignAndMagnitude);
        Vector256<float> value = shifted.AsSingle() * Vector256.Create(HalfBits.Rescale);
        Vector256<int> notFinite = Vector256.Equals(shifted & Vector256.Create(HalfBits.Exponent), Vector256.Create(HalfBits.Exponent));
        return (value.AsInt32() | (notFinite & Vector256.Create(HalfBits.SingleExponent))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBrain(ushort* source) => Vector256.ShiftLeft(Avx2.ConvertToVector256Int32(source), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt8(sbyte* source) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source));

    public static void Store(Vector256<float> value, float* target) => value.Store(target);

    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.ConditionalSelect(Vector256.GreaterThan(a, b), a, b);

    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Vector256.ConditionalSelect(Vector256.LessThan(a, b), a, b);

    public static Vector256<float> IfLess(Vector256<float> a, Vector256<float> b, Vector256<float> yes, Vector256<float> no) =>
        Vector256.ConditionalSelect(Vector256.LessThan(a, b), yes, no);

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
        Vector512<int> shifted = Vector512.ShiftLeft(bits, 13) & Vector512.Create(HalfBits.SignAndMagnitude);
        Vector512<float> value = shifted.AsSingle() * Vector512.Create(HalfBits.Rescale);
        Vector512<int> notFinite = Vector512.Equals(shifted & Vector512.Create(HalfBits.Exponent), Vector512.Create(HalfBits.Exponent));
        return (value.AsInt32() | (notFinite & Vector512.Create(HalfBits.SingleExponent))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBrain(ushort* source) =>
        Vector512.ShiftLeft(Avx512F.ConvertToVector512Int32(Vector256.Load(source)), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadInt8(sbyte* source) =>
        Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source)));

    public static void Store(Vector512<float> value, float* target) => value.Store(target);

    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.ConditionalSelect(Vector512.GreaterThan(a, b), a, b);

    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Vector512.ConditionalSelect(Vector512.LessThan(a, b), a, b);

    public static Vector512<float> IfLess(Vector512<float> a, Vector512<float> b, Vector512<float> yes, Vector512<float> no) =>
        Vector512.ConditionalSelect(Vector512.LessThan(a, b), yes, no);

    public static Vector512<float> PowerOfTwo(Vector512<float> shifted) =>
        (Vector512.ShiftLeft(shifted.AsInt32(), 23) + Vector512.Create(0x3f800000)).AsSingle();
}

/// <summary>How a half becomes a single without F16C, which .NET does not expose: its bits move 13 places up, and a multiplication by
/// 2^(127 − 15) mends the exponent, of subnormal numbers too. What was infinite or no number gets the exponent of such a single.</summary>
internal static class HalfBits
{
    internal const int SignAndMagnitude = unchecked((int)0x8fffe000);
    internal const int Exponent = 0x1f << 23;
    internal const int SingleExponent = 0xff << 23;
    internal const float Rescale = 5.192296858534828e33f; // 2^112
}
