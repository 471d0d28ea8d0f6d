using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Machine;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>Queries of a prompt that are taken through the positions together, 32 at a time by tiles of brain floats, and what is known of their softmaxes so far: a score near the largest, the
/// sum of weights, and the weighed sum of values, as in <see cref="QueryTile"/>.</summary>
/// <remarks>
/// A query is cut into two brain floats, and so is a key: three products of tiles give a score within 3 · 2^−17 of the sum of its products' magnitudes. A weight is rounded to one brain
/// float, and it is the rounded ones that are added up: so they still are shares of one.
/// Whatever is computed of a query is computed in the same order alone and beside others, and a place that it does not see has the weight 0.
/// </remarks>
internal readonly unsafe struct BrainQueries
{
    /// <summary>Queries of a block: two tiles.</summary>
    internal const int BlockQueries = 2 * BrainTile.Rows;

    /// <summary>Brain floats that a query's number is cut into.</summary>
    internal const int Parts = 2;

    /// <summary>From a query's scores to those of the next, in singles: not a power of two, so that the rows of a tile do not meet in the same lines of the first-level cache.</summary>
    internal const int ScoreStride = BrainPiece.Positions + Lanes;

    private const int Lanes = KvCache.BlockPositions;
    private const int WeightTiles = BrainPiece.Positions / BrainTile.Inputs;

    /// <summary>How much larger a score may be than the largest so far, without everything being made smaller for it.</summary>
    private const float Slack = 8;

    private const float Log2E = 1.44269504f;

    private readonly PromptSizes _sizes;
    private readonly byte* _tiles;
    private readonly float* _values;
    private readonly float* _sums;
    private readonly float* _largest;
    private readonly float* _scores;
    private readonly byte* _weights;

    /// <param name="memory"><see cref="BytesFor"/>, aligned to 64 bytes.</param>
    /// <param name="count">Queries, 1 to those of <paramref name="sizes"/>.</param>
    public BrainQueries(byte* memory, in PromptSizes sizes, int count)
    {
        (_sizes, Count) = (sizes, count);
        _tiles = memory;
        _weights = _tiles + TileBytes(sizes);
        _values = (float*)(_weights + (2 * WeightTiles * BrainTile.Bytes));
        _sums = _values + ((long)sizes.Queries * sizes.ValueWidth);
        _scores = _sums + ((long)sizes.Queries * Lanes);
        _largest = _scores + (BlockQueries * ScoreStride);
        new Span<float>(_values, count * sizes.ValueWidth).Clear();
        new Span<float>(_sums, count * Lanes).Clear();
        new Span<float>(_largest, count).Fill(float.NegativeInfinity);
    }

    /// <summary>Queries in it.</summary>
    public int Count { get; }

    /// <summary>Bytes that so many queries take, a multiple of 64.</summary>
    public static long BytesFor(in PromptSizes sizes) =>
        TileBytes(sizes) + (2 * WeightTiles * BrainTile.Bytes) + (((sizes.Queries * (sizes.ValueWidth + Lanes + 1L)) + (BlockQueries * ScoreStride)) * sizeof(float));

    /// <summary>Puts a query of <paramref name="dimension"/> numbers into its place.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Put(int place, float* query, int dimension, float factor)
    {
        float* rest = stackalloc float[BrainTile.Inputs];
        byte* to = _tiles + (place / BrainTile.Rows * TileRowBytes(_sizes)) + (place % BrainTile.Rows * BrainTile.Inputs * sizeof(ushort));
        for (int start = 0; start < dimension; start += BrainTile.Inputs, to += Parts * BrainTile.Bytes)
        {
            float* at = query + start;
            if (dimension - start < BrainTile.Inputs)
            {
                new Span<float>(rest, BrainTile.Inputs).Clear();
                new ReadOnlySpan<float>(at, dimension - start).CopyTo(new Span<float>(rest, BrainTile.Inputs));
                at = rest;
            }

            (Vector512<uint> lowerBits, Vector512<float> lowerLeft) = BrainFloat.Round(Vector512.Load(at) * Vector512.Create(factor));
            (Vector512<uint> upperBits, Vector512<float> upperLeft) = BrainFloat.Round(Vector512.Load(at + BrainTile.Rows) * Vector512.Create(factor));
            BrainFloat.Pair(lowerBits, upperBits).Store((uint*)to);
            BrainFloat.Pair(BrainFloat.RoundUsual(lowerLeft).Bits, BrainFloat.RoundUsual(upperLeft).Bits).Store((uint*)(to + BrainTile.Bytes));
        }
    }

    /// <summary>Scores of the block of queries that begins with <paramref name="first"/>, at the positions from 32 · <paramref name="firstStep"/> to 32 · <paramref name="endStep"/> − 1 of a piece.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Score(int first, in BrainPiece piece, int firstStep, int endStep)
    {
        byte* configuration = stackalloc byte[64];
        int count = Configure(configuration, first);
        BrainTileTask task = default;
        task.Configuration = configuration;
        task.Inputs = _tiles + (first / BrainTile.Rows * TileRowBytes(_sizes));
        task.SecondInputs = task.Inputs + TileRowBytes(_sizes);
        task.Weights = piece.Keys + (2 * firstStep * piece.KeyPanelBytes);
        task.SecondWeights = task.Weights + piece.KeyPanelBytes;
        task.WeightsBlock = 2 * piece.KeyPanelBytes;
        task.Output = _scores + (firstStep * BrainTile.Inputs);
        task.OutputStride = ScoreStride * sizeof(float);
        task.OutputBlock = BrainTile.Inputs * sizeof(float);
        task.Steps = _sizes.KeySteps;
        task.Blocks = endStep - firstStep;
        BrainTileKernel.For(BrainWeights.Keys, RowTiles(count), panels: 2, goesOn: false)(&task);
    }

    /// <summary>The scores of a block's query, for the positions of the piece.</summary>
    public float* Scores(int query) => _scores + (query % BlockQueries * ScoreStride);

    /// <summary>Turns the scores of a query into weights, and takes them into the sums.</summary>
    /// <remarks>
    /// Weights are made as if no score were much larger than those before, and what is the largest is seen meanwhile: once a text has been read for a while that is nearly always so. Where it is
    /// not, what was seen so far is made smaller and the weights are made again.
    /// </remarks>
    /// <param name="first">First place of the piece that was scored, a multiple of 32.</param>
    /// <param name="end">Behind the last one, likewise.</param>
    /// <param name="from">First place that the query sees.</param>
    /// <param name="to">Behind the last one; no more than <paramref name="from"/>: it sees none.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Soften(int query, int first, int end, int from, int to)
    {
        float* scores = Scores(query);
        byte* weights = _weights + (query % BlockQueries / BrainTile.Rows * WeightTiles * BrainTile.Bytes) + (query % BrainTile.Rows * BrainTile.Inputs * sizeof(ushort));
        if (from >= to)
        {
            Clear(weights, first, end);
            return;
        }

        if (from > first)
            new Span<float>(scores + first, from - first).Fill(float.NegativeInfinity);
        if (to < end)
            new Span<float>(scores + to, end - to).Fill(float.NegativeInfinity);
        float reference = _largest[query];
        if (float.IsNegativeInfinity(reference))
        {
            // Nothing was seen yet that counts.
            reference = Largest(scores, first, end);
            if (float.IsNegativeInfinity(reference) && !new ReadOnlySpan<float>(scores + from, to - from).ContainsAnyExcept(float.NegativeInfinity))
            {
                Clear(weights, first, end);
                return;
            }

            _largest[query] = reference;
        }

        float* sums = _sums + (query * Lanes);
        float largest = Weights(scores, first, end, reference, weights, sums);
        if (largest <= reference + Slack)
            return;
        Shrink(query, LaneMath.Exp<Lanes1, float>(reference - largest));
        _largest[query] = largest;
        Weights(scores, first, end, largest, weights, sums);
    }

    /// <summary>Adds the values of the places from 32 · <paramref name="firstStep"/> to 32 · <paramref name="endStep"/> − 1, weighed, to the sums of a block of queries.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Weigh(int first, in BrainPiece piece, int firstStep, int endStep)
    {
        byte* configuration = stackalloc byte[64];
        int count = Configure(configuration, first);
        BrainTileTask task = default;
        task.Configuration = configuration;
        task.Inputs = _weights + (firstStep * BrainTile.Bytes);
        task.SecondInputs = task.Inputs + (WeightTiles * BrainTile.Bytes);
        task.Weights = task.Ahead = piece.Values + (firstStep * BrainTile.Bytes);
        task.SecondWeights = task.SecondAhead = task.Weights + BrainPiece.ValuePanelBytes;
        task.WeightsBlock = 2 * BrainPiece.ValuePanelBytes;
        task.Output = _values + ((long)first * _sizes.ValueWidth);
        task.OutputStride = _sizes.ValueWidth * sizeof(float);
        task.OutputBlock = 2 * BrainTile.Rows * sizeof(float);
        task.Steps = endStep - firstStep;
        task.Blocks = _sizes.ValueWidth / (2 * BrainTile.Rows);
        BrainTileKernel.For(BrainWeights.Expanded, RowTiles(count), panels: 2, goesOn: true)(&task);
    }

    /// <summary>Writes the weighed mean of what a query has seen: <paramref name="count"/> numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Give(int query, float* output, int count)
    {
        float inverse = 1 / LaneMath.Sum(_sums + (query * Lanes));
        float* values = _values + ((long)query * _sizes.ValueWidth);
        int c = 0;
        for (; c + Vector512<float>.Count <= count; c += Vector512<float>.Count)
            (Vector512.Load(values + c) * Vector512.Create(inverse)).Store(output + c);
        for (; c < count; c++)
            output[c] = values[c] * inverse;
    }

    private static long TileRowBytes(in PromptSizes sizes) => sizes.KeySteps * (long)Parts * BrainTile.Bytes;

    private static long TileBytes(in PromptSizes sizes) => sizes.Queries / BrainTile.Rows * TileRowBytes(sizes);

    private static int RowTiles(int count) => count > BrainTile.Rows ? 2 : 1;

    private int Configure(byte* configuration, int first)
    {
        int count = Math.Min(BlockQueries, Count - first);
        BrainTileKernel.Configure(configuration, count);
        return count;
    }

    private static void Clear(byte* weights, int first, int end)
    {
        for (int place = first; place < end; place += BrainTile.Inputs)
            Vector512<uint>.Zero.Store((uint*)(weights + (place / BrainTile.Inputs * BrainTile.Bytes)));
    }

    /// <summary>Makes weights of scores, and adds them to the sums unless a score is larger than the reference by more than <see cref="Slack"/>. Gives the largest of them, −∞ where none is a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Weights(float* scores, int first, int end, float reference, byte* weights, float* sums)
    {
        Vector512<float> origin = Vector512.Create(-reference * Log2E), log2E = Vector512.Create(Log2E), most = Vector512.Create(float.NegativeInfinity), sum = Vector512.Load(sums);
        for (int place = first; place < end; place += BrainTile.Inputs)
        {
            Vector512<float> lower = Vector512.Load(scores + place), upper = Vector512.Load(scores + place + Lanes);
            most = Vector512.MaxNative(lower, Vector512.MaxNative(upper, most)); // in this order what is no number is passed over, and shows in the sum
            Vector512<uint> lowerBits = Weight(Vector512.FusedMultiplyAdd(lower, log2E, origin)), upperBits = Weight(Vector512.FusedMultiplyAdd(upper, log2E, origin));
            sum = sum + lowerBits.AsSingle() + upperBits.AsSingle();
            BrainFloat.Pair(lowerBits, upperBits).Store((uint*)(weights + (place / BrainTile.Inputs * BrainTile.Bytes)));
        }

        float largest = Largest(most);
        if (!(largest > reference + Slack))
            sum.Store(sums);
        return largest;
    }

    private static float Largest(float* scores, int first, int end)
    {
        Vector512<float> most = Vector512.Create(float.NegativeInfinity);
        for (int place = first; place < end; place += Lanes)
            most = Vector512.MaxNative(Vector512.Load(scores + place), most);
        return Largest(most);
    }

    /// <summary>Of 16 that all are numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector512<float> numbers)
    {
        Vector256<float> eight = Vector256.MaxNative(numbers.GetLower(), numbers.GetUpper());
        Vector128<float> four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2)))[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Shrink(int query, float factor)
    {
        Vector512<float> factors = Vector512.Create(factor);
        float* sums = _sums + (query * Lanes), values = _values + ((long)query * _sizes.ValueWidth);
        (Vector512.Load(sums) * factors).Store(sums);
        for (int c = 0; c < _sizes.ValueWidth; c += Vector512<float>.Count)
            (Vector512.Load(values + c) * factors).Store(values + c);
    }

    /// <summary>2^x as a brain float, in the upper halves: within 2^−18 before it is rounded. −∞ gives zero, and what is no number stays so.</summary>
    /// <remarks>2^x is 2^⌊x⌋ times a polynomial of what is left, made by Remez' algorithm for the least relative error between 0 and 1.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Weight(Vector512<float> x)
    {
        const byte Down = 1;
        Vector512<float> left = Avx512DQ.Reduce(x, Down);
        Vector512<float> power = Vector512.FusedMultiplyAdd(Vector512.Create(0.013534168f), left, Vector512.Create(0.05201146f));
        power = Vector512.FusedMultiplyAdd(power, left, Vector512.Create(0.24144275f));
        power = Vector512.FusedMultiplyAdd(power, left, Vector512.Create(0.69300383f));
        power = Vector512.FusedMultiplyAdd(power, left, Vector512.Create(1.0000026f));
        return BrainFloat.RoundUsual(Avx512F.Scale(power, x)).Bits;
    }
}
