using System.Runtime.InteropServices;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>Rows of quantised activations times an expanded panel, 16 rows at a time, by tiles of bytes (AMX-INT8).</summary>
/// <remarks>
/// A group's products are a tile of 16 rows × 16 outputs. It is stored, and while the next group's tile is under way its rows are converted, scaled and added to the sums, which
/// stay in vector registers for all groups: <c>sum = fma((float)dot · scale, s, sum)</c>, then <c>sum = fma(minimum, −t, sum)</c>. So the bits are those of every other family.
/// </remarks>
internal static unsafe class IntegerTileKernel
{
    /// <summary>Rows of a tile.</summary>
    public const int MostRows = 16;

    private const int TileBytes = 1024;
    private const int FirstTemporary = 18;
    private const int Temporaries = 14;
    private const int ScaleVector = 16;
    private const int MinimumVector = 17;

    private static readonly nint[] s_kernels = new nint[4 * MostRows];

    /// <summary>The kernel for so many rows at a time.</summary>
    /// <param name="rows">1 to <see cref="MostRows"/>.</param>
    /// <param name="halfGroups">A group is 16 inputs, not 32.</param>
    /// <param name="hasMinimums">Minimums stand behind the scales.</param>
    public static delegate* unmanaged<IntegerTask*, void> For(int rows, bool halfGroups, bool hasMinimums)
    {
        ref nint kernel = ref s_kernels[((rows - 1) * 4) | (halfGroups ? 2 : 0) | (hasMinimums ? 1 : 0)];
        nint made = Volatile.Read(ref kernel);
        if (made == 0)
        {
            // Two threads may both make it: they make the same, and one of the two is never used.
            made = (nint)CodeMemory.Place(Write(rows, halfGroups, hasMinimums));
            if (made == 0)
                throw new InvalidOperationException("the system gives no more executable memory, which it gave when the process started");
            Volatile.Write(ref kernel, made);
        }

        return (delegate* unmanaged<IntegerTask*, void>)made;
    }

    /// <summary>Shapes the tiles: 0 and 1 are sums, 2 and 3 activations, 4 and 5 weights (Intel's manual, volume 1, 18.3).</summary>
    public static void Configure(byte* to, int rows, bool halfGroups)
    {
        new Span<byte>(to, 64).Clear();
        to[0] = 1;
        for (int tile = 0; tile < 6; tile++)
        {
            bool weights = tile >= 4, activations = tile is 2 or 3;
            ((ushort*)(to + 16))[tile] = (ushort)(activations ? halfGroups ? 16 : 32 : 64);
            to[48 + tile] = (byte)(weights ? halfGroups ? 4 : 8 : rows);
        }
    }

