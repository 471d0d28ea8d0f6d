using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Reads a panel's scales and minimums one group after the other, as they lie (<see cref="ScaleForm"/>).</summary>
internal unsafe struct ScaleReader<F>
    where F : struct, IPanelForm
{
    /// <summary>Bytes that multiply the scales, or the minimums, of eight groups.</summary>
    private const int FactorsOfHead = 8 * PackedLayout.PanelOutputs;

    private byte* _at;
    private PanelVector<float> _scale, _minimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ScaleReader(byte* scales) => _at = scales;

    /// <summary>Reads the halves that the blocks of a head share.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeginHead()
    {
        if (F.Scales != ScaleForm.Singles)
            _scale = Halves();
        if (F.Scales == ScaleForm.Factors && F.HasMinimums)
            _minimum = Halves();
    }

    /// <summary>Goes on behind the last block of a head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndHead()
    {
        if (F.Scales == ScaleForm.Factors && F.HasMinimums)
            _at += FactorsOfHead;
    }

    /// <summary>The scales of the next group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PanelVector<float> Scale()
    {
        if (F.Scales == ScaleForm.Halves)
            return _scale;
        if (F.Scales == ScaleForm.Singles)
            return Singles();
        PanelVector<float> scale = Times(_scale, (sbyte*)_at);
        _at += PackedLayout.PanelOutputs;
        return scale;
    }

    /// <summary>The minimums of the group whose scales were read last: they lie behind those, of eight groups where they are factors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PanelVector<float> Minimum() =>
        F.Scales == ScaleForm.Singles ? Singles() : Times(_minimum, (sbyte*)_at + FactorsOfHead - PackedLayout.PanelOutputs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static PanelVector<float> Times(in PanelVector<float> head, sbyte* factors) => new(head.Low * Lanes8.LoadInt8(factors), head.High * Lanes8.LoadInt8(factors + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PanelVector<float> Halves()
    {
        var halves = new PanelVector<float>(Lanes8.LoadHalf((ushort*)_at), Lanes8.LoadHalf((ushort*)_at + 8));
        _at += PackedLayout.PanelOutputs * sizeof(ushort);
        return halves;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PanelVector<float> Singles()
    {
        var singles = new PanelVector<float>(Vector256.Load((float*)_at), Vector256.Load((float*)_at + 8));
        _at += PackedLayout.PanelOutputs * sizeof(float);
        return singles;
    }
}
