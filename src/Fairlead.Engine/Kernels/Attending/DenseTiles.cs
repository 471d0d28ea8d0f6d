using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>A part is one head and some tiles of queries of one text, each of whose tokens sees all of them.</summary>
/// <remarks>A unit's keys and values are put in the order in which <see cref="KvType.F32"/> keeps them, once for all the part's tiles.</remarks>
internal readonly unsafe struct DenseTiles : IWork
{
    private const int Positions = KvCache.BlockPositions;

    /// <summary>Singles of a part's tiles and of its unit, each, as far as heads are not so long that a single tile or block takes more: 64 KiB.</summary>
    private const int RoomFloats = 1 << 14;

    private readonly float* _queries;
    private readonly float* _keys;
    private readonly float* _values;
    private readonly int _tokens;
    private readonly AttentionShape _shape;
    private readonly float* _bias;
    private readonly float* _output;
    private readonly KvLayout _layout;
    private readonly int _width;
    private readonly int _tiles;
    private readonly int _blocks;
    private readonly int _partsPerHead;

    public DenseTiles(float* queries, float* keys, float* values, int tokens, in AttentionShape shape, float* bias, float* output)
    {
        _queries = queries;
        _keys = keys;
        _values = values;
        _bias = bias;
        _output = output;
        (_tokens, _shape) = (tokens, shape);
        _layout = new KvLayout(KvType.F32, shape.KeyDimension, shape.ValueDimension);
        _width = QueryTile.Most(shape.KeyDimension, shape.ValueDimension);
        int most = Math.Max(1, RoomFloats / TileRoom), all = (tokens + _width - 1) / _width;
        _partsPerHead = (all + most - 1) / most;
        _tiles = (all + _partsPerHead - 1) / _partsPerHead;
        _blocks = Math.Clamp(RoomFloats * sizeof(float) / _layout.Bytes, 1, QueryTile.UnitBlocks);
    }

    public int Parts => _shape.Heads * _partsPerHead;

    private int TileRoom => (QueryTile.Room(_width, _shape.KeyDimension, _layout.ValueWidth) + Positions - 1) / Positions * Positions;

    public void Do(int part)
    {
        switch (Simd.Family)
        {
            case SimdFamily.Vector512: Read<Lanes16, Vector512<float>>(part); break;
            case SimdFamily.Vector256: Read<Lanes8, Vector256<float>>(part); break;
            case SimdFamily.Vector128: Read<Lanes4, Vector128<float>>(part); break;
            default: Read<Lanes1, float>(part); break;
        }
    }

    [SkipLocalsInit]
    private void Read<L, V>(int part)
        where L : struct, ILanes<V>
        where V : struct
    {
        (int head, int firstTile) = (part / _partsPerHead, part % _partsPerHead * _tiles);
        int firstQuery = firstTile * _width, count = Math.Min(_tokens - firstQuery, _tiles * _width), tiles = (count + _width - 1) / _width;
        float* memory = stackalloc float[(tiles * TileRoom) + (_blocks * _layout.Bytes / sizeof(float)) + Positions];
        memory = CausalTiles.Aligned(memory);
        byte* unit = (byte*)(memory + (tiles * TileRoom));
        byte** blocks = stackalloc byte*[QueryTile.UnitBlocks];
        for (int block = 0; block < QueryTile.UnitBlocks; block++)
            blocks[block] = unit + (Math.Min(block, _blocks - 1) * _layout.Bytes);
        QueryTile* all = stackalloc QueryTile[tiles];
        for (int t = 0; t < tiles; t++)
        {
            all[t] = new QueryTile(memory + (t * TileRoom), Math.Min(count - (t * _width), _width), _width, _shape.KeyDimension, _layout.ValueWidth);
            all[t].Begin();
            all[t].PutAll(_queries + ((((long)(firstQuery + (t * _width)) * _shape.Heads) + head) * _shape.KeyDimension), (long)_shape.Heads * _shape.KeyDimension, _shape.Scale);
        }

        int kvHead = head / (_shape.Heads / _shape.KvHeads);
        for (int offset = 0; offset < _tokens; offset += _blocks * Positions)
        {
            int places = Math.Min(_blocks * Positions, _tokens - offset);
            if (Seen(firstQuery, offset, places).From >= Seen(firstQuery + count - 1, offset, places).To)
                continue;
            Arrange(offset, places, kvHead, blocks);
            for (int t = 0; t < tiles; t++)
                Read<L, V>(all[t], firstQuery + (t * _width), head, offset, places, blocks);
        }

        for (int query = 0; query < count; query++)
            all[query / _width].Give<L, V>(query % _width, 1, _output + ((((long)(firstQuery + query) * _shape.Heads) + head) * _shape.ValueDimension), _shape.ValueDimension);
    }

    /// <summary>One tile and one unit.</summary>
    private void Read<L, V>(in QueryTile tile, int firstQuery, int head, int offset, int places, byte** blocks)
        where L : struct, ILanes<V>
        where V : struct
    {
        int from = Seen(firstQuery, offset, places).From, to = Seen(firstQuery + tile.Count - 1, offset, places).To;
        if (from >= to)
            return;
        int firstBlock = from / Positions, endBlock = (to + Positions - 1) / Positions;
        UnitProducts.Score<L, V, SingleNumbers>(tile, _layout, blocks, firstBlock, endBlock);
        int together = _shape.Window > 0 ? 1 : tile.Count; // that see the same
        for (int query = 0; query < tile.Count; query++)
        {
            int token = firstQuery + query;
            (int first, int end) = Seen(token, offset, places);
            float* scores = tile.Scores + (query * QueryTile.UnitPositions);
            if (_shape.SoftCap != 0)
            {
                for (int place = firstBlock * Positions; place < endBlock * Positions; place += L.Count)
                    L.Store(LaneMath.SoftCap<L, V>(L.Load(scores + place), L.Create(_shape.SoftCap)), scores + place);
            }

            if (_bias is not null)
                Elementwise.Add(scores + first, _bias + ((((long)head * _tokens) + token) * _tokens) + offset + first, Math.Max(0, end - first));
            if ((query + 1) % together == 0)
                tile.Soften<L, V>(query + 1 - together, together, firstBlock, endBlock, first, end, 1, 1);
        }

        UnitProducts.Weigh<L, V, SingleNumbers>(tile, _layout, blocks, from, to, blocks);
    }

    /// <summary>The places of a unit that a token sees.</summary>
    private (int From, int To) Seen(int token, int offset, int places) => _shape.Window > 0
        ? (Math.Clamp(token - _shape.Window + 1 - offset, 0, places), Math.Clamp(token + _shape.Window - offset, 0, places))
        : (0, places);

    /// <summary>Puts a unit's keys and values where kernels read them. Places behind the last are multiplied too, and left out: zeros.</summary>
    private void Arrange(int offset, int places, int kvHead, byte** blocks)
    {
        long keyStride = (long)_shape.KvHeads * _shape.KeyDimension, valueStride = (long)_shape.KvHeads * _shape.ValueDimension;
        float* key = _keys + (offset * keyStride) + (kvHead * _shape.KeyDimension), value = _values + (offset * valueStride) + (kvHead * _shape.ValueDimension);
        for (int block = 0; block * Positions < places; block++)
        {
            float* keys = (float*)blocks[block], values = (float*)(blocks[block] + _layout.Values);
            int count = Math.Min(Positions, places - (block * Positions));
            Transpose(key, keyStride, count, keys);
            for (int place = 0; place < Positions; place++)
            {
                var row = new Span<float>(values + (place * _layout.ValueWidth), _layout.ValueWidth);
                if (place < count)
                    new ReadOnlySpan<float>(value + (place * valueStride), _shape.ValueDimension).CopyTo(row);
                row[(place < count ? _shape.ValueDimension : 0)..].Clear();
            }

            key += Positions * keyStride;
            value += Positions * valueStride;
        }
    }

    private void Transpose(float* key, long stride, int count, float* to)
    {
        int place = 0;
        for (; place + Turned.Rows <= count; place += Turned.Rows)
            Turned.Put(key + (place * stride), stride, _shape.KeyDimension, 1, to + place, Positions);
        for (int d = 0; d < _shape.KeyDimension; d++)
        {
            for (int p = place; p < Positions; p++)
                to[(d * Positions) + p] = p < count ? key[(p * stride) + d] : 0;
        }
    }
}
