using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Kernels.Machine;

/// <summary>Up to 32 rows of activations times up to two panels of weights, all cut into brain floats, by tiles (AMX-BF16).</summary>
/// <remarks>
/// The sums of 16 rows and 16 outputs are a tile, four of them at most, and stay there for all steps; they begin at zero, or where an earlier call left them. A step is 32 inputs: for each product of parts that counts, the smallest
/// first, one product of tiles is added to each. So the order in which an output is summed is the same for any number of rows, panels and calls. Tiles take 16 cycles for a product
/// and 52 until it is there: four sums are enough to wait for nothing (measured on Emerald Rapids: 192 cycles for a step of twelve products).
/// Halves become pairs (<see cref="BrainDecoding"/>) while tiles are busy with the step before; integer forms are expanded (<see cref="BrainExpanding"/>) while tiles are busy with the weights before.
/// </remarks>
internal static unsafe class BrainTileKernel
{
    /// <summary>Bytes of a step of two panels in two parts: of the first panel the weights and what they leave, then of the second.</summary>
    public const int DecodedBytes = 4 * TileBytes;

    private const int TileRows = 16, TileBytes = 1024, LineBytes = 64;

    /// <summary>How far ahead the weights of few rows are asked for: these use a panel once, and memory is the limit.</summary>
    private const int PrefetchBytes = 8192;

    /// <summary>Tile registers: sums 0 to 3 (first rows with both panels, then second rows), activations, weights.</summary>
    private const int FirstInputs = 4, SecondInputs = 5, FirstWeights = 6, SecondWeights = 7;

    private static readonly nint[] s_kernels = new nint[8 * Enum.GetValues<BrainWeights>().Length];

    /// <summary>Those that expand: three forms, one, two or four quarters.</summary>
    private static readonly nint[] s_expandingKernels = new nint[s_kernels.Length * 9];

    /// <summary>The kernel for 16 or 32 rows and one or two panels.</summary>
    /// <param name="weights">How weights lie.</param>
    /// <param name="rowTiles">1 or 2.</param>
    /// <param name="panels">1 or 2.</param>
    /// <param name="goesOn">Adds to the sums that are there, for inputs behind the first.</param>
    public static delegate* unmanaged<BrainTileTask*, void> For(BrainWeights weights, int rowTiles, int panels, bool goesOn) =>
        Made(ref s_kernels[Index(weights, rowTiles, panels, goesOn)], weights, rowTiles, panels, goesOn, expands: null, quarters: 0);

    /// <summary>The kernel that also expands other weights, for two panels.</summary>
    /// <param name="weights">Those that were expanded before.</param>
    /// <param name="rowTiles">1 or 2.</param>
    /// <param name="goesOn">See <see cref="For"/>.</param>
    /// <param name="expands">A form that <see cref="BrainExpansion.Knows"/>.</param>
    /// <param name="quarters">Of each group: 1, 2 or 4.</param>
    public static delegate* unmanaged<BrainTileTask*, void> Expanding(BrainWeights weights, int rowTiles, bool goesOn, PackedFormat expands, int quarters) =>
        Made(ref s_expandingKernels[(Index(weights, rowTiles, 2, goesOn) * 9) + (((int)expands - 1) * 3) + (quarters >> 1)], weights, rowTiles, 2, goesOn, expands, quarters);

    private static int Index(BrainWeights weights, int rowTiles, int panels, bool goesOn) => ((int)weights << 3) | (goesOn ? 4 : 0) | ((rowTiles - 1) << 1) | (panels - 1);

    private static delegate* unmanaged<BrainTileTask*, void> Made(ref nint kernel, BrainWeights weights, int rowTiles, int panels, bool goesOn, PackedFormat? expands, int quarters)
    {
        nint made = Volatile.Read(ref kernel);
        if (made == 0)
        {
            // Two threads may both make it: they make the same, and one of the two is never used.
            made = (nint)CodeMemory.Place(Write(weights, rowTiles, panels, goesOn, expands, quarters));
            if (made == 0)
                throw new InvalidOperationException("the system gives no more executable memory, which it gave when the process started");
            Volatile.Write(ref kernel, made);
        }

        return (delegate* unmanaged<BrainTileTask*, void>)made;
    }

    /// <summary>Parts that an activation is cut into.</summary>
    public static int InputParts(BrainWeights weights) => weights switch
    {
        BrainWeights.Expanded or BrainWeights.ExpandedForMany => 1,
        BrainWeights.Keys => 2,
        _ => 3,
    };

    /// <summary>Cache lines of each of the two panels that come next that a step asks for: memory then works while tiles do.</summary>
    public static int LinesAhead(BrainWeights weights) => weights switch
    {
        BrainWeights.Expanded => 4,
        BrainWeights.ExpandedForMany => 1,
        BrainWeights.Keys => 0,
        _ => 8,
    };

