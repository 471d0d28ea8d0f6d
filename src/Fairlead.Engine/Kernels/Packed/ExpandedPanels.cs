using System.Runtime.CompilerServices;
using Fairlead.Engine.Kernels.Machine;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Packed;

/// <summary>Rows of a prompt times panels of an integer form, whose weights become brain floats. A part is some pairs of panels, for all rows.</summary>
/// <remarks>
/// Two panels are expanded at a time, for some inputs, so that they stay in the second-level cache while all rows are multiplied with them: a piece. The next piece is expanded by
/// the vectors while the tiles are busy with this one, some of it with every block of rows; the first of a part is expanded by itself, and so is every one where there is a single block, whose products take
/// less time than that.
/// </remarks>
/// <param name="room">Has the activations, cut.</param>
/// <param name="output"><c>[rows × outputs]</c>.</param>
internal readonly unsafe struct ExpandedPanels(PackedMatrix weight, QuantizedRows room, float* output, int rows, int pairs, int parts) : IWork
{
    /// <summary>Bytes that the activations of all rows have at most for the inputs of a piece: as many as leave them, and four panels, in the second-level cache.</summary>
    private const int PieceBytes = 1 << 20;

    /// <summary>A piece has so many steps of 32 inputs however many rows there are: sums go to memory and come back after each.</summary>
    private const int FewestSteps = 16;

    /// <summary>Rows from which on the panels that come next are there in time although each step asks for little of them: asking for more would hold up the activations.</summary>
    private const int ManyRows = 256;

    private const int MostExpansions = 8;

    /// <inheritdoc/>
    public void Do(int part)
    {
        PanelScratch scratch = room.TakeScratch(out int number);
        var pieces = new Pieces(weight, rows, (int)((long)pairs * part / parts), (int)((long)pairs * (part + 1) / parts));
        bool isExpanded = false;
        for (int i = 0; i < pieces.Count; i++)
        {
            Piece piece = pieces[i];
            if (!isExpanded)
                Expand(piece, scratch, i & 1, firstStep: 0);
            isExpanded = Multiply(piece, pieces[i + 1], pieces[i + 2], scratch, i & 1);
        }

        room.ReturnScratch(number);
    }

    /// <summary>Both panels of a piece, from one step on.</summary>
    private void Expand(Piece piece, PanelScratch scratch, int side, int firstStep)
    {
        for (int panel = 0; panel < piece.Panels; panel++)
        {
            float* lines = WriteLines(piece, scratch, panel, firstStep);
            PanelBrains.Expand(weight.Format, Values(piece, panel, firstStep), lines, piece.Steps - firstStep, Tiles(piece, scratch, side, panel, firstStep));
        }
    }

    /// <summary>Multiplies all rows with a piece, and expands the next meanwhile.</summary>
    /// <param name="side">Where this piece was expanded; the next goes to the other side.</param>
    /// <returns>Whether the next piece is expanded.</returns>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Multiply(Piece piece, Piece next, Piece afterNext, PanelScratch scratch, int side)
    {
        byte* configuration = stackalloc byte[64];
        float* apart = stackalloc float[BrainMatMul.BlockRows * 2 * PackedLayout.PanelOutputs];
        BrainExpansion* expansions = stackalloc BrainExpansion[MostExpansions];
        int blocks = (piece.EndRow - piece.FirstRow + BrainMatMul.BlockRows - 1) / BrainMatMul.BlockRows;
        bool expands = blocks > 1 && BrainExpansion.Knows(weight.Format) && piece.IsWholePair && next.IsWholePair && next.Steps >= piece.Steps;
        int quarters = blocks >= 8 ? 1 : blocks >= 4 ? 2 : 4, planned = expands ? 2 * BrainExpansion.Quarters / quarters : 0;
        if (expands)
            Plan(next, scratch, 1 - side, quarters, expansions);

        BrainWeights kind = piece.EndRow - piece.FirstRow >= ManyRows ? BrainWeights.ExpandedForMany : BrainWeights.Expanded;
        Piece asked = expands ? afterNext : next;
        int tileRowBytes = Steps(weight.Inputs) * BrainTile.Bytes, lineBytes = BrainTileKernel.LinesAhead(kind) * 64, groupBytes = (int)PackedLayout.ValueBytes(weight.Format, PackedLayout.GroupInputs);
        int asking = asked.Steps == 0 ? 0 : (groupBytes + lineBytes - 1) / lineBytes; // blocks that ask for what comes next
        BrainTileTask task = default;
        task.Weights = Tiles(piece, scratch, side, 0, 0);
        task.SecondWeights = Tiles(piece, scratch, side, piece.Panels - 1, 0);
        task.Steps = piece.Steps;
        task.Expansions = expansions;
        task.InputsBlock = 2L * tileRowBytes;
        task.OutputStride = (piece.IsWhole ? weight.Outputs : 2L * PackedLayout.PanelOutputs) * sizeof(float);
        task.OutputBlock = BrainMatMul.BlockRows * task.OutputStride;
        task.Configuration = configuration;
        if (asking > 0)
        {
            task.Ahead = Values(asked, 0, 0);
            task.SecondAhead = Values(asked, asked.Panels - 1, 0);
        }

        for (int row = piece.FirstRow, block = 0; row < piece.EndRow;)
        {
            // All whole blocks in one call, until there is nothing more to expand or to ask for; but where outputs go apart first, one at a time.
            int count = Math.Min(BrainMatMul.BlockRows, piece.EndRow - row), rowTiles = count > BrainTile.Rows ? 2 : 1;
            int run = piece.IsWhole && count == BrainMatMul.BlockRows ? Before(asking, block, Before(planned, block, (piece.EndRow - row) / BrainMatMul.BlockRows)) : 1;
            if (block == asking)
                task.Ahead = task.SecondAhead = task.Weights;
            float* to = output + ((long)row * weight.Outputs) + ((long)piece.Pair * 2 * PackedLayout.PanelOutputs);
            BrainTileKernel.Configure(configuration, count);
            task.Blocks = run;
            task.Inputs = room.BrainTiles + (row / BrainTile.Rows * (long)tileRowBytes) + (piece.FirstStep * BrainTile.Bytes);
            task.SecondInputs = task.Inputs + tileRowBytes;
            task.Output = piece.IsWhole ? to : apart;
            bool goesOn = piece.FirstStep > 0;
            if (block < planned)
                BrainTileKernel.Expanding(kind, rowTiles, goesOn, weight.Format, quarters)(&task);
            else
                BrainTileKernel.For(kind, rowTiles, piece.Panels, goesOn)(&task);
            int outputs = piece.Outputs;
            for (int r = 0; r < count && !piece.IsWhole; r++)
                new ReadOnlySpan<float>(apart + (r * 2 * PackedLayout.PanelOutputs), outputs).CopyTo(new Span<float>(to + ((long)r * weight.Outputs), outputs));
            (row, block) = (row + (run * count), block + run);
        }

        if (!expands)
            return false;
        if (next.Steps > piece.Steps)
            Expand(next, scratch, 1 - side, piece.Steps);
        return true;
    }

    /// <summary>No more blocks than lie before <paramref name="end"/>, where that is still to come.</summary>
    private static int Before(int end, int block, int blocks) => end > block ? Math.Min(blocks, end - block) : blocks;

    /// <summary>What each block is to expand of a piece: some quarters of one panel, for as many groups as it has steps.</summary>
    private void Plan(Piece piece, PanelScratch scratch, int side, int quarters, BrainExpansion* expansions)
    {
        for (int panel = 0; panel < 2; panel++)
        {
            float* lines = WriteLines(piece, scratch, panel, 0);
            for (int quarter = 0; quarter < BrainExpansion.Quarters; quarter += quarters)
            {
                *expansions++ = new BrainExpansion
                {
                    Values = Values(piece, panel, 0) + (quarter * 64),
                    Lines = lines,
                    Tiles = Tiles(piece, scratch, side, panel, 0) + (quarter * (BrainTile.Bytes / BrainExpansion.Quarters)),
                };
            }
        }
    }

    private float* WriteLines(Piece piece, PanelScratch scratch, int panel, int firstStep)
    {
        float* lines = scratch.Lines + (panel * scratch.LineSingles);
        PanelLines.Write(weight.Format, weight.Panel((2 * piece.Pair) + panel), piece.FirstStep + firstStep, piece.EndStep, 2 * PackedLayout.PanelBytes(weight.Format, weight.Inputs), lines);
        return lines;
    }

    private byte* Values(Piece piece, int panel, int step) =>
        weight.Panel((2 * piece.Pair) + panel) + PackedLayout.ScaleBytes(weight.Format, weight.Inputs) + ((piece.FirstStep + step) * PackedLayout.ValueBytes(weight.Format, PackedLayout.GroupInputs));

    private static byte* Tiles(Piece piece, PanelScratch scratch, int side, int panel, int step) => scratch.Brains(side) + (((panel * (long)piece.Steps) + step) * BrainTile.Bytes);

    private static int Steps(int inputs) => inputs / BrainTile.Inputs;

    /// <summary>Two panels, or the last one, some rows and some inputs.</summary>
    /// <param name="Panels">1 or 2.</param>
    /// <param name="Outputs">Of the matrix that the panels have: at most 16 each.</param>
    /// <param name="FirstStep">Of 32 inputs.</param>
    private readonly record struct Piece(int Pair, int Panels, int Outputs, int FirstRow, int EndRow, int FirstStep, int EndStep)
    {
        public int Steps => EndStep - FirstStep;

        /// <summary>Sums can go where the outputs are.</summary>
        public bool IsWhole => Outputs == Panels * PackedLayout.PanelOutputs;

        public bool IsWholePair => Outputs == 2 * PackedLayout.PanelOutputs;
    }

    /// <summary>The pieces of a part in their order: some rows, some of their inputs, all pairs; then more inputs, then more rows.</summary>
    private readonly struct Pieces
    {
        private readonly PackedMatrix _weight;
        private readonly int _rows;
        private readonly int _firstPair;
        private readonly int _pairs;
        private readonly int _cuts;
        private readonly int _rowsAtOnce;

        public Pieces(PackedMatrix weight, int rows, int firstPair, int endPair)
        {
            (_weight, _rows, _firstPair, _pairs) = (weight, rows, firstPair, endPair - firstPair);
            int steps = ExpandedPanels.Steps(weight.Inputs), mostSteps = Math.Max(FewestSteps, PieceBytes / (rows * BrainTile.Inputs * sizeof(ushort)));
            _cuts = rows <= BrainMatMul.BlockRows ? 1 : (steps + mostSteps - 1) / mostSteps; // few rows: sums stay in tiles for all inputs
            _rowsAtOnce = BrainMatMul.RowsAtOnce(_cuts, steps * BrainTile.Bytes);
            Count = (rows + _rowsAtOnce - 1) / _rowsAtOnce * _cuts * _pairs;
        }

        public int Count { get; }

        /// <summary>Behind the last there are empty ones.</summary>
        public Piece this[int index]
        {
            get
            {
                if (index >= Count)
                    return default;
                int pair = _firstPair + (index % _pairs), cut = index / _pairs % _cuts, firstRow = index / _pairs / _cuts * _rowsAtOnce;
                int steps = ExpandedPanels.Steps(_weight.Inputs), panels = Math.Min(2, _weight.Panels - (2 * pair));
                var piece = new Piece(
                    pair, panels, Math.Min(2 * PackedLayout.PanelOutputs, _weight.Outputs - (2 * PackedLayout.PanelOutputs * pair)), firstRow, Math.Min(_rows, firstRow + _rowsAtOnce),
                    (int)((long)steps * cut / _cuts), (int)((long)steps * (cut + 1) / _cuts));
                if (piece.IsWhole)
                    return piece;

                // The last outputs go apart first, and all their inputs with the last cut.
                return cut < _cuts - 1 ? piece with { EndRow = firstRow, EndStep = piece.FirstStep } : piece with { FirstStep = 0 };
            }
        }
    }
}
