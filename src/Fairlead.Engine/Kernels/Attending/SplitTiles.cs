using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>The pieces of every tile, each for itself: where fewer tiles than threads would leave some of them idle. <see cref="MergedTiles"/> comes after it.</summary>
internal readonly unsafe ref struct SplitTiles(CausalTiles tiles, SplitPlan plan) : IWork
{
    private readonly CausalTiles _tiles = tiles;
    private readonly SplitPlan _plan = plan;

    public void Do(int part)
    {
        (int bunch, int piece) = (part / _plan.Pieces, part % _plan.Pieces);
        int tile = _plan.TileOf(piece);
        _tiles.ReadPiece(bunch, tile, _tiles.PiecesOf(tile).First + piece - _plan.FirstOf(tile), _plan.Partials(bunch, piece));
    }
}

/// <summary>What the pieces of every tile come to.</summary>
internal readonly unsafe ref struct MergedTiles(CausalTiles tiles, SplitPlan plan) : IWork
{
    private readonly CausalTiles _tiles = tiles;
    private readonly SplitPlan _plan = plan;

    public void Do(int part)
    {
        (int bunch, int tile) = (part / _tiles.Tiles, part % _tiles.Tiles);
        _tiles.MergePieces(bunch, tile, _plan.Partials(bunch, _plan.FirstOf(tile)), _plan.PerPiece);
    }
}

/// <summary>Where each piece of each tile is kept.</summary>
internal readonly unsafe ref struct SplitPlan
{
    private readonly ReadOnlySpan<int> _firsts;
    private readonly float* _room;

    /// <param name="firsts">Room for a number for each tile and one more; filled here.</param>
    /// <param name="queries">Most queries of a tile.</param>
    public SplitPlan(CausalTiles tiles, Span<int> firsts, int queries, int valueWidth, float* room)
    {
        firsts[0] = 0;
        for (int tile = 0; tile < tiles.Tiles; tile++)
            firsts[tile + 1] = firsts[tile] + tiles.PiecesOf(tile).Count;
        _firsts = firsts[..(tiles.Tiles + 1)];
        _room = room;
        PerPiece = (long)queries * AttentionRoom.Entry(valueWidth);
        Floats = PerPiece * Pieces * tiles.Bunches;
    }

    /// <summary>Pieces of all tiles.</summary>
    public int Pieces => _firsts[^1];

    /// <summary>Singles kept of a piece.</summary>
    public long PerPiece { get; }

    /// <summary>Singles kept in all.</summary>
    public long Floats { get; }

    /// <summary>The first piece of a tile, counted over all tiles.</summary>
    public int FirstOf(int tile) => _firsts[tile];

    /// <summary>The tile that a piece belongs to.</summary>
    public int TileOf(int piece)
    {
        int tile = _firsts.BinarySearch(piece);
        return tile >= 0 ? tile : ~tile - 1;
    }

    /// <summary>What is known after a piece.</summary>
    public float* Partials(int bunch, int piece) => _room + ((((long)bunch * Pieces) + piece) * PerPiece);
}
