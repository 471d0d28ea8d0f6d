using System.Runtime.InteropServices;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>What <see cref="IntegerRowKernel"/> reads. Its fields lie as the code has them.</summary>
internal unsafe struct IntegerRowTask
{
    /// <summary>The panel's values as they are packed.</summary>
    public byte* Values;

    /// <summary>For each group 16 halves; in a form with minimums 16 scales and 16 minimums, singles.</summary>
    public byte* Scales;

    /// <summary>The row's bytes.</summary>
    public sbyte* Inputs;

    /// <summary>The scale of the row's first block: <see cref="QuantizedRows.ScalesOfRow"/>.</summary>
    public float* InputScales;

    /// <summary>Two sums for each block: <see cref="QuantizedRows.HalfSums"/> of the row.</summary>
    public int* HalfSums;

    /// <summary>Where 16 outputs go.</summary>
    public float* Output;

    /// <summary>Groups of 32 inputs, ≥ 1.</summary>
    public long Groups;
}

/// <summary>One row of quantised activations times a panel as it is packed, by vectors of 512 bits with the dot product of bytes: as fast as memory gives the weights.</summary>
/// <remarks>The operations and their order are those of <see cref="PackedMatMul"/>. The dot product wants unsigned weights, so bytes are moved up by 128 and centred nibbles stay as they
/// are stored, 8 too high; so many times the sum of the activations is taken off again, as a whole number.</remarks>
internal static unsafe class IntegerRowKernel
{
    private const int Ahead = 8192; // as in VectorPanel

    private const int Sum = 0;
    private const int Mask = 1;
    private const int Excess = 2;
    private const int Dots = 3;
    private const int OtherDots = 4;
    private const int Scale = 5;
    private const int FirstLine = 8;

    private static readonly byte[] s_masks = [.. Enumerable.Repeat((byte)128, 64), .. Enumerable.Repeat((byte)15, 64)];

    private static readonly nint[] s_kernels = new nint[3];

    /// <summary>The kernel for a form of values; halves scale <see cref="ValueForm.Bytes"/> and <see cref="ValueForm.CentredNibbles"/>, singles and minimums <see cref="ValueForm.Nibbles"/>.</summary>
    public static delegate* unmanaged<IntegerRowTask*, byte*, void> For(ValueForm form)
    {
        ref nint kernel = ref s_kernels[(int)form];
        nint made = Volatile.Read(ref kernel);
        if (made == 0)
        {
            made = (nint)CodeMemory.Place(Write(form));
            if (made == 0)
                throw new InvalidOperationException("the system gives no more executable memory, which it gave when the process started");
            Volatile.Write(ref kernel, made);
        }

        return (delegate* unmanaged<IntegerRowTask*, byte*, void>)made;
    }

    /// <summary>Multiplies one row.</summary>
    public static void Multiply(ValueForm form, IntegerRowTask task)
    {
        fixed (byte* masks = s_masks)
            For(form)(&task, masks + (form == ValueForm.Bytes ? 0 : 64));
    }

    private static ReadOnlySpan<byte> Write(ValueForm form)
    {
        const Register Task = Register.Rdi, Masks = Register.Rsi, Inputs = Register.R11, Values = Register.Rdx, Scales = Register.R8, InputScales = Register.R9,
            HalfSums = Register.R10, Count = Register.Rcx;
        bool bytes = form == ValueForm.Bytes, hasMinimums = form == ValueForm.Nibbles;
        int groupBytes = bytes ? 512 : 256;
        var code = new X64Assembler();
        code.LoadVector(Mask, new Place(Masks, 0));
        code.Load(Inputs, Field(nameof(IntegerRowTask.Inputs)));
        code.Load(Values, Field(nameof(IntegerRowTask.Values)));
        code.Load(Scales, Field(nameof(IntegerRowTask.Scales)));
        code.Load(InputScales, Field(nameof(IntegerRowTask.InputScales)));
        code.Load(HalfSums, Field(nameof(IntegerRowTask.HalfSums)));
        code.Load(Count, Field(nameof(IntegerRowTask.Groups)));
        code.ExclusiveOr(Sum, Sum, Sum);

        int group = code.Here;
        for (int line = 0; line < groupBytes; line += 64)
            code.Prefetch(new Place(Values, Ahead + line));
        code.ExclusiveOr(Dots, Dots, Dots);
        code.ExclusiveOr(OtherDots, OtherDots, OtherDots);
        if (bytes)
            AddBytes();
        else
            AddNibbles();
        code.AddWhole(Dots, Dots, OtherDots);
        if (!hasMinimums)
        {
            code.Broadcast(Excess, new Place(HalfSums, 0));
            code.AddWholeBroadcast(Excess, Excess, new Place(HalfSums, sizeof(int)));
            code.ShiftWholeLeft(Excess, Excess, bytes ? 7 : 3);
            code.SubtractWhole(Dots, Dots, Excess);
            code.LoadHalves(Scale, new Place(Scales, 0));
        }
        else
        {
            code.LoadVector(Scale, new Place(Scales, 0));
        }

        code.ConvertToSingle(Dots, Dots);
        code.Multiply(Dots, Dots, Scale);
        code.MultiplyAddBroadcast(Sum, Dots, new Place(InputScales, 0));
        if (hasMinimums)
        {
            code.LoadVector(Scale, new Place(Scales, 64));
            code.NegativeMultiplyAddBroadcast(Sum, Scale, new Place(InputScales, QuantizedRows.TileRows * sizeof(float)));
        }

        code.Add(Values, groupBytes);
        code.Add(Inputs, PackedLayout.GroupInputs);
        code.Add(Scales, hasMinimums ? 128 : 32);
        code.Add(InputScales, QuantizedRows.BlockScales * sizeof(float));
        code.Add(HalfSums, 2 * sizeof(int));
        code.Decrement(Count);
        code.JumpIfNotZero(group);
        code.Load(Values, Field(nameof(IntegerRowTask.Output)));
        code.StoreVector(new Place(Values, 0), Sum);
        code.ZeroUpper();
        code.Return();
        return code.Code;

        static Place Field(string name) => new(Task, (int)Marshal.OffsetOf<IntegerRowTask>(name));

        // Two sums of dots take turns, so that one need not wait for the other.
        void AddBytes()
        {
            for (int row = 0; row < 8; row++)
            {
                code.ExclusiveOr(FirstLine + row, Mask, new Place(Values, row * 64));
                code.DotBytesBroadcast(row % 2 == 0 ? Dots : OtherDots, FirstLine + row, new Place(Inputs, row * 4));
            }
        }

        void AddNibbles()
        {
            for (int row = 0; row < 4; row++)
            {
                int both = FirstLine + row, upper = FirstLine + 4 + row, lower = FirstLine + 8 + row;
                code.LoadVector(both, new Place(Values, row * 64));
                code.And(lower, both, Mask);
                code.ShiftWordsRight(upper, both, 4);
                code.And(upper, upper, Mask);
                code.DotBytesBroadcast(Dots, lower, new Place(Inputs, row * 4));
                code.DotBytesBroadcast(OtherDots, upper, new Place(Inputs, 16 + (row * 4)));
            }
        }
    }
}
