using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Kernels.Attending;

/// <summary>The two products of attention over a unit of up to 64 positions: queries with keys, weights with values.</summary>
/// <remarks>
/// A score is summed by fused multiply-adds in the order of the key's numbers, from zero on, and in <see cref="KvType.Q8_0"/> in groups of 32 whose sums are taken times their scale in order; a value is
/// added to a sum in the order of the positions. So neither the width of a vector nor the queries beside it change a bit.
/// While keys are multiplied the same blocks' values are asked for from memory, and while values are, the next unit's keys: each product
/// finds its numbers in the first-level cache, and memory is never idle.
/// </remarks>
internal static unsafe class UnitProducts
{
    private const int Positions = KvCache.BlockPositions;
    private const int UnitPositions = QueryTile.UnitPositions;

    /// <summary>Whether twelve queries' sums for two vectors fit into the registers.</summary>
    private static bool HasRegistersForMany<L, V>()
        where L : struct, ILanes<V>
        where V : struct
        => L.Count == 16 || AdvSimd.IsSupported;

    /// <summary>Scores of every query of the tile, scaled already, for the blocks from <paramref name="first"/> to <paramref name="end"/> − 1.</summary>
    /// <param name="blocks">Heads of the unit's blocks.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Score<L, V, F>(in QueryTile tile, in KvLayout layout, byte** blocks, int first, int end)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IKvForm
    {
        for (int block = first; block < end; block += 2)
        {
            // The last of an odd number stands beside itself, and its second scores where nobody looks.
            bool alone = block + 1 == end;
            int beside = alone ? block : block + 1;
            var keys = new Pair(blocks[block], blocks[beside], layout.KeyScales, alone ? tile.Width * UnitPositions : Positions);
            var ahead = new Ahead(blocks[block] + layout.Values, blocks[beside] + layout.Values, (layout.ValueScales - layout.Values) / tile.Dimension);
            float* scores = tile.Scores + (block * Positions);
            if (tile.Width == QueryTile.Many && HasRegistersForMany<L, V>())
            {
                Score<L, V, F, Twelve>(tile.Queries, tile.Width, tile.Dimension, keys, scores, ahead);
                continue;
            }

            for (int query = 0; query < tile.Count; query += QueryTile.Few)
                Score<L, V, F, Four>(tile.Queries + query, tile.Width, tile.Dimension, keys, scores + (query * UnitPositions), ahead);
        }
    }

    /// <summary>Adds the values of the places from <paramref name="from"/> to <paramref name="to"/> − 1, weighed, to every query's sum.</summary>
    /// <param name="next">Heads of the next unit's blocks, or of this one's.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Weigh<L, V, F>(in QueryTile tile, in KvLayout layout, byte** blocks, int from, int to, byte** next)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IKvForm
    {
        byte** values = stackalloc byte*[QueryTile.UnitBlocks];
        int stride = tile.ValueWidth * F.Bytes, together = 2 * L.Count, group = F.HasScales ? KvLayout.Group : tile.ValueWidth;
        for (int start = 0; start < tile.ValueWidth; start += group)
        {
            float* weights = tile.Scores;
            if (F.HasScales)
            {
                Scale<L, V>(tile, layout, blocks, from, to, start / KvLayout.Group);
                weights = tile.Scaled;
            }

            for (int column = start, end = Math.Min(start + group, tile.ValueWidth); column < end; column += together)
            {
                // A last single vector stands beside itself.
                float* first = tile.Values + column, second = column + L.Count < end ? first + L.Count : first;
                for (int block = from / Positions; block * Positions < to; block++)
                    values[block] = blocks[block] + layout.Values + (column * F.Bytes);
                int ahead = column * Positions * F.Bytes;
                if (tile.Width == QueryTile.Many && HasRegistersForMany<L, V>())
                {
                    Weigh<L, V, F, Twelve>(weights, values, stride, from, to, first, second, tile.ValueWidth, next, ahead);
                    continue;
                }

                for (int query = 0; query < tile.Count; query += QueryTile.Few)
                {
                    long offset = (long)query * tile.ValueWidth;
                    Weigh<L, V, F, Four>(weights + (query * UnitPositions), values, stride, from, to, first + offset, second + offset, tile.ValueWidth, next, ahead);
                }
            }
        }
    }

