using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>Values of the integer forms become brain floats as in <see cref="PanelBrains"/>, bit for bit, a row of a tile at a time.</summary>
internal sealed class BrainExpanding
{
    private const int LineBytes = 64;

    /// <summary>Vectors. From 16 on, so that nothing has to be cleared for code that knows only the first 16.</summary>
    private const int LowerValues = 16, UpperValues = 17, Lower = 18, Upper = 19, Scale = 24, Offset = 25, Added = 26, Signs = 27, Bits = 28, Base = 29, Half = 30, UpperHalf = 31;

    private readonly X64Assembler _code;
    private readonly bool _isNibbles;
    private readonly bool _hasMinimum;

    /// <param name="format">One that <see cref="BrainExpansion.Knows"/>.</param>
    public BrainExpanding(X64Assembler code, PackedFormat format)
    {
        _code = code;
        (_isNibbles, _hasMinimum) = (format != PackedFormat.Eight, format == PackedFormat.FourWithMinimum);
    }

    /// <summary>Rows of a tile that a quarter becomes.</summary>
    public static int QuarterRows => BrainTile.Rows / BrainExpansion.Quarters;

    /// <summary>Sets the numbers that stay the same.</summary>
    /// <param name="work">Overwritten.</param>
    public void Begin(Register work)
    {
        Number(Half, PanelBrains.Half);
        Number(UpperHalf, PanelBrains.Upper);
        Number(Bits, _isNibbles ? PanelBrains.NibbleBits : PanelBrains.ByteBits);
        Number(Base, _isNibbles ? PanelBrains.NibbleBase : PanelBrains.ByteBase);
        if (_hasMinimum)
            Number(Added, BitConverter.SingleToUInt32Bits(-PanelBrains.NibbleAdded));
        if (!_isNibbles)
            Number(Signs, PanelBrains.Signs);

        void Number(int vector, uint bits)
        {
            _code.Set(work, unchecked((int)bits));
            _code.Broadcast(vector, work);
        }
    }

    /// <summary>Sets the line that is applied from here on.</summary>
    public void Line(Register lines)
    {
        _code.LoadVector(Scale, new Place(lines, 0));
        _code.LoadVector(Offset, new Place(lines, LineBytes));
    }

    /// <summary>A row of a tile: 16 outputs of two inputs.</summary>
    /// <param name="row">From the first quarter's first. Rows of a quarter are to come one after another.</param>
    public void Row(int row, Register values, Register tiles)
    {
        int quarter = row / QuarterRows, within = row % QuarterRows;
        if (within == 0)
        {
            _code.LoadVector(LowerValues, new Place(values, quarter * LineBytes));
            if (!_isNibbles)
            {
                _code.LoadVector(UpperValues, new Place(values, (quarter + BrainExpansion.Quarters) * LineBytes));
                _code.ExclusiveOr(LowerValues, LowerValues, Signs);
                _code.ExclusiveOr(UpperValues, UpperValues, Signs);
            }
        }

        // Byte i of a value's four to the place behind the base, of nibbles the lower one and the upper one.
        int up = _isNibbles ? 19 - (8 * within) : 15 - (8 * within);
        Weight(Lower, LowerValues, up);
        Weight(Upper, _isNibbles ? LowerValues : UpperValues, _isNibbles ? up - 4 : up);
        _code.ShiftRight(Lower, Lower, 16);
        _code.OrAnd(Lower, Upper, UpperHalf);
        _code.StoreVector(new Place(tiles, row * LineBytes), Lower);
    }

    private void Weight(int to, int values, int up)
    {
        if (up > 0)
            _code.ShiftLeft(to, values, up);
        else
            _code.ShiftRight(to, values, -up);
        _code.AndOr(to, Bits, Base);
        if (_hasMinimum)
            _code.AddSingles(to, to, Added);
        _code.MultiplyAdd(to, Scale, Offset);
        _code.AddWhole(to, to, Half);
    }
}