    private static ReadOnlySpan<byte> Write(int rows, bool halfGroups, bool hasMinimums)
    {
        const Register Task = Register.Rdi, Inputs = Register.Rsi, Weights = Register.Rdx, Scales = Register.R8, InputScales = Register.R9,
            InputStride = Register.R10, Line = Register.R11, Scratch = Register.Rax, Count = Register.Rcx;
        int inputBytes = halfGroups ? 16 : 32, weightBytes = halfGroups ? 256 : 512, scaleBytes = hasMinimums ? 128 : 64;
        const int BlockBytes = 128;
        var code = new X64Assembler();
        code.Load(Scratch, Field(nameof(IntegerTask.Configuration)));
        code.ConfigureTiles(Scratch);
        code.Load(Scratch, Field(nameof(IntegerTask.Scratch)));
        code.Load(InputStride, Field(nameof(IntegerTask.InputStride)));
        code.Set(Line, 64);

        int block = code.Here;
        code.Load(Inputs, Field(nameof(IntegerTask.Inputs)));
        code.Load(Weights, Field(nameof(IntegerTask.Weights)));
        code.Load(Scales, Field(nameof(IntegerTask.Scales)));
        code.Load(InputScales, Field(nameof(IntegerTask.InputScales)));
        for (int row = 0; row < rows; row++)
            code.ExclusiveOr(row, row, row);
        Product(0, 0);
        code.Load(Count, Field(nameof(IntegerTask.Turns)));
        code.Test(Count);
        int noTurn = code.JumpIfZero();
        int turn = code.Here;
        Product(1, 1);
        Drain(0, 0);
        Product(0, 2);
        Drain(1, 1);
        code.Add(Inputs, 2 * inputBytes);
        code.Add(Weights, 2 * weightBytes);
        code.Add(Scales, 2 * scaleBytes);
        code.Add(InputScales, (halfGroups ? 1 : 2) * BlockBytes);
        code.Decrement(Count);
        code.JumpIfNotZero(turn);
        code.Land(noTurn);
        code.Load(Count, Field(nameof(IntegerTask.IsEven)));
        code.Test(Count);
        int odd = code.JumpIfZero();
        Product(1, 1);
        Drain(0, 0);
        Drain(1, 1);
        int drained = code.Jump();
        code.Land(odd);
        Drain(0, 0);
        code.Land(drained);

        // The outputs, and on to the next rows.
        code.Load(Weights, Field(nameof(IntegerTask.Output)));
        code.Load(Count, Field(nameof(IntegerTask.OutputStride)));
        for (int row = 0; row < rows; row++)
        {
            code.StoreVector(new Place(Weights, 0), row);
            code.Add(Weights, Count);
        }

        code.Store(Field(nameof(IntegerTask.Output)), Weights);
        code.Load(Inputs, Field(nameof(IntegerTask.Inputs)));
        for (int row = 0; row < rows; row++)
            code.Add(Inputs, InputStride);
        code.Store(Field(nameof(IntegerTask.Inputs)), Inputs);
        code.Load(InputScales, Field(nameof(IntegerTask.InputScales)));
        code.Load(Count, Field(nameof(IntegerTask.InputScalesStride)));
        code.Add(InputScales, Count);
        code.Store(Field(nameof(IntegerTask.InputScales)), InputScales);
        code.Load(Count, Field(nameof(IntegerTask.Blocks)));
        code.Decrement(Count);
        code.Store(Field(nameof(IntegerTask.Blocks)), Count);
        code.JumpIfNotZero(block);
        code.ReleaseTiles();
        code.ZeroUpper();
        code.Return();
        return code.Code;

        static Place Field(string name) => new(Task, (int)Marshal.OffsetOf<IntegerTask>(name));

        void Product(int sums, int group)
        {
            code.ZeroTile(sums);
            code.LoadTile(4 + sums, new Place(Weights, group * weightBytes), Line);
            code.LoadTile(2 + sums, new Place(Inputs, group * inputBytes), InputStride);
            code.DotTileBytes(sums, 2 + sums, 4 + sums);
            code.StoreTile(new Place(Scratch, sums * TileBytes), Line, sums);
        }

        void Drain(int sums, int group)
        {
            int blockOffset = (halfGroups ? 0 : group) * BlockBytes;
            code.LoadVector(ScaleVector, new Place(Scales, group * scaleBytes));
            if (hasMinimums)
                code.LoadVector(MinimumVector, new Place(Scales, (group * scaleBytes) + 64));
            for (int row = 0; row < rows; row++)
            {
                int dot = FirstTemporary + (row % Temporaries);
                code.ConvertToSingle(dot, new Place(Scratch, (sums * TileBytes) + (row * 64)));
                code.Multiply(dot, dot, ScaleVector);
                code.MultiplyAddBroadcast(row, dot, new Place(InputScales, blockOffset + (row * sizeof(float))));
                if (hasMinimums)
                    code.NegativeMultiplyAddBroadcast(row, MinimumVector, new Place(InputScales, blockOffset + 64 + (row * sizeof(float))));
            }
        }
    }
}
