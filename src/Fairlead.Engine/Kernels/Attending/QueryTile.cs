using System.Runtime.CompilerServices;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>Up to twelve queries that are taken through the positions together, and what is known of their softmaxes so far: a score near the largest, the sum of weights,
/// and the weighed sum of values (Milakov and Gimelshein 2018).</summary>
/// <remarks>
/// Positions come in units of at most 64. Whatever is computed of a query is computed in the same order alone and beside others; a place that a query does not see has the weight 0, and
/// what stands there is finite, so it adds nothing.
/// </remarks>
internal readonly unsafe struct QueryTile
{
    /// <summary>Queries that one kernel takes together.</summary>
    internal const int Few = 4;

    /// <summary>Queries that the largest kernel takes together: with two vectors of positions each, 24 sums for 32 registers.</summary>
    internal const int Many = 12;

    /// <summary>Positions of a unit.</summary>
    internal const int UnitPositions = UnitBlocks * KvCache.BlockPositions;

    /// <summary>Blocks of a unit.</summary>
    internal const int UnitBlocks = 4;

    /// <summary>Heads longer than this come four queries at a time, so that a tile stays below 50 KiB.</summary>
    private const int LongHead = 256;

    /// <summary>How much larger a score may be than the largest so far, without everything being made smaller for it: weights then reach e^8, which costs no bit and saves most of that work.</summary>
    private const float Slack = 8;

    private const int Positions = KvCache.BlockPositions;

    /// <summary>A tile of <paramref name="count"/> queries in <paramref name="room"/>, which is aligned to 64 bytes. All of them are zeros.</summary>
    /// <param name="width">Queries it has room for: <see cref="Few"/> or <see cref="Many"/>.</param>
    internal QueryTile(float* room, int count, int width, int dimension, int valueWidth)
    {
        (Count, Width, Dimension, ValueWidth) = (count, width, dimension, valueWidth);
        Scores = room;
        Scaled = Scores + (width * UnitPositions);
        Sums = Scaled + (width * UnitPositions);
        Values = Sums + (width * Positions);
        Queries = Values + (width * valueWidth);
        Largest = Queries + (width * dimension);
        new Span<float>(Queries, width * dimension).Clear();
        new Span<float>(Scores, 2 * width * UnitPositions).Clear();
    }

    /// <summary>Queries in it.</summary>
    internal int Count { get; }

    /// <summary>Queries it has room for: <see cref="Few"/> or <see cref="Many"/>.</summary>
    internal int Width { get; }

    /// <summary>Length of a query.</summary>
    internal int Dimension { get; }

    /// <summary>From a sum of values to the next: a multiple of 16.</summary>
    internal int ValueWidth { get; }

    /// <summary><c>[Dimension × Width]</c>, scaled; zeros behind the last query.</summary>
    internal float* Queries { get; }

    /// <summary><c>[Width × 64]</c>: scores, then weights of the unit's positions.</summary>
    internal float* Scores { get; }

    /// <summary>The weights times the scales of a group of values; as many as there are <see cref="Scores"/>, behind them.</summary>
    internal float* Scaled { get; }

    /// <summary><c>[Width × 16]</c>: position p's weight is in sum p mod 16.</summary>
    internal float* Sums { get; }

    /// <summary><c>[Width × ValueWidth]</c>.</summary>
    internal float* Values { get; }

    /// <summary><c>[Width]</c>: what scores are relative to, the largest of them or up to 8 less.</summary>
    internal float* Largest { get; }

    /// <summary>Most queries of a tile for heads of these lengths.</summary>
    internal static int Most(int dimension, int valueDimension) => Math.Max(dimension, valueDimension) > LongHead ? Few : Many;

    /// <summary>Singles that a tile of <paramref name="width"/> queries takes.</summary>
    internal static int Room(int width, int dimension, int valueWidth) => (width * (dimension + (2 * UnitPositions) + Positions + valueWidth)) + Positions;

    /// <summary>Puts a query into its place.</summary>
    internal void Put(int place, float* query, float factor)
    {
        for (int d = 0; d < Dimension; d++)
            Queries[(d * Width) + place] = query[d] * factor;
    }

    /// <summary>Puts some queries into the first places; each begins <paramref name="stride"/> singles behind the one before.</summary>
    internal void PutAll(float* queries, long stride, float factor)
    {
        int place = 0;
        for (; place + Turned.Rows <= Count; place += Turned.Rows)
            Turned.Put(queries + (place * stride), stride, Dimension, factor, Queries + place, Width);
        for (; place < Count; place++)
            Put(place, queries + (place * stride), factor);
    }

    /// <summary>Forgets what was seen, and keeps the queries.</summary>
    internal void Begin()
    {
        new Span<float>(Sums, Width * (Positions + ValueWidth)).Clear();
        new Span<float>(Largest, Width).Fill(float.NegativeInfinity);
    }

    /// <summary>Turns the scores of some queries into weights, and takes them into the sums.</summary>
    /// <param name="query">The first of the queries.</param>
    /// <param name="count">How many; they see the same places.</param>
    /// <param name="first">First block that was scored.</param>
    /// <param name="end">Behind the last block that was scored.</param>
    /// <param name="from">First place of the unit that the queries see.</param>
    /// <param name="to">Behind the last such place; no more than <paramref name="from"/>: they see none.</param>
    /// <param name="lower">A power of two that the scores must still be multiplied with.</param>
    /// <param name="lift">A power of two that the weights are left multiplied with.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Soften<L, V>(int query, int count, int first, int end, int from, int to, float lower, float lift)
        where L : struct, ILanes<V>
        where V : struct
    {
        V lowers = L.Create(lower), lifts = L.Create(lift);
        for (int last = query + count; query < last; query++)
        {
            float* unit = Scores + (query * UnitPositions), scores = unit + (first * Positions), behind = unit + (end * Positions);
            for (float* at = scores; at < behind && at < unit + from; at++)
                *at = float.NegativeInfinity;
            for (float* at = Math.Max(to, first * Positions) + unit; at < behind; at++)
                *at = float.NegativeInfinity;
            V most = L.Create(float.NegativeInfinity);
            for (float* at = scores; at < behind; at += L.Count)
                most = L.Max(L.Load(at), most); // in this order what is no number is passed over, and shows in the sum
            most = L.Multiply(most, lowers);
            if ((float.IsNegativeInfinity(Largest[query]) || L.AnyGreater(most, L.Create(Largest[query] + Slack))) && !SeesAny<L, V>(query, most, scores, behind))
                continue;
            float* sums = Sums + (query * Positions);
            V largest = L.Create(-Largest[query]);
            for (int lane = 0; lane < Positions; lane += L.Count)
            {
                V sum = L.Load(sums + lane);
                for (float* at = scores + lane; at < behind; at += Positions)
                {
                    V weight = LaneMath.ExpBelow<L, V>(L.MultiplyAdd(L.Load(at), lowers, largest));
                    sum = L.Add(sum, weight);
                    L.Store(L.Multiply(weight, lifts), at);
                }

                L.Store(sum, sums + lane);
            }
        }
    }

    /// <summary>Takes in what another tile has seen of the same queries, behind what this one has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Merge<L, V>(int query, float largest, float* sums, float* values)
        where L : struct, ILanes<V>
        where V : struct
    {
        // Nothing seen, and nothing that is no number.
        if (float.IsNegativeInfinity(largest) && LaneMath.Sum(sums) == 0)
            return;
        float before = Largest[query], most = largest > before ? largest : before;
        float mine = LaneMath.Exp<Lanes1, float>(before - most), others = LaneMath.Exp<Lanes1, float>(largest - most);
        Largest[query] = most;
        Mix<L, V>(Sums + (query * Positions), mine, sums, others, Positions);
        Mix<L, V>(Values + (query * ValueWidth), mine, values, others, ValueWidth);
    }

    /// <summary>Writes the weighed mean of what was seen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Give<L, V>(int query, float lower, float* output, int count)
        where L : struct, ILanes<V>
        where V : struct
    {
        float inverse = lower / LaneMath.Sum(Sums + (query * Positions));
        float* values = Values + (query * ValueWidth);
        V inverses = L.Create(inverse);
        int c = 0;
        for (; c + L.Count <= count; c += L.Count)
            L.Store(L.Multiply(L.Load(values + c), inverses), output + c);
        for (; c < count; c++)
            output[c] = values[c] * inverse;
    }

    /// <summary>Makes scores relative to the largest of them, which is larger than what they were relative to; false where there is none, and nothing that is no number: the weights are 0 then.</summary>
    /// <param name="most">The largest scores, place by place of a vector.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool SeesAny<L, V>(int query, V most, float* scores, float* behind)
        where L : struct, ILanes<V>
        where V : struct
    {
        float* lanes = stackalloc float[Positions];
        if (L.Count < Positions)
            new Span<float>(lanes, Positions).Fill(float.NegativeInfinity);
        L.Store(most, lanes);
        float before = Largest[query], largest = LaneMath.Largest(lanes);
        var all = new Span<float>(scores, (int)(behind - scores));
        if (float.IsNegativeInfinity(largest) && !all.ContainsAnyExcept(float.NegativeInfinity))
        {
            all.Clear();
            return false;
        }

        if (largest > before)
        {
            if (!float.IsNegativeInfinity(before)) // else there is nothing yet
                Shrink<L, V>(query, LaneMath.Exp<Lanes1, float>(before - largest));
            Largest[query] = largest;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Shrink<L, V>(int query, float factor)
        where L : struct, ILanes<V>
        where V : struct
    {
        V factors = L.Create(factor);
        float* sums = Sums + (query * Positions), values = Values + (query * ValueWidth);
        for (int lane = 0; lane < Positions; lane += L.Count)
            L.Store(L.Multiply(L.Load(sums + lane), factors), sums + lane);
        for (int c = 0; c < ValueWidth; c += L.Count)
            L.Store(L.Multiply(L.Load(values + c), factors), values + c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Mix<L, V>(float* mine, float myFactor, float* others, float theirFactor, int count)
        where L : struct, ILanes<V>
        where V : struct
    {
        V a = L.Create(myFactor), b = L.Create(theirFactor);
        for (int c = 0; c < count; c += L.Count)
            L.Store(L.MultiplyAdd(L.Load(others + c), b, L.Multiply(L.Load(mine + c), a)), mine + c);
    }
}