    /// <summary>Weights times the scales of one group of values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale<L, V>(in QueryTile tile, in KvLayout layout, byte** blocks, int from, int to, int group)
        where L : struct, ILanes<V>
        where V : struct
    {
        for (int block = from / Positions; block * Positions < to; block++)
        {
            float* scales = (float*)(blocks[block] + layout.ValueScales) + (group * Positions);
            for (int query = 0; query < tile.Count; query++)
            {
                float* weights = tile.Scores + (query * UnitPositions) + (block * Positions), scaled = tile.Scaled + (query * UnitPositions) + (block * Positions);
                for (int lane = 0; lane < Positions; lane += L.Count)
                    L.Store(L.Multiply(L.Load(weights + lane), L.Load(scales + lane)), scaled + lane);
            }
        }
    }

    /// <summary>A sum of products as it is, or times its scale and added to those of the groups before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Give<L, V, F>(V sum, int start, float* scales, float* to)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IKvForm
    {
        if (F.HasScales)
            sum = start == 0 ? L.Multiply(sum, L.Load(scales)) : L.MultiplyAdd(sum, L.Load(scales), L.Load(to));
        L.Store(sum, to);
    }

    /// <summary>Scores of four queries or twelve for two blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score<L, V, F, N>(float* queries, int width, int dimension, in Pair keys, float* scores, in Ahead ahead)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IKvForm
        where N : struct, ICount
    {
        int group = F.HasScales ? KvLayout.Group : dimension;
        for (int lane = 0; lane < Positions; lane += L.Count)
        {
            for (int start = 0; start < dimension; start += group)
            {
                V a0 = L.Create(0f), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0, a8 = a0, a9 = a0, a10 = a0, a11 = a0;
                V b0 = a0, b1 = a0, b2 = a0, b3 = a0, b4 = a0, b5 = a0, b6 = a0, b7 = a0, b8 = a0, b9 = a0, b10 = a0, b11 = a0;
                float* query = queries + (start * width);
                byte* first = keys.First + (((start * Positions) + lane) * F.Bytes), second = keys.Second + (((start * Positions) + lane) * F.Bytes);
                for (int d = start, end = Math.Min(start + group, dimension); d < end; d++)
                {
                    if (Sse.IsSupported)
                    {
                        Sse.Prefetch0(ahead.First + (d * ahead.Step));
                        Sse.Prefetch0(ahead.Second + (d * ahead.Step));
                    }

                    V x = F.Load<L, V>(first), y = F.Load<L, V>(second);
                    V q0 = L.Create(query[0]);
                    a0 = L.MultiplyAdd(q0, x, a0);
                    b0 = L.MultiplyAdd(q0, y, b0);
                    V q1 = L.Create(query[1]);
                    a1 = L.MultiplyAdd(q1, x, a1);
                    b1 = L.MultiplyAdd(q1, y, b1);
                    V q2 = L.Create(query[2]);
                    a2 = L.MultiplyAdd(q2, x, a2);
                    b2 = L.MultiplyAdd(q2, y, b2);
                    V q3 = L.Create(query[3]);
                    a3 = L.MultiplyAdd(q3, x, a3);
                    b3 = L.MultiplyAdd(q3, y, b3);
                    if (N.Count > QueryTile.Few)
                    {
                        V q4 = L.Create(query[4]);
                        a4 = L.MultiplyAdd(q4, x, a4);
                        b4 = L.MultiplyAdd(q4, y, b4);
                        V q5 = L.Create(query[5]);
                        a5 = L.MultiplyAdd(q5, x, a5);
                        b5 = L.MultiplyAdd(q5, y, b5);
                        V q6 = L.Create(query[6]);
                        a6 = L.MultiplyAdd(q6, x, a6);
                        b6 = L.MultiplyAdd(q6, y, b6);
                        V q7 = L.Create(query[7]);
                        a7 = L.MultiplyAdd(q7, x, a7);
                        b7 = L.MultiplyAdd(q7, y, b7);
                        V q8 = L.Create(query[8]);
                        a8 = L.MultiplyAdd(q8, x, a8);
                        b8 = L.MultiplyAdd(q8, y, b8);
                        V q9 = L.Create(query[9]);
                        a9 = L.MultiplyAdd(q9, x, a9);
                        b9 = L.MultiplyAdd(q9, y, b9);
                        V q10 = L.Create(query[10]);
                        a10 = L.MultiplyAdd(q10, x, a10);
                        b10 = L.MultiplyAdd(q10, y, b10);
                        V q11 = L.Create(query[11]);
                        a11 = L.MultiplyAdd(q11, x, a11);
                        b11 = L.MultiplyAdd(q11, y, b11);
                    }

                    query += width;
                    first += Positions * F.Bytes;
                    second += Positions * F.Bytes;
                }

                float* scale0 = keys.FirstScales + (start / KvLayout.Group * Positions) + lane, scale1 = keys.SecondScales + (start / KvLayout.Group * Positions) + lane;
                float* to = scores + lane, beside = to + keys.Between;
                Give<L, V, F>(a0, start, scale0, to);
                Give<L, V, F>(b0, start, scale1, beside);
                Give<L, V, F>(a1, start, scale0, to + UnitPositions);
                Give<L, V, F>(b1, start, scale1, beside + UnitPositions);
                Give<L, V, F>(a2, start, scale0, to + (2 * UnitPositions));
                Give<L, V, F>(b2, start, scale1, beside + (2 * UnitPositions));
                Give<L, V, F>(a3, start, scale0, to + (3 * UnitPositions));
                Give<L, V, F>(b3, start, scale1, beside + (3 * UnitPositions));
                if (N.Count > QueryTile.Few)
                {
                    Give<L, V, F>(a4, start, scale0, to + (4 * UnitPositions));
                    Give<L, V, F>(b4, start, scale1, beside + (4 * UnitPositions));
                    Give<L, V, F>(a5, start, scale0, to + (5 * UnitPositions));
                    Give<L, V, F>(b5, start, scale1, beside + (5 * UnitPositions));
                    Give<L, V, F>(a6, start, scale0, to + (6 * UnitPositions));
                    Give<L, V, F>(b6, start, scale1, beside + (6 * UnitPositions));
                    Give<L, V, F>(a7, start, scale0, to + (7 * UnitPositions));
                    Give<L, V, F>(b7, start, scale1, beside + (7 * UnitPositions));
                    Give<L, V, F>(a8, start, scale0, to + (8 * UnitPositions));
                    Give<L, V, F>(b8, start, scale1, beside + (8 * UnitPositions));
                    Give<L, V, F>(a9, start, scale0, to + (9 * UnitPositions));
                    Give<L, V, F>(b9, start, scale1, beside + (9 * UnitPositions));
                    Give<L, V, F>(a10, start, scale0, to + (10 * UnitPositions));
                    Give<L, V, F>(b10, start, scale1, beside + (10 * UnitPositions));
                    Give<L, V, F>(a11, start, scale0, to + (11 * UnitPositions));
                    Give<L, V, F>(b11, start, scale1, beside + (11 * UnitPositions));
                }
            }
        }
    }

