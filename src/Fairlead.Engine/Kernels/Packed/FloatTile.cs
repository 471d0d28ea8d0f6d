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
    {
        int v = 0, vectors = Panels * PackedLayout.PanelOutputs / L.Count;
        if (HasManyRegisters<L, V>())
        {
            for (; v + 4 <= vectors; v += 4)
                SixByFour<L, V, F>(v);
        }

        for (; v + 2 <= vectors; v += 2)
            SixByTwo<L, V, F>(v);
        for (; v < vectors; v++)
            SixByOne<L, V, F>(v);
    }

    /// <summary>One to four rows.</summary>
    internal readonly void Four<L, V, F>()
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
    {
        int v = 0, vectors = Panels * PackedLayout.PanelOutputs / L.Count;
        if (HasManyRegisters<L, V>())
        {
            for (; v + 4 <= vectors; v += 4)
                FourByFour<L, V, F>(v);
        }

        for (; v + 2 <= vectors; v += 2)
            FourByTwo<L, V, F>(v);
        for (; v < vectors; v++)
            FourByOne<L, V, F>(v);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SixByFour<L, V, F>(int vector)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
    {
        V s00 = L.Create(0f);
        V s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00, s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00;
        V s31 = s00, s32 = s00, s33 = s00, s40 = s00, s41 = s00, s42 = s00, s43 = s00, s50 = s00, s51 = s00, s52 = s00, s53 = s00;
        nint stride = InputStride, inputs = Inputs, step = AheadStep;
        float* x0 = Input, x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride;
        byte* ahead = Ahead;
        byte* w0 = At<L, V, F>(vector), w1 = At<L, V, F>(vector + 1), w2 = At<L, V, F>(vector + 2), w3 = At<L, V, F>(vector + 3);
        nint w = 0;
        for (nint i = 0; i < inputs; i++, w += F.Bytes)
        {
            if (Sse.IsSupported)
                Sse.Prefetch0(ahead);
            ahead += step;
            V a = F.Load<L, V>(w0 + w, 0), b = F.Load<L, V>(w1 + w, 0), c = F.Load<L, V>(w2 + w, 0), d = F.Load<L, V>(w3 + w, 0);
            V x = L.Create(x0[i]);
            s00 = L.MultiplyAdd(x, a, s00);
            s01 = L.MultiplyAdd(x, b, s01);
            s02 = L.MultiplyAdd(x, c, s02);
            s03 = L.MultiplyAdd(x, d, s03);
            x = L.Create(x1[i]);
            s10 = L.MultiplyAdd(x, a, s10);
            s11 = L.MultiplyAdd(x, b, s11);
            s12 = L.MultiplyAdd(x, c, s12);
            s13 = L.MultiplyAdd(x, d, s13);
            x = L.Create(x2[i]);
            s20 = L.MultiplyAdd(x, a, s20);
            s21 = L.MultiplyAdd(x, b, s21);
            s22 = L.MultiplyAdd(x, c, s22);
            s23 = L.MultiplyAdd(x, d, s23);
            x = L.Create(x3[i]);
            s30 = L.MultiplyAdd(x, a, s30);
            s31 = L.MultiplyAdd(x, b, s31);
            s32 = L.MultiplyAdd(x, c, s32);
            s33 = L.MultiplyAdd(x, d, s33);
            x = L.Create(x4[i]);
            s40 = L.MultiplyAdd(x, a, s40);
            s41 = L.MultiplyAdd(x, b, s41);
            s42 = L.MultiplyAdd(x, c, s42);
            s43 = L.MultiplyAdd(x, d, s43);
            x = L.Create(x5[i]);
            s50 = L.MultiplyAdd(x, a, s50);
            s51 = L.MultiplyAdd(x, b, s51);
            s52 = L.MultiplyAdd(x, c, s52);
            s53 = L.MultiplyAdd(x, d, s53);
        }

        float* to = Output + (vector * L.Count);
        Give<L, V>(s00, s01, s02, s03, to);
        to += OutputStride;
        Give<L, V>(s10, s11, s12, s13, to);
        to += OutputStride;
        Give<L, V>(s20, s21, s22, s23, to);
        to += OutputStride;
        Give<L, V>(s30, s31, s32, s33, to);
        to += OutputStride;
        Give<L, V>(s40, s41, s42, s43, to);
        to += OutputStride;
        Give<L, V>(s50, s51, s52, s53, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SixByTwo<L, V, F>(int vector)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
    {
        V s00 = L.Create(0f);
        V s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
        nint stride = InputStride, inputs = Inputs, step = AheadStep;
        float* x0 = Input, x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride;
        byte* ahead = Ahead;
        byte* w0 = At<L, V, F>(vector), w1 = At<L, V, F>(vector + 1);
        nint w = 0;
        for (nint i = 0; i < inputs; i++, w += F.Bytes)
        {
            if (Sse.IsSupported)
                Sse.Prefetch0(ahead);
            ahead += step;
            V a = F.Load<L, V>(w0 + w, 0), b = F.Load<L, V>(w1 + w, 0);
            V x = L.Create(x0[i]);
            s00 = L.MultiplyAdd(x, a, s00);
            s01 = L.MultiplyAdd(x, b, s01);
            x = L.Create(x1[i]);
            s10 = L.MultiplyAdd(x, a, s10);
            s11 = L.MultiplyAdd(x, b, s11);
            x = L.Create(x2[i]);
            s20 = L.MultiplyAdd(x, a, s20);
            s21 = L.MultiplyAdd(x, b, s21);
            x = L.Create(x3[i]);
            s30 = L.MultiplyAdd(x, a, s30);
            s31 = L.MultiplyAdd(x, b, s31);
            x = L.Create(x4[i]);
            s40 = L.MultiplyAdd(x, a, s40);
            s41 = L.MultiplyAdd(x, b, s41);
            x = L.Create(x5[i]);
            s50 = L.MultiplyAdd(x, a, s50);
            s51 = L.MultiplyAdd(x, b, s51);
        }

        float* to = Output + (vector * L.Count);
        Give<L, V>(s00, s01, to);
        to += OutputStride;
        Give<L, V>(s10, s11, to);
        to += OutputStride;
        Give<L, V>(s20, s21, to);
        to += OutputStride;
        Give<L, V>(s30, s31, to);
        to += OutputStride;
        Give<L, V>(s40, s41, to);
        to += OutputStride;
        Give<L, V>(s50, s51, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SixByOne<L, V, F>(int vector)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
    {
        V s00 = L.Create(0f);
        V s10 = s00, s20 = s00, s30 = s00, s40 = s00, s50 = s00;
        nint stride = InputStride, inputs = Inputs, step = AheadStep;
        float* x0 = Input, x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride;
        byte* ahead = Ahead;
        byte* w0 = At<L, V, F>(vector);
        nint w = 0;
        for (nint i = 0; i < inputs; i++, w += F.Bytes)
        {
            if (Sse.IsSupported)
                Sse.Prefetch0(ahead);
            ahead += step;
            V a = F.Load<L, V>(w0 + w, 0);
            V x = L.Create(x0[i]);
            s00 = L.MultiplyAdd(x, a, s00);
            x = L.Create(x1[i]);
            s10 = L.MultiplyAdd(x, a, s10);
            x = L.Create(x2[i]);
            s20 = L.MultiplyAdd(x, a, s20);
            x = L.Create(x3[i]);
            s30 = L.MultiplyAdd(x, a, s30);
            x = L.Create(x4[i]);
            s40 = L.MultiplyAdd(x, a, s40);
            x = L.Create(x5[i]);
            s50 = L.MultiplyAdd(x, a, s50);
        }

        float* to = Output + (vector * L.Count);
        Give<L, V>(s00, to);
        to += OutputStride;
        Give<L, V>(s10, to);
        to += OutputStride;
        Give<L, V>(s20, to);
        to += OutputStride;
        Give<L, V>(s30, to);
        to += OutputStride;
        Give<L, V>(s40, to);
        to += OutputStride;
        Give<L, V>(s50, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void FourByFour<L, V, F>(int vector)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
    {
        V s00 = L.Create(0f);
        V s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00, s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00;
        V s31 = s00, s32 = s00, s33 = s00;
        nint stride = InputStride, inputs = Inputs;
        float* x0 = Input, x1 = Rows > 1 ? x0 + stride : x0, x2 = Rows > 2 ? x1 + stride : x1, x3 = Rows > 3 ? x2 + stride : x2;
        byte* w0 = At<L, V, F>(vector), w1 = At<L, V, F>(vector + 1), w2 = At<L, V, F>(vector + 2), w3 = At<L, V, F>(vector + 3);
        nint w = 0;
        for (nint i = 0; i < inputs; i++, w += F.Bytes)
        {
            V a = F.Load<L, V>(w0 + w, 0), b = F.Load<L, V>(w1 + w, 0), c = F.Load<L, V>(w2 + w, 0), d = F.Load<L, V>(w3 + w, 0);
            V x = L.Create(x0[i]);
            s00 = L.MultiplyAdd(x, a, s00);
            s01 = L.MultiplyAdd(x, b, s01);
            s02 = L.MultiplyAdd(x, c, s02);
            s03 = L.MultiplyAdd(x, d, s03);
            x = L.Create(x1[i]);
            s10 = L.MultiplyAdd(x, a, s10);
            s11 = L.MultiplyAdd(x, b, s11);
            s12 = L.MultiplyAdd(x, c, s12);
            s13 = L.MultiplyAdd(x, d, s13);
            x = L.Create(x2[i]);
            s20 = L.MultiplyAdd(x, a, s20);
            s21 = L.MultiplyAdd(x, b, s21);
            s22 = L.MultiplyAdd(x, c, s22);
            s23 = L.MultiplyAdd(x, d, s23);
            x = L.Create(x3[i]);
            s30 = L.MultiplyAdd(x, a, s30);
            s31 = L.MultiplyAdd(x, b, s31);
            s32 = L.MultiplyAdd(x, c, s32);
            s33 = L.MultiplyAdd(x, d, s33);
        }

        float* to = Output + (vector * L.Count);
        Give<L, V>(s00, s01, s02, s03, to);
        to += OutputStride;
        Give<L, V>(s10, s11, s12, s13, to);
        to += OutputStride;
        Give<L, V>(s20, s21, s22, s23, to);
        to += OutputStride;
        Give<L, V>(s30, s31, s32, s33, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void FourByTwo<L, V, F>(int vector)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
    {
        V s00 = L.Create(0f);
        V s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
        nint stride = InputStride, inputs = Inputs;
        float* x0 = Input, x1 = Rows > 1 ? x0 + stride : x0, x2 = Rows > 2 ? x1 + stride : x1, x3 = Rows > 3 ? x2 + stride : x2;
        byte* w0 = At<L, V, F>(vector), w1 = At<L, V, F>(vector + 1);
        nint w = 0;
        for (nint i = 0; i < inputs; i++, w += F.Bytes)
        {
            V a = F.Load<L, V>(w0 + w, 0), b = F.Load<L, V>(w1 + w, 0);
            V x = L.Create(x0[i]);
            s00 = L.MultiplyAdd(x, a, s00);
            s01 = L.MultiplyAdd(x, b, s01);
            x = L.Create(x1[i]);
            s10 = L.MultiplyAdd(x, a, s10);
            s11 = L.MultiplyAdd(x, b, s11);
            x = L.Create(x2[i]);
            s20 = L.MultiplyAdd(x, a, s20);
            s21 = L.MultiplyAdd(x, b, s21);
            x = L.Create(x3[i]);
            s30 = L.MultiplyAdd(x, a, s30);
            s31 = L.MultiplyAdd(x, b, s31);
        }

        float* to = Output + (vector * L.Count);
        Give<L, V>(s00, s01, to);
        to += OutputStride;
        Give<L, V>(s10, s11, to);
        to += OutputStride;
        Give<L, V>(s20, s21, to);
        to += OutputStride;
        Give<L, V>(s30, s31, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void FourByOne<L, V, F>(int vector)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IFloatForm
    {
        V s00 = L.Create(0f);
        V s10 = s00, s20 = s00, s30 = s00;
        nint stride = InputStride, inputs = Inputs;
        float* x0 = Input, x1 = Rows > 1 ? x0 + stride : x0, x2 = Rows > 2 ? x1 + stride : x1, x3 = Rows > 3 ? x2 + stride : x2;
        byte* w0 = At<L, V, F>(vector);
        nint w = 0;
        for (nint i = 0; i < inputs; i++, w += F.Bytes)
        {
            V a = F.Load<L, V>(w0 + w, 0);
            V x = L.Create(x0[i]);
            s00 = L.MultiplyAdd(x, a, s00);
            x = L.Create(x1[i]);
            s10 = L.MultiplyAdd(x, a, s10);
            x = L.Create(x2[i]);
            s20 = L.MultiplyAdd(x, a, s20);
            x = L.Create(x3[i]);
            s30 = L.MultiplyAdd(x, a, s30);
        }

        float* to = Output + (vector * L.Count);
        Give<L, V>(s00, to);
        to += OutputStride;
        Give<L, V>(s10, to);
        to += OutputStride;
        Give<L, V>(s20, to);
        to += OutputStride;
        Give<L, V>(s30, to);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Give<L, V>(V a, V b, V c, V d, float* to)
        where L : struct, ILanes<V>
        where V : struct
    {
        Give<L, V>(a, b, to);
        Give<L, V>(c, d, to + (2 * L.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Give<L, V>(V a, V b, float* to)
        where L : struct, ILanes<V>
        where V : struct
    {
        Give<L, V>(a, to);
        Give<L, V>(b, to + L.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Give<L, V>(V sum, float* to)
        where L : struct, ILanes<V>
        where V : struct
        => L.Store(Adds ? L.Add(L.Load(to), sum) : sum, to);
}
