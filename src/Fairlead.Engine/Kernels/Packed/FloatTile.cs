using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Up to six rows times some panels of floating-point weights, for the inputs of a piece: as many sums at a time as stay in vector registers.</summary>
/// <remarks>With 32 registers six rows and four vectors of outputs, 24 sums: ten loads for 24 multiply-adds. With 16 registers six rows and two vectors.</remarks>
internal unsafe struct FloatTile
{
    /// <summary>Rows of the larger tile.</summary>
    internal const int MostRows = 6;

    /// <summary>Rows of the smaller tile.</summary>
    internal const int FewRows = 4;

    /// <summary>Vectors of outputs that are multiplied together where there are registers for that.</summary>
    internal const int Vectors = 4;

    /// <summary>The first row's first input.</summary>
    internal float* Input;

    /// <summary>Singles from a row to the next.</summary>
    internal nint InputStride;

    /// <summary>Rows: six, or one to four.</summary>
    internal int Rows;

    /// <summary>Inputs of each row, ≥ 1.</summary>
    internal int Inputs;

    /// <summary>Weights of the first panel for the first input.</summary>
    internal byte* Weights;

    /// <summary>Bytes from a panel's weights to those of the next.</summary>
    internal nint PanelStride;

    /// <summary>Panels, 1 to 4.</summary>
    internal int Panels;

    /// <summary>Where the sums go, <c>[6 or 4 × panels × 16]</c>: behind the last of fewer than four rows, its sums again.</summary>
    internal float* Output;

    /// <summary>Singles from a row of sums to the next.</summary>
    internal nint OutputStride;

    /// <summary>The sums are added to what is there.</summary>
    internal bool Adds;

    /// <summary>What six rows ask for from memory meanwhile: something for each input.</summary>
    internal byte* Ahead;

    /// <summary>Bytes from what is asked for with an input to what is with the next.</summary>
    internal nint AheadStep;

    private static bool HasManyRegisters<L, V>()
        where L : struct, ILanes<V>
        where V : struct
        => L.Count == 16 || AdvSimd.IsSupported;

    /// <summary>Six rows.</summary>
    internal readonly void Six<L, V, F>()
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
        => Rowwise<L, V, F, Six>();

    /// <summary>One to four rows.</summary>
    internal readonly void Four<L, V, F>()
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
        => Rowwise<L, V, F, Four>();

    private readonly void Rowwise<L, V, F, R>()
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
        where R : struct, ICount
    {
        int v = 0, vectors = Panels * PackedLayout.PanelOutputs / L.Count;
        if (HasManyRegisters<L, V>())
        {
            for (; v + 4 <= vectors; v += 4)
                Multiply<L, V, F, R, Four>(v);
        }

        for (; v + 2 <= vectors; v += 2)
            Multiply<L, V, F, R, Two>(v);
        for (; v < vectors; v++)
            Multiply<L, V, F, R, One>(v);
    }

    /// <summary>Some rows and vectors of outputs. How many is known when this is compiled: sums that there are not vanish, the others stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Multiply<L, V, F, R, C>(int vector)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
        where R : struct, ICount
        where C : struct, ICount
    {
        V s00 = L.Create(0f);
        V s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00, s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00;
        V s31 = s00, s32 = s00, s33 = s00, s40 = s00, s41 = s00, s42 = s00, s43 = s00, s50 = s00, s51 = s00, s52 = s00, s53 = s00;
        nint stride = InputStride, inputs = Inputs, step = AheadStep;
        float* x0 = Input, x1 = Rows > 1 ? x0 + stride : x0, x2 = Rows > 2 ? x1 + stride : x1, x3 = Rows > 3 ? x2 + stride : x2, x4 = x3 + stride, x5 = x4 + stride;
        byte* ahead = Ahead;
        byte* w0 = At<L, V, F>(vector), w1 = At<L, V, F>(vector + 1), w2 = At<L, V, F>(vector + 2), w3 = At<L, V, F>(vector + 3);
        nint w = 0;
        for (nint i = 0; i < inputs; i++, w += F.Bytes)
        {
            if (R.Count > FewRows)
            {
                if (Sse.IsSupported)
                    Sse.Prefetch0(ahead);
                ahead += step;
            }

            V a = F.Load<L, V>(w0 + w, 0), b = C.Count > 1 ? F.Load<L, V>(w1 + w, 0) : a, c = C.Count > 2 ? F.Load<L, V>(w2 + w, 0) : a, d = C.Count > 2 ? F.Load<L, V>(w3 + w, 0) : a;
            Add<L, V, C>(L.Create(x0[i]), a, b, c, d, ref s00, ref s01, ref s02, ref s03);
            Add<L, V, C>(L.Create(x1[i]), a, b, c, d, ref s10, ref s11, ref s12, ref s13);
            Add<L, V, C>(L.Create(x2[i]), a, b, c, d, ref s20, ref s21, ref s22, ref s23);
            Add<L, V, C>(L.Create(x3[i]), a, b, c, d, ref s30, ref s31, ref s32, ref s33);
            if (R.Count > FewRows)
            {
                Add<L, V, C>(L.Create(x4[i]), a, b, c, d, ref s40, ref s41, ref s42, ref s43);
                Add<L, V, C>(L.Create(x5[i]), a, b, c, d, ref s50, ref s51, ref s52, ref s53);
            }
        }

        float* to = Output + (vector * L.Count);
        Give<L, V, C>(s00, s01, s02, s03, to);
        Give<L, V, C>(s10, s11, s12, s13, to += OutputStride);
        Give<L, V, C>(s20, s21, s22, s23, to += OutputStride);
        Give<L, V, C>(s30, s31, s32, s33, to += OutputStride);
        if (R.Count > FewRows)
        {
            Give<L, V, C>(s40, s41, s42, s43, to += OutputStride);
            Give<L, V, C>(s50, s51, s52, s53, to + OutputStride);
        }
    }

    /// <summary>An input of a row times up to four vectors of weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<L, V, C>(V x, V a, V b, V c, V d, ref V s0, ref V s1, ref V s2, ref V s3)
        where L : struct, ILanes<V>
        where V : struct
        where C : struct, ICount
    {
        s0 = L.MultiplyAdd(x, a, s0);
        if (C.Count > 1)
            s1 = L.MultiplyAdd(x, b, s1);
        if (C.Count > 2)
        {
            s2 = L.MultiplyAdd(x, c, s2);
            s3 = L.MultiplyAdd(x, d, s3);
        }
    }

    /// <summary>The weights of a vector of outputs for the first input.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly byte* At<L, V, F>(int vector)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
    {
        int output = vector * L.Count;
        return Weights + (output / PackedLayout.PanelOutputs * PanelStride) + (output % PackedLayout.PanelOutputs * F.Bytes / PackedLayout.PanelOutputs);
    }

    /// <summary>The sums of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Give<L, V, C>(V a, V b, V c, V d, float* to)
        where L : struct, ILanes<V>
        where V : struct
        where C : struct, ICount
    {
        Give<L, V>(a, to);
        if (C.Count > 1)
            Give<L, V>(b, to + L.Count);
        if (C.Count > 2)
        {
            Give<L, V>(c, to + (2 * L.Count));
            Give<L, V>(d, to + (3 * L.Count));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Give<L, V>(V sum, float* to)
        where L : struct, ILanes<V>
        where V : struct
        => L.Store(Adds ? L.Add(L.Load(to), sum) : sum, to);
}