    /// <summary>Shapes the tiles for so many rows (Intel's manual, volume 1, 18.3). All are 64 bytes wide.</summary>
    /// <param name="to">64 bytes.</param>
    /// <param name="rows">1 to 32.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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

    private static ReadOnlySpan<byte> Write(BrainWeights weights, int rowTiles, int panels, bool goesOn, PackedFormat? expands, int quarters)
    {
        const Register Task = Register.Rdi, Inputs = Register.Rsi, MoreInputs = Register.Rdx, Weights = Register.R8, MoreWeights = Register.R9,
            Line = Register.R10, Ahead = Register.R11, Count = Register.Rcx, Work = Register.Rax, MoreAhead = Work, Decoded = Ahead, NextDecoded = Work,
            Values = Register.Rbx, Lines = Register.R14, Tiles = Register.R15;
        (int Input, int Weight)[] products = weights switch
        {
            BrainWeights.Expanded or BrainWeights.ExpandedForMany => [(0, 0)],
            BrainWeights.Keys => [(1, 0), (0, 0), (0, 1)],
            BrainWeights.One => [(2, 0), (1, 0), (0, 0)],
            _ => [(2, 0), (1, 0), (0, 0), (0, 1)],
        };
        int inputParts = InputParts(weights), linesAhead = LinesAhead(weights);
        bool decodes = weights is BrainWeights.Half or BrainWeights.HalfKept;
        int stepBytes = weights switch
        {
            BrainWeights.Pair or BrainWeights.Keys => 2 * TileBytes,
            BrainWeights.Decoded => DecodedBytes,
            _ => TileBytes,
        };
        var code = new X64Assembler();
        BrainExpanding? expanding = expands is { } other ? new BrainExpanding(code, other) : null;
        if (expanding is not null)
        {
            code.Push(Values);
            code.Push(Lines);
            code.Push(Tiles);
            expanding.Begin(Work);
        }

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
        code.Load(Count, Field(nameof(BrainTileTask.Steps)));
        code.Set(Line, LineBytes);
        if (expanding is not null)
        {
            code.Load(Work, Field(nameof(BrainTileTask.Expansions)));
            code.Load(Values, new Place(Work, (int)Marshal.OffsetOf<BrainExpansion>(nameof(BrainExpansion.Values))));
            code.Load(Lines, new Place(Work, (int)Marshal.OffsetOf<BrainExpansion>(nameof(BrainExpansion.Lines))));
            code.Load(Tiles, new Place(Work, (int)Marshal.OffsetOf<BrainExpansion>(nameof(BrainExpansion.Tiles))));
            code.Add(Work, BrainExpansion.Bytes);
            code.Store(Field(nameof(BrainTileTask.Expansions)), Work);
        }

        if (decodes)
            DecodingSteps();
        else
            Steps();

        // The sums go out, and on to the next block.
        code.Load(Line, Field(nameof(BrainTileTask.OutputStride)));
        code.Load(Work, Field(nameof(BrainTileTask.Output)));
        for (int rowTile = 0; rowTile < rowTiles; rowTile++)
        {
            for (int panel = 0; panel < panels; panel++)
                code.StoreTile(new Place(Work, panel * LineBytes), Line, (2 * rowTile) + panel);
            NextRows();
        }

        Advance(nameof(BrainTileTask.OutputBlock), nameof(BrainTileTask.Output));
        Advance(nameof(BrainTileTask.InputsBlock), nameof(BrainTileTask.Inputs), nameof(BrainTileTask.SecondInputs));
        Advance(nameof(BrainTileTask.WeightsBlock), nameof(BrainTileTask.Weights), nameof(BrainTileTask.SecondWeights));
        code.Load(Count, Field(nameof(BrainTileTask.Blocks)));
        code.Decrement(Count);
        code.Store(Field(nameof(BrainTileTask.Blocks)), Count);
        code.JumpIfNotZero(block);
        code.ReleaseTiles();
        if (expanding is not null)
        {
            code.Pop(Tiles);
            code.Pop(Lines);
            code.Pop(Values);
        }

        code.Return();
        return code.Code;

        void Steps()
        {
            code.Load(Ahead, Field(nameof(BrainTileTask.Ahead)));
            code.Load(MoreAhead, Field(nameof(BrainTileTask.SecondAhead)));
            int step = code.Here;
            int expandedRows = 0, done = 0, all = products.Length * rowTiles * panels;
            expanding?.Line(Lines);
            Products(Weights, 0, MoreWeights, 0, meanwhile: () =>
            {
                for (done++; expandedRows < quarters * BrainExpanding.QuarterRows * done / all; expandedRows++)
                    expanding!.Row(expandedRows, Values, Tiles);
            });

            // Two row tiles: there may be many blocks of rows, and the panels that come next are asked for meanwhile. One: the panels are read from memory now, but for those that were
            // expanded, which lie in the cache.
            bool isAhead = rowTiles == 2 || weights is BrainWeights.Expanded or BrainWeights.Keys;
            for (int line = 0; line < (isAhead ? linesAhead * LineBytes : stepBytes); line += LineBytes)
            {
                code.Prefetch(isAhead ? new Place(Ahead, line) : new Place(Weights, PrefetchBytes + line));
                code.Prefetch(isAhead ? new Place(MoreAhead, line) : new Place(MoreWeights, PrefetchBytes + line));
            }

            NextInputs();
            NextWeights();
            if (expands is { } form)
            {
                code.Add(Values, (int)PackedLayout.ValueBytes(form, PackedLayout.GroupInputs));
                code.Add(Lines, PanelLines.Singles * sizeof(float));
                code.Add(Tiles, TileBytes);
            }

            code.Add(Ahead, linesAhead * LineBytes);
            code.Add(MoreAhead, linesAhead * LineBytes);
            code.Decrement(Count);
            code.JumpIfNotZero(step);
            code.Store(Field(nameof(BrainTileTask.Ahead)), Ahead);
            code.Store(Field(nameof(BrainTileTask.SecondAhead)), MoreAhead);
        }

        void DecodingSteps()
        {
            // A step is decoded among the products of the one before, so that vectors and tiles work at the same time.
            BrainDecoding.Begin(code, Work);
            code.Load(Decoded, Field(nameof(BrainTileTask.Decoded)));
            for (int row = 0; row < TileRows * panels; row++)
                DecodeRow(row, Decoded);
            NextWeights();
            code.Copy(NextDecoded, Decoded);
            code.Add(NextDecoded, DecodedBytes);
            code.Decrement(Count);
            int isLast = code.JumpIfZero();
            int step = code.Here;
            int decodedRows = 0, done = 0, all = products.Length * rowTiles * panels;
            Products(Decoded, 0, Decoded, 2 * TileBytes, meanwhile: () =>
            {
                for (done++; decodedRows < TileRows * panels * done / all; decodedRows++)
                    DecodeRow(decodedRows, NextDecoded);
            });
            NextInputs();
            NextWeights();
            if (weights == BrainWeights.Half)
            {
                code.Copy(Line, Decoded);
                code.Copy(Decoded, NextDecoded);
                code.Copy(NextDecoded, Line);
                code.Set(Line, LineBytes);
            }
            else
            {
                code.Copy(Decoded, NextDecoded);
                code.Add(NextDecoded, DecodedBytes);
            }

            code.Decrement(Count);
            code.JumpIfNotZero(step);
            code.Land(isLast);
            Products(Decoded, 0, Decoded, 2 * TileBytes, meanwhile: null);
        }

        // The products of a step, the smallest first, with something else to do after each product of tiles.
        void Products(Register first, int firstOffset, Register second, int secondOffset, Action? meanwhile)
        {
            (int Input, int Weight) loaded = (-1, -1);
            foreach ((int input, int weight) in products)
            {
                if (weight != loaded.Weight)
                {
                    code.LoadTile(FirstWeights, new Place(first, firstOffset + (weight * TileBytes)), Line);
                    if (panels == 2)
                        code.LoadTile(SecondWeights, new Place(second, secondOffset + (weight * TileBytes)), Line);
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
                    if (tile % 2 >= panels)
                        continue;
                    code.DotTileBrains(tile, FirstInputs + (tile / 2), FirstWeights + (tile % 2));
                    meanwhile?.Invoke();
                }
            }
        }

        // Halves are read once, from memory, and asked for in time.
        void DecodeRow(int row, Register to)
        {
            (Register from, int line) = (row < TileRows ? Weights : MoreWeights, row % TileRows * LineBytes);
            code.Prefetch(new Place(from, PrefetchBytes + line));
            BrainDecoding.Row(code, new Place(from, line), new Place(to, (row / TileRows * 2 * TileBytes) + line));
        }

        void NextInputs()
        {
            code.Add(Inputs, inputParts * TileBytes);
            code.Add(MoreInputs, inputParts * TileBytes);
        }

        void NextWeights()
        {
            code.Add(Weights, stepBytes);
            code.Add(MoreWeights, stepBytes);
        }

        void NextRows()
        {
            for (int row = 0; row < TileRows; row++)
                code.Add(Work, Line);
        }

        void Advance(string distance, params ReadOnlySpan<string> places)
        {
            code.Load(Line, Field(distance));
            foreach (string place in places)
            {
                code.Load(Work, Field(place));
                code.Add(Work, Line);
                code.Store(Field(place), Work);
            }
        }

        static Place Field(string name) => new(Task, (int)Marshal.OffsetOf<BrainTileTask>(name));
    }
}
