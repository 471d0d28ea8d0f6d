using System.Runtime.InteropServices;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>Rows of quantised activations times an expanded panel, 16 rows at a time, by tiles of bytes (AMX-INT8).</summary>
/// <remarks>
/// A group's products are a tile of 16 rows × 16 outputs. It is stored, and only when the tiles of the next three groups are under way its rows are converted, scaled and added to
/// the sums, which stay in vector registers for all groups: <c>sum = fma((float)dot · scale, s, sum)</c>, then <c>sum = fma(minimum, −t, sum)</c>. So the bits are those of every
/// other family. A load does not take its value from a tile's store that is still on its way, it waits for the cache: hence the distance of three.
/// </remarks>
internal static unsafe class IntegerTileKernel
{
    /// <summary>Rows of a tile.</summary>
    public const int MostRows = 16;

    /// <summary>Fewest groups that it can multiply.</summary>
    public const int FewestGroups = Distance;

    /// <summary>Bytes of <see cref="IntegerTask.Scratch"/>.</summary>
    public const int ScratchBytes = Tiles * TileBytes;

    private const int Tiles = 4;
    private const int Distance = Tiles - 1;
    private const int TileBytes = 1024;
    private const int FirstTemporary = 18;
    private const int Temporaries = 14;
    private const int ScaleVector = 16;
    private const int MinimumVector = 17;

    private static readonly nint[] s_kernels = new nint[16 * MostRows];

    /// <summary>The kernel for so many rows at a time.</summary>
    /// <param name="rows">1 to <see cref="MostRows"/>.</param>
    /// <param name="groups">At least <see cref="FewestGroups"/>.</param>
    /// <param name="halfGroups">A group is 16 inputs, not 32.</param>
    /// <param name="hasMinimums">Minimums stand behind the scales.</param>
    public static delegate* unmanaged<IntegerTask*, void> For(int rows, int groups, bool halfGroups, bool hasMinimums)
    {
        int rest = (groups - Distance) % Tiles;
        ref nint kernel = ref s_kernels[((rows - 1) * 16) | (rest * 4) | (halfGroups ? 2 : 0) | (hasMinimums ? 1 : 0)];
        nint made = Volatile.Read(ref kernel);
        if (made == 0)
        {
            // Two threads may both make it: they make the same, and one of the two is never used.
            made = (nint)CodeMemory.Place(Write(rows, rest, halfGroups, hasMinimums));
            if (made == 0)
                throw new InvalidOperationException("the system gives no more executable memory, which it gave when the process started");
            Volatile.Write(ref kernel, made);
        }

        return (delegate* unmanaged<IntegerTask*, void>)made;
    }

    /// <summary>What <see cref="IntegerTask.Turns"/> is for so many groups.</summary>
    public static long TurnsFor(int groups) => (groups - Distance) / Tiles;

    /// <summary>Shapes the tiles: 0 to 3 are sums, 4 and 5 activations, 6 and 7 weights (Intel's manual, volume 1, 18.3).</summary>
    public static void Configure(byte* to, int rows, bool halfGroups)
    {
        new Span<byte>(to, 64).Clear();
        to[0] = 1;
        for (int tile = 0; tile < 8; tile++)
        {
            bool weights = tile >= 6, activations = tile is 4 or 5;
            ((ushort*)(to + 16))[tile] = (ushort)(activations ? halfGroups ? 16 : 32 : 64);
            to[48 + tile] = (byte)(weights ? halfGroups ? 4 : 8 : rows);
        }
    }

    private static ReadOnlySpan<byte> Write(int rows, int rest, bool halfGroups, bool hasMinimums)
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
        for (int group = 0; group < Distance; group++)
            Product(group);
        code.Load(Count, Field(nameof(IntegerTask.Turns)));
        code.Test(Count);
        int noTurn = code.JumpIfZero();
        int turn = code.Here;
        for (int group = 0; group < Tiles; group++)
        {
            Product(group + Distance);
            Drain(group);
        }

        code.Add(Inputs, Tiles * inputBytes);
        code.Add(Weights, Tiles * weightBytes);
        code.Add(Scales, Tiles * scaleBytes);
        code.Add(InputScales, Tiles / (halfGroups ? 2 : 1) * BlockBytes);
        code.Decrement(Count);
        code.JumpIfNotZero(turn);
        code.Land(noTurn);
        for (int group = 0; group < rest + Distance; group++)
        {
            if (group < rest)
                Product(group + Distance);
            Drain(group);
        }

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

        void Product(int group)
        {
            int sums = group % Tiles, activations = 4 + (group % 2), weights = 6 + (group % 2);
            code.ZeroTile(sums);
            code.LoadTile(weights, new Place(Weights, group * weightBytes), Line);
            code.LoadTile(activations, new Place(Inputs, group * inputBytes), InputStride);
            code.DotTileBytes(sums, activations, weights);
            code.StoreTile(new Place(Scratch, sums * TileBytes), Line, sums);
        }

        void Drain(int group)
        {
            int tile = group % Tiles * TileBytes, blockOffset = group / (halfGroups ? 2 : 1) * BlockBytes;
            code.LoadVector(ScaleVector, new Place(Scales, group * scaleBytes));
            if (hasMinimums)
                code.LoadVector(MinimumVector, new Place(Scales, (group * scaleBytes) + 64));
            for (int row = 0; row < rows; row++)
            {
                int dot = FirstTemporary + (row % Temporaries);
                code.ConvertToSingle(dot, new Place(Scratch, tile + (row * 64)));
                code.Multiply(dot, dot, ScaleVector);
                code.MultiplyAddBroadcast(row, dot, new Place(InputScales, blockOffset + (row * sizeof(float))));
                if (hasMinimums)
                    code.NegativeMultiplyAddBroadcast(row, MinimumVector, new Place(InputScales, blockOffset + 64 + (row * sizeof(float))));
            }
        }
    }
}