    /// <summary>Two vectors of the sums of values of four queries or twelve.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weigh<L, V, F, N>(float* weights, byte** values, int stride, int from, int to, float* first, float* second, int width, byte** ahead, int aheadOffset)
        where L : struct, ILanes<V>
        where V : struct
        where F : struct, IKvForm
        where N : struct, ICount
    {
        V a0 = L.Load(first), b0 = L.Load(second);
        V a1 = L.Load(first + width), b1 = L.Load(second + width);
        V a2 = L.Load(first + (2 * width)), b2 = L.Load(second + (2 * width));
        V a3 = L.Load(first + (3 * width)), b3 = L.Load(second + (3 * width));
        V a4 = default, a5 = a4, a6 = a4, a7 = a4, a8 = a4, a9 = a4, a10 = a4, a11 = a4;
        V b4 = a4, b5 = a4, b6 = a4, b7 = a4, b8 = a4, b9 = a4, b10 = a4, b11 = a4;
        if (N.Count > QueryTile.Few)
        {
            a4 = L.Load(first + (4 * width));
            b4 = L.Load(second + (4 * width));
            a5 = L.Load(first + (5 * width));
            b5 = L.Load(second + (5 * width));
            a6 = L.Load(first + (6 * width));
            b6 = L.Load(second + (6 * width));
            a7 = L.Load(first + (7 * width));
            b7 = L.Load(second + (7 * width));
            a8 = L.Load(first + (8 * width));
            b8 = L.Load(second + (8 * width));
            a9 = L.Load(first + (9 * width));
            b9 = L.Load(second + (9 * width));
            a10 = L.Load(first + (10 * width));
            b10 = L.Load(second + (10 * width));
            a11 = L.Load(first + (11 * width));
            b11 = L.Load(second + (11 * width));
        }

        long apart = (byte*)second - (byte*)first;
        long gap = apart / sizeof(float) * F.Bytes;
        for (int block = from / Positions; block * Positions < to; block++)
        {
            int place = Math.Max(from, block * Positions), end = Math.Min(to, (block + 1) * Positions);
            byte* value = values[block] + ((place % Positions) * stride), next = ahead[block] + aheadOffset + (place % Positions * 2 * Positions * F.Bytes);
            for (float* weight = weights + place, last = weights + end; weight < last; weight++)
            {
                if (Sse.IsSupported)
                    Sse.Prefetch0(next);
                next += 2 * Positions * F.Bytes;
                V x = F.Load<L, V>(value), y = F.Load<L, V>(value + gap);
                value += stride;
                V w0 = L.Create(weight[0]);
                a0 = L.MultiplyAdd(w0, x, a0);
                b0 = L.MultiplyAdd(w0, y, b0);
                V w1 = L.Create(weight[UnitPositions]);
                a1 = L.MultiplyAdd(w1, x, a1);
                b1 = L.MultiplyAdd(w1, y, b1);
                V w2 = L.Create(weight[2 * UnitPositions]);
                a2 = L.MultiplyAdd(w2, x, a2);
                b2 = L.MultiplyAdd(w2, y, b2);
                V w3 = L.Create(weight[3 * UnitPositions]);
                a3 = L.MultiplyAdd(w3, x, a3);
                b3 = L.MultiplyAdd(w3, y, b3);
                if (N.Count > QueryTile.Few)
                {
                    V w4 = L.Create(weight[4 * UnitPositions]);
                    a4 = L.MultiplyAdd(w4, x, a4);
                    b4 = L.MultiplyAdd(w4, y, b4);
                    V w5 = L.Create(weight[5 * UnitPositions]);
                    a5 = L.MultiplyAdd(w5, x, a5);
                    b5 = L.MultiplyAdd(w5, y, b5);
                    V w6 = L.Create(weight[6 * UnitPositions]);
                    a6 = L.MultiplyAdd(w6, x, a6);
                    b6 = L.MultiplyAdd(w6, y, b6);
                    V w7 = L.Create(weight[7 * UnitPositions]);
                    a7 = L.MultiplyAdd(w7, x, a7);
                    b7 = L.MultiplyAdd(w7, y, b7);
                    V w8 = L.Create(weight[8 * UnitPositions]);
                    a8 = L.MultiplyAdd(w8, x, a8);
                    b8 = L.MultiplyAdd(w8, y, b8);
                    V w9 = L.Create(weight[9 * UnitPositions]);
                    a9 = L.MultiplyAdd(w9, x, a9);
                    b9 = L.MultiplyAdd(w9, y, b9);
                    V w10 = L.Create(weight[10 * UnitPositions]);
                    a10 = L.MultiplyAdd(w10, x, a10);
                    b10 = L.MultiplyAdd(w10, y, b10);
                    V w11 = L.Create(weight[11 * UnitPositions]);
                    a11 = L.MultiplyAdd(w11, x, a11);
                    b11 = L.MultiplyAdd(w11, y, b11);
                }
            }
        }

        L.Store(a0, first);
        L.Store(b0, second);
        L.Store(a1, first + width);
        L.Store(b1, second + width);
        L.Store(a2, first + (2 * width));
        L.Store(b2, second + (2 * width));
        L.Store(a3, first + (3 * width));
        L.Store(b3, second + (3 * width));
        if (N.Count > QueryTile.Few)
        {
            L.Store(a4, first + (4 * width));
            L.Store(b4, second + (4 * width));
            L.Store(a5, first + (5 * width));
            L.Store(b5, second + (5 * width));
            L.Store(a6, first + (6 * width));
            L.Store(b6, second + (6 * width));
            L.Store(a7, first + (7 * width));
            L.Store(b7, second + (7 * width));
            L.Store(a8, first + (8 * width));
            L.Store(b8, second + (8 * width));
            L.Store(a9, first + (9 * width));
            L.Store(b9, second + (9 * width));
            L.Store(a10, first + (10 * width));
            L.Store(b10, second + (10 * width));
            L.Store(a11, first + (11 * width));
            L.Store(b11, second + (11 * width));
        }
    }

    /// <summary>Two blocks whose keys are multiplied together.</summary>
    private readonly ref struct Pair(byte* first, byte* second, int scales, int between)
    {
        public readonly byte* First = first;
        public readonly byte* Second = second;
        public readonly float* FirstScales = (float*)(first + scales);
        public readonly float* SecondScales = (float*)(second + scales);

        /// <summary>From the first block's scores to the second's.</summary>
        public readonly int Between = between;
    }

    /// <summary>What will be read next of two blocks, and how much of it for each number of a key.</summary>
    private readonly ref struct Ahead(byte* first, byte* second, int step)
    {
        public readonly byte* First = first;
        public readonly byte* Second = second;
        public readonly int Step = step;
    }
}
