using System.Runtime.InteropServices;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>Up to 32 rows of activations times up to two panels of weights, all cut into brain floats, by tiles (AMX-BF16).</summary>
/// <remarks>
/// The sums of 16 rows and 16 outputs are a tile, four of them at most, and stay there for all steps; they begin at zero, or where an earlier call left them. A step is 32 inputs: for each product of parts that counts, the smallest
/// first, one product of tiles is added to each. So the order in which an output is summed is the same for any number of rows, panels and calls. Tiles take 16 cycles for a product
/// and 52 until it is there: four sums are enough to wait for nothing (measured on Emerald Rapids: 192 cycles for a step of twelve products).
/// </remarks>
internal static unsafe class BrainTileKernel
{
    /// <summary>Cache lines of each of the two panels that come next that a step asks for: memory then works while tiles do.</summary>
    public const int LinesAhead = 8;

    private const int TileRows = 16, TileBytes = 1024, LineBytes = 64;

    /// <summary>How far ahead the weights of few rows are asked for: these use a panel once, and memory is the limit.</summary>
    private const int PrefetchBytes = 8192;

    /// <summary>Tile registers: sums 0 to 3 (first rows with both panels, then second rows), activations, weights.</summary>
    private const int FirstInputs = 4, SecondInputs = 5, FirstWeights = 6, SecondWeights = 7;

    private static readonly nint[] s_kernels = new nint[16];

    /// <summary>The kernel for 16 or 32 rows and one or two panels.</summary>
    /// <param name="pairs">Weights are in two parts (<see cref="Packed.PackedFormat.BrainPairTiles"/>) and not in one (<see cref="Packed.PackedFormat.BrainTiles"/>). Activations are in three.</param>
    /// <param name="rowTiles">1 or 2.</param>
    /// <param name="panels">1 or 2.</param>
    /// <param name="goesOn">Adds to the sums that are there, for inputs behind the first.</param>
    public static delegate* unmanaged<BrainTileTask*, void> For(bool pairs, int rowTiles, int panels, bool goesOn)
    {
        ref nint kernel = ref s_kernels[(goesOn ? 8 : 0) | (pairs ? 4 : 0) | ((rowTiles - 1) << 1) | (panels - 1)];
        nint made = Volatile.Read(ref kernel);
        if (made == 0)
        {
            // Two threads may both make it: they make the same, and one of the two is never used.
            made = (nint)CodeMemory.Place(Write(pairs, rowTiles, panels, goesOn));
            if (made == 0)
                throw new InvalidOperationException("the system gives no more executable memory, which it gave when the process started");
            Volatile.Write(ref kernel, made);
        }

        return (delegate* unmanaged<BrainTileTask*, void>)made;
    }

    /// <summary>Shapes the tiles for so many rows (Intel's manual, volume 1, 18.3). All are 64 bytes wide.</summary>
    /// <param name="to">64 bytes.</param>
    /// <param name="rows">1 to 32.</param>
    public static void Configure(byte* to, int rows)
    {
        new Span<byte>(to, 64).Clear();
        to[0] = 1;
        int first = Math.Min(rows, TileRows), second = rows - first;
        ReadOnlySpan<int> tiles = [first, first, second, second, first, second, TileRows, TileRows];
        for (int tile = 0; tile < tiles.Length; tile++)
        {
            ((ushort*)(to + 16))[tile] = (ushort)(tiles[tile] == 0 ? 0 : 64);
            to[48 + tile] = (byte)tiles[tile];
        }
    }

