using System.Runtime.InteropServices;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>Many rows of quantised activations times expanded panels, four rows and up to three panels at a time, by vectors of 512 bits with the dot product of bytes (AVX512-VNNI).</summary>
/// <remarks>
/// Operations and their order are those of <see cref="PackedMatMul"/>. Dot products, multiplications and fused multiply-adds share two of the processor's pipes, and two loads are made beside them.
/// So an activation is loaded once for three panels, and a sum of products begins with what unsigned weights make it too large, negative, as it lies beside the activations (<see cref="RowBlocks"/>):
/// nothing but products, scales and sums is left for the two pipes. 12 sums of products and 12 sums of groups leave eight vector registers. (Zen 5 at 3.6 GHz: 3 panels × 4 rows 365 G
/// multiply-adds/s, 2 × 6 360, 1 × 8 with activations as operands in memory 300.)
/// <para>A piece of <see cref="MostGroups"/> groups of three panels stays in the first-level cache, 24 KiB of values, while all rows pass; between pieces the sums lie in memory.</para>
/// </remarks>
internal static unsafe class IntegerBlockKernel
{
    /// <summary>Panels that are multiplied at the same time.</summary>
    public const int MostPanels = 3;

    /// <summary>Groups of 32 inputs in a piece.</summary>
    public const int MostGroups = 16;

    /// <summary>Bytes of a panel's values in a piece.</summary>
    public const int PanelValueBytes = MostGroups * 512;

    /// <summary>Bytes of a panel's scales in a piece: for 32 inputs two scales, or one and a minimum.</summary>
    public const int PanelScaleBytes = MostGroups * 128;

    private const int LineBytes = 64;
    private const int Lines = 8;
    private const int InputsOfLine = 4;

    /// <summary>Vector registers behind the sums, 0 to 11, and the products, 12 to 23.</summary>
    private const int FirstDot = MostPanels * RowBlocks.Rows, FirstWeight = 2 * FirstDot, FirstScale = FirstWeight + MostPanels, Activations = FirstScale + MostPanels;

    private static readonly nint[] s_kernels = new nint[(MostPanels + 1) * 3];

    /// <summary>The kernel for so many panels, 1 to <see cref="MostPanels"/>, of that form.</summary>
    public static delegate* unmanaged<IntegerBlockTask*, void> For(PackedFormat format, int panels)
    {
        bool hasMinimums = PanelScales.HasMinimums(format), halfGroups = format == PackedFormat.Six;
        ref nint kernel = ref s_kernels[(panels * 3) + (hasMinimums ? 1 : halfGroups ? 2 : 0)];
        nint made = Volatile.Read(ref kernel);
        if (made == 0)
        {
            // Two threads may both make it: they make the same, and one of the two is never used.
            made = (nint)CodeMemory.Place(Write(panels, hasMinimums, halfGroups));
            if (made == 0)
                throw new InvalidOperationException("the system gives no more executable memory, which it gave when the process started");
            Volatile.Write(ref kernel, made);
        }

        return (delegate* unmanaged<IntegerBlockTask*, void>)made;
    }

