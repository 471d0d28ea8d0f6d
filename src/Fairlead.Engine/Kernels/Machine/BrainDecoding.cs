namespace Fairlead.Engine.Kernels.Machine;

/// <summary>Halves become pairs of brain floats, in the order that tiles want.</summary>
/// <remarks>A half has eleven significant bits. The nearest brain float, ties away from zero, takes eight, and what is left fits another: the two are the half, exactly. What is infinite leaves what is no number.</remarks>
internal static class BrainDecoding
{
    private const int TileBytes = 1024, LineBytes = 64;

    /// <summary>Vectors. From 16 on, so that nothing has to be cleared for code that knows only the first 16.</summary>
    private const int Lower = 16, Upper = 17, LowerRounded = 18, UpperRounded = 19, Half = 30, Kept = 31;

    /// <summary>Sets the numbers that <see cref="Row"/> works with.</summary>
    /// <param name="work">Overwritten.</param>
    public static void Begin(X64Assembler code, Register work)
    {
        code.Set(work, 0x8000);
        code.Broadcast(Half, work);
        code.Set(work, -0x10000);
        code.Broadcast(Kept, work);
    }

    /// <summary>A row of <see cref="Packed.PackedFormat.HalfTiles"/>, 16 outputs of two inputs, becomes that row of a tile of brain floats and of the tile behind it, which holds what these leave.</summary>
    public static void Row(X64Assembler code, Place halves, Place to)
    {
        code.LoadHalves(Lower, halves);
        code.LoadHalves(Upper, halves with { Offset = halves.Offset + (LineBytes / 2) });
        code.AddWhole(LowerRounded, Lower, Half);
        code.AddWhole(UpperRounded, Upper, Half);
        code.And(LowerRounded, LowerRounded, Kept);
        code.And(UpperRounded, UpperRounded, Kept);
        code.Subtract(Lower, Lower, LowerRounded);
        code.Subtract(Upper, Upper, UpperRounded);
        Pair(LowerRounded, UpperRounded, to);
        Pair(Lower, Upper, to with { Offset = to.Offset + TileBytes });

        void Pair(int lower, int upper, Place at)
        {
            code.ShiftRight(lower, lower, 16);
            code.Or(lower, lower, upper);
            code.StoreVector(at, lower);
        }
    }
}