    private static ReadOnlySpan<byte> Write(bool pairs, int rowTiles, int panels, bool goesOn)
    {
        const Register Task = Register.Rdi, Inputs = Register.Rsi, MoreInputs = Register.Rdx, Weights = Register.R8, MoreWeights = Register.R9,
            Line = Register.R10, Ahead = Register.R11, Count = Register.Rcx, Work = Register.Rax, MoreAhead = Work;
        const int InputParts = 3;
        ReadOnlySpan<(int Input, int Weight)> products = pairs ? [(2, 0), (1, 0), (0, 0), (0, 1)] : [(2, 0), (1, 0), (0, 0)];
        int weightParts = pairs ? 2 : 1;
        var code = new X64Assembler();
        code.Load(Work, Field(nameof(BrainTileTask.Configuration)));
        code.ConfigureTiles(Work);

        int block = code.Here;
        code.Load(Line, Field(nameof(BrainTileTask.OutputStride)));
        code.Load(Work, Field(nameof(BrainTileTask.Output)));
        for (int rowTile = 0; rowTile < rowTiles; rowTile++)
        {
            for (int panel = 0; panel < panels; panel++)
            {
                if (goesOn)
                    code.LoadTile((2 * rowTile) + panel, new Place(Work, panel * LineBytes), Line);
                else
                    code.ZeroTile((2 * rowTile) + panel);
            }

            NextRows();
        }

        code.Load(Inputs, Field(nameof(BrainTileTask.Inputs)));
        code.Load(MoreInputs, Field(nameof(BrainTileTask.SecondInputs)));
        code.Load(Weights, Field(nameof(BrainTileTask.Weights)));
        code.Load(MoreWeights, Field(nameof(BrainTileTask.SecondWeights)));
        code.Load(Ahead, Field(nameof(BrainTileTask.Ahead)));
        code.Load(MoreAhead, Field(nameof(BrainTileTask.SecondAhead)));
        code.Load(Count, Field(nameof(BrainTileTask.Steps)));
        code.Set(Line, LineBytes);

        int step = code.Here;
        (int Input, int Weight) loaded = (-1, -1);
        foreach ((int input, int weight) in products)
        {
            if (weight != loaded.Weight)
            {
                code.LoadTile(FirstWeights, new Place(Weights, weight * TileBytes), Line);
                if (panels == 2)
                    code.LoadTile(SecondWeights, new Place(MoreWeights, weight * TileBytes), Line);
            }

            if (input != loaded.Input)
            {
                code.LoadTile(FirstInputs, new Place(Inputs, input * TileBytes), Line);
                if (rowTiles == 2)
                    code.LoadTile(SecondInputs, new Place(MoreInputs, input * TileBytes), Line);
            }

            loaded = (input, weight);
            for (int tile = 0; tile < 2 * rowTiles; tile++)
            {
                if (tile % 2 < panels)
                    code.DotTileBrains(tile, FirstInputs + (tile / 2), FirstWeights + (tile % 2));
            }
        }

        // Two row tiles: there may be many blocks of rows, and the panels that come next are asked for meanwhile. One: the panels are read from memory now.
        for (int line = 0; line < (rowTiles == 2 ? LinesAhead * LineBytes : weightParts * TileBytes); line += LineBytes)
        {
            code.Prefetch(rowTiles == 2 ? new Place(Ahead, line) : new Place(Weights, PrefetchBytes + line));
            code.Prefetch(rowTiles == 2 ? new Place(MoreAhead, line) : new Place(MoreWeights, PrefetchBytes + line));
        }

        code.Add(Inputs, InputParts * TileBytes);
        code.Add(MoreInputs, InputParts * TileBytes);
        code.Add(Weights, weightParts * TileBytes);
        code.Add(MoreWeights, weightParts * TileBytes);
        code.Add(Ahead, LinesAhead * LineBytes);
        code.Add(MoreAhead, LinesAhead * LineBytes);
        code.Decrement(Count);
        code.JumpIfNotZero(step);

        // The sums go out, and on to the next block.
        code.Store(Field(nameof(BrainTileTask.Ahead)), Ahead);
        code.Store(Field(nameof(BrainTileTask.SecondAhead)), MoreAhead);
        code.Load(Line, Field(nameof(BrainTileTask.OutputStride)));
        code.Load(Work, Field(nameof(BrainTileTask.Output)));
        for (int rowTile = 0; rowTile < rowTiles; rowTile++)
        {
            for (int panel = 0; panel < panels; panel++)
                code.StoreTile(new Place(Work, panel * LineBytes), Line, (2 * rowTile) + panel);
            NextRows();
        }

        code.Store(Field(nameof(BrainTileTask.Output)), Work);
        code.Load(Line, Field(nameof(BrainTileTask.InputsBlock)));
        Advance(nameof(BrainTileTask.Inputs));
        Advance(nameof(BrainTileTask.SecondInputs));
        code.Load(Count, Field(nameof(BrainTileTask.Blocks)));
        code.Decrement(Count);
        code.Store(Field(nameof(BrainTileTask.Blocks)), Count);
        code.JumpIfNotZero(block);
        code.ReleaseTiles();
        code.Return();
        return code.Code;

        void NextRows()
        {
            for (int row = 0; row < TileRows; row++)
                code.Add(Work, Line);
        }

        void Advance(string place)
        {
            code.Load(Work, Field(place));
            code.Add(Work, Line);
            code.Store(Field(place), Work);
        }

        static Place Field(string name) => new(Task, (int)Marshal.OffsetOf<BrainTileTask>(name));
    }
}
