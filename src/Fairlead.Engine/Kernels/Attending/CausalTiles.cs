using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>Rows of a step in tiles: as many rows of one sequence, with as many heads that read the same keys, as a kernel takes queries.</summary>
/// <remarks>
/// A row's positions fall into pieces of 256, counted from the text's beginning. The softmax of each piece is made by itself, and the pieces are merged in their order: so the
/// pieces of one row may be read by several threads, and no bit tells how many there were.
/// </remarks>
internal readonly unsafe ref struct CausalTiles : IWork
{
    /// <summary>Positions of a piece: enough for the merging not to show, few enough for a text of some hundred tokens to be shared.</summary>
    internal const int PiecePositions = 4 * QueryTile.UnitPositions;

    private const int Positions = KvCache.BlockPositions;

    private readonly ReadOnlySpan<StepRow> _rows;
    private readonly ReadOnlySpan<int> _tiles;
    private readonly float* _queries;
    private readonly KvCache _cache;
    private readonly int _layer;
    private readonly AttentionShape _shape;
    private readonly float* _slopes;
    private readonly float* _output;
    private readonly int _bunch;
    private readonly int _bunches;

    /// <param name="tiles">First rows of the tiles, as <see cref="Cut"/> gives them, and behind them the number of rows.</param>
    public CausalTiles(ReadOnlySpan<StepRow> rows, ReadOnlySpan<int> tiles, float* queries, KvCache cache, int layer, in AttentionShape shape, float* slopes, float* output)
    {
        _rows = rows;
        _tiles = tiles;
        _queries = queries;
        _slopes = slopes;
        _output = output;
        (_cache, _layer, _shape) = (cache, layer, shape);
        _bunch = Bunch(shape);
        _bunches = ((shape.Heads / shape.KvHeads) + _bunch - 1) / _bunch;
    }

    /// <summary>Parts of the whole work: tiles, for each head of the cache and each bunch of the heads that read it.</summary>
    public int Parts => Tiles * Bunches;

    /// <summary>Tiles of rows.</summary>
    public int Tiles => _tiles.Length - 1;

    /// <summary>Bunches of heads, those of one cached head side by side.</summary>
    public int Bunches => _shape.KvHeads * _bunches;

    /// <summary>Fills <paramref name="tiles"/> with the first row of each tile, and gives their number.</summary>
    public static int Cut(ReadOnlySpan<StepRow> rows, in AttentionShape shape, Span<int> tiles)
    {
        int most = QueryTile.Most(shape.KeyDimension, shape.ValueDimension) / Bunch(shape), count = 0;
        for (int row = 0; row < rows.Length; row++)
        {
            bool fits = count > 0 && row - tiles[count - 1] < most && ReferenceEquals(rows[row].Sequence, rows[row - 1].Sequence) && rows[row].Position == rows[row - 1].Position + 1;
            if (!fits)
                tiles[count++] = row;
        }

        return count;
    }

    /// <summary>Pieces that the rows of a tile see.</summary>
    public (int First, int Count) PiecesOf(int tile)
    {
        int first = FirstSeen(_rows[_tiles[tile]].Position) / PiecePositions;
        return (first, (_rows[_tiles[tile + 1] - 1].Position / PiecePositions) - first + 1);
    }

    /// <summary>A whole tile. The heads' order is that in which they lie; of a prompt's tiles the last have most to do, and come first.</summary>
    public void Do(int part)
    {
        (int bunch, int tile) = (part / Tiles, Tiles - 1 - (part % Tiles));
        (int first, int count) = PiecesOf(tile);
        Read(bunch, tile, first, count, partial: null);
    }

    /// <summary>One piece of a tile: what is known of its queries goes to <paramref name="partial"/>, an <see cref="AttentionRoom.Entry"/> for each.</summary>
    public void ReadPiece(int bunch, int tile, int piece, float* partial) => Read(bunch, tile, piece, 1, partial);

    /// <summary>Merges the pieces of a tile, one after the other, and writes the output.</summary>
    /// <param name="partials">Those of its first piece.</param>
    /// <param name="distance">From one piece's to the next.</param>
    public void MergePieces(int bunch, int tile, float* partials, long distance)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: MergePieces<Lanes16, Vector512<float>>(bunch, tile, partials, distance); break;
            case SimdFamily.Vector256: MergePieces<Lanes8, Vector256<float>>(bunch, tile, partials, distance); break;
            case SimdFamily.Vector128: MergePieces<Lanes4, Vector128<float>>(bunch, tile, partials, distance); break;
            default: MergePieces<Lanes1, float>(bunch, tile, partials, distance); break;
        }
    }

    /// <summary>Queries of a tile.</summary>
    public int QueriesOf(int bunch, int tile) => (_tiles[tile + 1] - _tiles[tile]) * HeadsOf(bunch);

    private static int Bunch(in AttentionShape shape) => Math.Min(shape.Heads / shape.KvHeads, QueryTile.Most(shape.KeyDimension, shape.ValueDimension));

    private int HeadsOf(int bunch) => Math.Min(_bunch, (_shape.Heads / _shape.KvHeads) - (bunch % _bunches * _bunch));

    private int FirstHeadOf(int bunch) => (bunch / _bunches * (_shape.Heads / _shape.KvHeads)) + (bunch % _bunches * _bunch);

    private int FirstSeen(int position) => _shape.Window > 0 ? Math.Max(0, position - _shape.Window + 1) : 0;

    private void Read(int bunch, int tile, int piece, int pieces, float* partial)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: Read<Lanes16, Vector512<float>>(bunch, tile, piece, pieces, partial); break;
            case SimdFamily.Vector256: Read<Lanes8, Vector256<float>>(bunch, tile, piece, pieces, partial); break;
            case SimdFamily.Vector128: Read<Lanes4, Vector128<float>>(bunch, tile, piece, pieces, partial); break;
            default: Read<Lanes1, float>(bunch, tile, piece, pieces, partial); break;
        }
    }

    private void Read<L, V>(int bunch, int tile, int piece, int pieces, float* partial)
        where L : struct, ILanes<V>
        where V : struct
    {
        switch (_cache.Layout.Type)
        {
            case KvType.F32: Read<L, V, SingleNumbers>(bunch, tile, piece, pieces, partial); break;
            case KvType.F16: Read<L, V, HalfNumbers>(bunch, tile, piece, pieces, partial); break;
            default: Read<L, V, ByteNumbers>(bunch, tile, piece, pieces, partial); break;
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Read<L, V, F>(int bunch, int tileIndex, int piece, int pieces, float* partial)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IKvForm
    {
        int count = QueriesOf(bunch, tileIndex), width = count <= QueryTile.Few ? QueryTile.Few : QueryTile.Many, valueWidth = _cache.Layout.ValueWidth;
        int room = QueryTile.Room(width, _shape.KeyDimension, valueWidth), totals = partial is null ? QueryTile.Room(width, 0, valueWidth) : 0;
        float* memory = stackalloc float[room + totals + Positions];
        memory = Aligned(memory);
        var tile = new QueryTile(memory, count, width, _shape.KeyDimension, valueWidth);
        int firstRow = _tiles[tileIndex], endRow = _tiles[tileIndex + 1], head = FirstHeadOf(bunch), heads = HeadsOf(bunch);
        for (int row = firstRow, query = 0; row < endRow; row++)
        {
            for (int h = 0; h < heads; h++, query++)
                tile.Put(query, _queries + ((((long)row * _shape.Heads) + head + h) * _shape.KeyDimension), _shape.Scale * F.Lift);
        }

        if (partial is not null)
        {
            tile.Begin();
            ReadPiece<L, V, F>(tile, bunch, firstRow, endRow, piece);
            Keep(tile, partial);
            return;
        }

        var total = new QueryTile(memory + room, count, width, 0, valueWidth);
        total.Begin();
        for (int end = piece + pieces; piece < end; piece++)
        {
            tile.Begin();
            ReadPiece<L, V, F>(tile, bunch, firstRow, endRow, piece);
            for (int query = 0; query < count; query++)
                total.Merge<L, V>(query, tile.Largest[query], tile.Sums + (query * Positions), tile.Values + (query * valueWidth));
        }

        Give<L, V>(total, bunch, firstRow, endRow);
    }

    /// <summary>Takes a tile through the positions of one piece that its rows see.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadPiece<L, V, F>(in QueryTile tile, int bunch, int firstRow, int endRow, int piece)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IKvForm
    {
        const int Unit = QueryTile.UnitPositions;
        byte** memory = stackalloc byte*[2 * QueryTile.UnitBlocks];
        byte** blocks = memory, next = memory + QueryTile.UnitBlocks;
        KvLayout layout = _cache.Layout;
        ReadOnlySpan<int> table = _rows[firstRow].Sequence.Table;
        bool adjusts = _shape.SoftCap != 0 || _slopes is not null;
        int kvHead = bunch / _bunches, heads = HeadsOf(bunch);
        int first = Math.Max(piece * PiecePositions, FirstSeen(_rows[firstRow].Position)), last = Math.Min(((piece + 1) * PiecePositions) - 1, _rows[endRow - 1].Position);
        int end = _rows[endRow - 1].Position; // what is asked for ahead may be of the next piece
        Find(table, kvHead, first / Unit, end, next);
        for (int unit = first / Unit; unit <= last / Unit; unit++)
        {
            byte** read = next;
            next = blocks;
            blocks = read;
            Find(table, kvHead, unit < end / Unit ? unit + 1 : unit, end, next);
            int offset = unit * Unit, from = Math.Max(first - offset, 0), to = Math.Min(last + 1 - offset, Unit);
            int firstBlock = from / Positions, endBlock = (to + Positions - 1) / Positions;
            UnitProducts.Score<L, V, F>(tile, layout, blocks, firstBlock, endBlock);
            bool isSound = IsSound(_cache, table, offset, from, to);
            for (int row = firstRow, query = 0; row < endRow; row++, query += heads)
            {
                int position = _rows[row].Position, seen = Math.Max(FirstSeen(position) - offset, from), behind = Math.Min(position + 1 - offset, to);
                for (int h = 0; h < heads && (adjusts || !isSound); h++)
                {
                    float* scores = tile.Scores + ((query + h) * Unit);
                    if (adjusts)
                        Adjust<L, V>(scores, firstBlock, endBlock, F.Lower, FirstHeadOf(bunch) + h, offset - position);
                    MarkUnsound(_cache, table, scores, offset, seen, behind);
                }

                tile.Soften<L, V>(query, heads, firstBlock, endBlock, seen, behind, adjusts ? 1 : F.Lower, F.Lift);
            }

            UnitProducts.Weigh<L, V, F>(tile, layout, blocks, from, to, next);
        }
    }

    /// <summary>The unit's blocks; behind the last that is seen it again, for what is asked for ahead must be there.</summary>
    private void Find(ReadOnlySpan<int> table, int kvHead, int unit, int last, byte** blocks)
    {
        for (int block = 0; block < QueryTile.UnitBlocks; block++)
            blocks[block] = _cache.Head(_layer, table[Math.Min((unit * QueryTile.UnitBlocks) + block, last / Positions)], kvHead);
    }

    /// <summary>Caps the scores and lets them fall with the distance.</summary>
    /// <param name="lower">What they must still be multiplied with.</param>
    /// <param name="distance">From the query's position to the unit's first, ≤ 0 for those it sees.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Adjust<L, V>(float* scores, int firstBlock, int endBlock, float lower, int head, int distance)
        where L : struct, ILanes<V>
        where V : struct
    {
        V lowers = L.Create(lower), cap = L.Create(_shape.SoftCap), slope = L.Create(_slopes is null ? 0 : _slopes[head]);
        for (int place = firstBlock * Positions; place < endBlock * Positions; place += L.Count)
        {
            V score = L.Multiply(L.Load(scores + place), lowers);
            if (_shape.SoftCap != 0)
                score = LaneMath.SoftCap<L, V>(score, cap);
            if (_slopes is not null)
                score = L.MultiplyAdd(slope, LaneMath.CountUp<L, V>(distance + place), score);
            L.Store(score, scores + place);
        }
    }

    /// <summary>Whether what the cache holds at these places of a unit are numbers.</summary>
    private static bool IsSound(KvCache cache, ReadOnlySpan<int> table, int offset, int from, int to)
    {
        int unsound = 0;
        for (int block = from / Positions; block * Positions < to; block++)
            unsound |= cache.Unsound(table[(offset / Positions) + block]);
        return unsound == 0;
    }

    /// <summary>What was no number in the cache is none in the scores.</summary>
    internal static void MarkUnsound(KvCache cache, ReadOnlySpan<int> table, float* scores, int offset, int from, int to)
    {
        for (int block = from / Positions; block * Positions < to; block++)
        {
            int places = cache.Unsound(table[(offset / Positions) + block]);
            for (int place = Math.Max(from, block * Positions); places != 0 && place < Math.Min(to, (block + 1) * Positions); place++)
            {
                if (((places >> (place % Positions)) & 1) != 0)
                    scores[place] = float.NaN;
            }
        }
    }

    private static void Keep(in QueryTile tile, float* partial)
    {
        int entry = AttentionRoom.Entry(tile.ValueWidth);
        for (int query = 0; query < tile.Count; query++, partial += entry)
        {
            partial[0] = tile.Largest[query];
            new ReadOnlySpan<float>(tile.Sums + (query * Positions), Positions).CopyTo(new Span<float>(partial + Positions, Positions));
            new ReadOnlySpan<float>(tile.Values + (query * tile.ValueWidth), tile.ValueWidth).CopyTo(new Span<float>(partial + (2 * Positions), tile.ValueWidth));
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MergePieces<L, V>(int bunch, int tile, float* partials, long distance)
        where L : struct, ILanes<V>
        where V : struct
    {
        int count = QueriesOf(bunch, tile), valueWidth = _cache.Layout.ValueWidth, entry = AttentionRoom.Entry(valueWidth);
        float* memory = stackalloc float[QueryTile.Room(QueryTile.Many, 0, valueWidth) + Positions];
        var total = new QueryTile(Aligned(memory), count, QueryTile.Many, 0, valueWidth);
        total.Begin();
        for (int piece = 0; piece < PiecesOf(tile).Count; piece++, partials += distance)
        {
            float* partial = partials;
            for (int query = 0; query < count; query++, partial += entry)
                total.Merge<L, V>(query, partial[0], partial + Positions, partial + (2 * Positions));
        }

        Give<L, V>(total, bunch, _tiles[tile], _tiles[tile + 1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Give<L, V>(in QueryTile total, int bunch, int firstRow, int endRow)
        where L : struct, ILanes<V>
        where V : struct
    {
        float lower = _cache.Layout.Type == KvType.F16 ? HalfNumbers.Lower : 1;
        for (int row = firstRow, query = 0; row < endRow; row++)
        {
            for (int h = 0; h < HeadsOf(bunch); h++, query++)
                total.Give<L, V>(query, lower, _output + ((((long)row * _shape.Heads) + FirstHeadOf(bunch) + h) * _shape.ValueDimension), _shape.ValueDimension);
        }
    }

    internal static float* Aligned(float* memory) => (float*)(((nuint)memory + 63) & ~(nuint)63);
}