    private static ReadOnlySpan<byte> Write(int panels, bool hasMinimums, bool halfGroups)
    {
        const Register Task = Register.Rdi, Values = Register.Rsi, Scales = Register.Rdx, Rows = Register.Rcx, Before = Register.Rax, Sums = Register.R8, NextStep = Register.R9,
            Groups = Register.R10, Blocks = Register.R11;
        const int RowCount = RowBlocks.Rows;
        Register[] next = [Register.Rbx, Register.R14, Register.R15];
        int parts = halfGroups ? 2 : 1, scaleBytes = hasMinimums || halfGroups ? 2 * LineBytes : LineBytes;
        var code = new X64Assembler();
        foreach (Register register in next)
            code.Push(register);
        for (int panel = 0; panel < panels; panel++)
            code.Load(next[panel], Field(nameof(IntegerBlockTask.Next), panel * sizeof(long)));
        code.Load(NextStep, Field(nameof(IntegerBlockTask.NextStep)));
        code.Load(Rows, Field(nameof(IntegerBlockTask.Rows)));
        code.Load(Before, Field(nameof(IntegerBlockTask.Before)));
        code.Load(Sums, Field(nameof(IntegerBlockTask.Sums)));
        code.Load(Blocks, Field(nameof(IntegerBlockTask.Blocks)));
        int block = code.Here;
        code.Load(Values, Field(nameof(IntegerBlockTask.Values)));
        code.Load(Scales, Field(nameof(IntegerBlockTask.Scales)));
        code.Load(Groups, Field(nameof(IntegerBlockTask.BeforeStride)));
        for (int row = 0; row < RowCount; row++)
        {
            for (int panel = 0; panel < panels; panel++)
                code.LoadVector(Sum(panel, row), new Place(Before, panel * LineBytes));
            code.Add(Before, Groups);
        }

        code.Load(Groups, Field(nameof(IntegerBlockTask.Groups)));
        int group = code.Here;
        for (int panel = 0; panel < panels; panel++)
        {
            code.Prefetch(new Place(next[panel], 0));
            code.Add(next[panel], NextStep);
        }

        for (int part = 0; part < parts; part++)
        {
            int first = part * Lines / parts, end = (part + 1) * Lines / parts;
            for (int line = first; line < end; line++)
                AddProducts(line, begins: line == first, part);
            AddGroup(part);
        }

        code.Add(Values, Lines * LineBytes);
        code.Add(Scales, scaleBytes);
        code.Add(Rows, RowBlocks.GroupBytes);
        code.Decrement(Groups);
        code.JumpIfNotZero(group);

        // The sums, and on to the next rows. The counter of groups is free before and after them.
        code.Load(Groups, Field(nameof(IntegerBlockTask.SumsStride)));
        for (int row = 0; row < RowCount; row++)
        {
            for (int panel = 0; panel < panels; panel++)
                code.StoreVector(new Place(Sums, panel * LineBytes), Sum(panel, row));
            code.Add(Sums, Groups);
        }

        code.Load(Groups, Field(nameof(IntegerBlockTask.RowsSkip)));
        code.Add(Rows, Groups);
        code.Decrement(Blocks);
        code.JumpIfNotZero(block);
        foreach (Register register in next.Reverse())
            code.Pop(register);
        code.ZeroUpper();
        code.Return();
        return code.Code;

        static Place Field(string name, int offset = 0) => new(Task, (int)Marshal.OffsetOf<IntegerBlockTask>(name) + offset);

        static int Sum(int panel, int row) => (panel * RowCount) + row;

        static int Dot(int panel, int row) => FirstDot + Sum(panel, row);

        static Place OfRow(int offset, int row) => new(Rows, offset + (row * sizeof(float)));

        void AddProducts(int line, bool begins, int part)
        {
            for (int panel = 0; panel < panels; panel++)
                code.LoadVector(FirstWeight + panel, new Place(Values, (panel * PanelValueBytes) + (line * LineBytes)));
            for (int row = 0; row < RowCount; row++)
            {
                code.Broadcast(Activations, new Place(Rows, (row * PackedLayout.GroupInputs) + (line * InputsOfLine)));
                for (int panel = 0; panel < panels; panel++)
                {
                    if (begins && hasMinimums)
                        code.ExclusiveOr(Dot(panel, row), Dot(panel, row), Dot(panel, row));
                    else if (begins)
                        code.Broadcast(Dot(panel, row), OfRow(RowBlocks.ExcessOf(part), row));
                    code.DotBytes(Dot(panel, row), FirstWeight + panel, Activations);
                }
            }
        }

        void AddGroup(int part)
        {
            LoadScales(part * LineBytes);
            for (int row = 0; row < RowCount; row++)
            {
                code.Broadcast(Activations, OfRow(RowBlocks.Scales, row));
                for (int panel = 0; panel < panels; panel++)
                {
                    int dot = Dot(panel, row);
                    code.ConvertToSingle(dot, dot);
                    code.Multiply(dot, dot, FirstScale + panel);
                    code.AddProduct(Sum(panel, row), dot, Activations);
                }
            }

            if (!hasMinimums)
                return;
            LoadScales(LineBytes);
            for (int row = 0; row < RowCount; row++)
            {
                code.Broadcast(Activations, OfRow(RowBlocks.Sums, row));
                for (int panel = 0; panel < panels; panel++)
                    code.SubtractProduct(Sum(panel, row), FirstScale + panel, Activations);
            }
        }

        void LoadScales(int offset)
        {
            for (int panel = 0; panel < panels; panel++)
                code.LoadVector(FirstScale + panel, new Place(Scales, (panel * PanelScaleBytes) + offset));
        }
    }
}
