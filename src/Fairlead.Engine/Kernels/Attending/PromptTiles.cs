using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>Rows of prompts by tiles of brain floats: a part is one cached head and a run of rows of one sequence, with all heads that read it.</summary>
/// <remarks>
/// Keys and values come in pieces of 256 positions, counted from the text's beginning; each becomes brain floats once for all queries of a part. So a part of few rows costs
/// little less than one of many. Of a row nothing depends on the part that it is in.
/// </remarks>
internal readonly unsafe ref struct PromptTiles : IWork
{
    /// <summary>Queries below which making brain floats would show beside multiplying with them.</summary>
    private const int LeastQueries = 128;

    private readonly ReadOnlySpan<StepRow> _rows;
    private readonly ReadOnlySpan<int> _runs;
    private readonly float* _queries;
    private readonly KvCache _cache;
    private readonly int _layer;
    private readonly AttentionShape _shape;
    private readonly float* _slopes;
    private readonly float* _output;
    private readonly PromptRoom _room;
    private readonly int _group;

    /// <param name="runs">First rows of the runs, as <see cref="Cut"/> gives them, and behind them the number of rows.</param>
    public PromptTiles(
        ReadOnlySpan<StepRow> rows, ReadOnlySpan<int> runs, float* queries, KvCache cache, int layer, in AttentionShape shape, float* slopes, float* output, PromptRoom room)
    {
        _rows = rows;
        _runs = runs;
        _queries = queries;
        _slopes = slopes;
        _output = output;
        (_cache, _layer, _shape, _room) = (cache, layer, shape, room);
        _group = shape.Heads / shape.KvHeads;
    }

    /// <summary>Runs, for each head of the cache.</summary>
    public int Parts => Runs * _shape.KvHeads;

    private int Runs => _runs.Length - 1;

    /// <summary>Fills <paramref name="runs"/> with the first row of each run, and gives their number.</summary>
    /// <param name="parts">Parts that are wanted, where there are rows enough: several for each thread.</param>
    public static int Cut(ReadOnlySpan<StepRow> rows, in AttentionShape shape, in PromptSizes sizes, int parts, Span<int> runs)
    {
        int group = shape.Heads / shape.KvHeads, least = Math.Max(1, LeastQueries / group), shared = (int)((long)rows.Length * shape.KvHeads / parts);
        int most = Math.Min(sizes.Queries / group, Math.Max(least, shared)), count = 0;
        for (int row = 0; row < rows.Length; row++)
        {
            bool fits = count > 0 && row - runs[count - 1] < most && ReferenceEquals(rows[row].Sequence, rows[row - 1].Sequence) && rows[row].Position == rows[row - 1].Position + 1;
            if (!fits)
                runs[count++] = row;
        }

        return count;
    }

    /// <summary>The heads' order is that in which they lie; of a head's runs the last have most to do, and come first.</summary>
    public void Do(int part)
    {
        (int kvHead, int run) = (part / Runs, Runs - 1 - (part % Runs));
        byte* memory = _room.Take(out int number);
        switch (_cache.Layout.Type)
        {
            case KvType.F32: Read<SingleNumbers>(kvHead, run, memory); break;
            case KvType.F16: Read<HalfNumbers>(kvHead, run, memory); break;
            default: Read<ByteNumbers>(kvHead, run, memory); break;
        }

        _room.Return(number);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Read<F>(int kvHead, int run, byte* memory)
        where F : struct, IKvForm
    {
        int firstRow = _runs[run], rows = _runs[run + 1] - firstRow, firstHead = kvHead * _group, last = _rows[firstRow + rows - 1].Position;
        ReadOnlySpan<int> table = _rows[firstRow].Sequence.Table;
        PromptSizes sizes = _room.Sizes;
        var queries = new BrainQueries(memory, sizes, rows * _group);
        var brains = new BrainPiece(memory + sizes.QueriesBytes, sizes);
        for (int query = 0; query < queries.Count; query++)
        {
            long place = ((firstRow + (query / _group)) * (long)_shape.Heads) + firstHead + (query % _group);
            queries.Put(query, _queries + (place * _shape.KeyDimension), _shape.KeyDimension, _shape.Scale);
        }

        int seen = FirstSeen(_rows[firstRow].Position);
        for (int piece = seen / BrainPiece.Positions; piece <= last / BrainPiece.Positions; piece++)
        {
            (int firstStep, int endStep) = Steps(piece, seen, last);
            brains.Read<F>(_cache, _layer, table, kvHead, piece, firstStep, endStep, last);
            bool isSound = IsSound(table, piece, last);
            for (int block = 0; block < queries.Count; block += BrainQueries.BlockQueries)
                Read(queries, block, brains, piece, isSound, firstRow, firstHead);
        }

        for (int query = 0; query < queries.Count; query++)
        {
            long place = ((firstRow + (query / _group)) * (long)_shape.Heads) + firstHead + (query % _group);
            queries.Give(query, _output + (place * _shape.ValueDimension), _shape.ValueDimension);
        }
    }

    /// <summary>Takes a block of queries through a piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Read(in BrainQueries queries, int block, in BrainPiece brains, int piece, bool isSound, int firstRow, int firstHead)
    {
        int end = Math.Min(block + BrainQueries.BlockQueries, queries.Count), offset = piece * BrainPiece.Positions;
        (int firstStep, int endStep) = Steps(piece, FirstSeen(_rows[firstRow + (block / _group)].Position), _rows[firstRow + ((end - 1) / _group)].Position);
        if (firstStep >= endStep)
            return;
        queries.Score(block, brains, firstStep, endStep);
        int first = firstStep * Packed.BrainTile.Inputs, behind = endStep * Packed.BrainTile.Inputs;
        ReadOnlySpan<int> table = _rows[firstRow].Sequence.Table;
        for (int query = block; query < end; query++)
        {
            int position = _rows[firstRow + (query / _group)].Position;
            int from = Math.Max(FirstSeen(position) - offset, first), to = Math.Min(position + 1 - offset, behind);
            if (_shape.SoftCap != 0 || _slopes is not null)
                Adjust(queries.Scores(query), first, behind, firstHead + (query % _group), offset - position);
            if (!isSound)
                CausalTiles.MarkUnsound(_cache, table, queries.Scores(query), offset, from, to);
            queries.Soften(query, first, behind, from, to);
        }

        queries.Weigh(block, brains, firstStep, endStep);
    }

    /// <summary>Whether no place of a piece held what is no number.</summary>
    private bool IsSound(ReadOnlySpan<int> table, int piece, int last)
    {
        int unsound = 0, end = Math.Min((piece + 1) * BrainPiece.Positions, last + 1);
        for (int position = piece * BrainPiece.Positions; position < end; position += KvCache.BlockPositions)
            unsound |= _cache.Unsound(table[position / KvCache.BlockPositions]);
        return unsound == 0;
    }

    /// <summary>Which 32 positions of a piece hold those from <paramref name="seen"/> to <paramref name="last"/>.</summary>
    private static (int First, int End) Steps(int piece, int seen, int last)
    {
        int offset = piece * BrainPiece.Positions;
        return (Math.Max(0, seen - offset) / Packed.BrainTile.Inputs, (Math.Clamp(last + 1 - offset, 0, BrainPiece.Positions) + Packed.BrainTile.Inputs - 1) / Packed.BrainTile.Inputs);
    }

    private int FirstSeen(int position) => _shape.Window > 0 ? Math.Max(0, position - _shape.Window + 1) : 0;

    /// <summary>Caps the scores and lets them fall with the distance.</summary>
    /// <param name="distance">From the query's position to the piece's first, ≤ 0 for those it sees.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Adjust(float* scores, int first, int end, int head, int distance)
    {
        Vector512<float> cap = Vector512.Create(_shape.SoftCap), slope = Vector512.Create(_slopes is null ? 0 : _slopes[head]);
        for (int place = first; place < end; place += Vector512<float>.Count)
        {
            Vector512<float> score = Vector512.Load(scores + place);
            if (_shape.SoftCap != 0)
                score = LaneMath.SoftCap<Lanes16, Vector512<float>>(score, cap);
            if (_slopes is not null)
                score = Vector512.FusedMultiplyAdd(slope, LaneMath.CountUp<Lanes16, Vector512<float>>(distance + place), score);
            score.Store(scores + place);
        }
    }
}
