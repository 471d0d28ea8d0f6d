using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Kernels;

/// <summary>Attention of decoders over the key/value blocks, and of encoders over one text.</summary>
/// <remarks>
/// Keys are read 16 positions at a time, always the same 16 whatever else is in the batch; the softmax is carried along with its running maximum (Milakov and
/// Gimelshein 2018), so that no row of scores is ever stored. The result of a row depends on its own query and positions alone, bit for bit.
/// Within (positions / 16 + dimension + 8) · 2^−22 of the exact value, relative to the largest value seen.
/// </remarks>
public static unsafe class Attention
{
    /// <summary>Heads that share the loading of a key.</summary>
    private const int HeadsAtOnce = 4;

    private const int BlockPositions = KvCache.BlockPositions;

    /// <summary>Longest key of <see cref="Dense"/>, which turns 16 of them round on the stack: 64 KiB.</summary>
    private const int LongestDenseKey = 1024;

    /// <summary>Multiply-adds below which another thread would come too late to help.</summary>
    private const long WorthSharing = 1 << 16;

    /// <summary>Puts the keys and values of one position where the attention of later positions reads them.</summary>
    /// <param name="keys"><c>[heads × keyDimension]</c>, with the rotary position already in them.</param>
    /// <param name="values"><c>[heads × valueDimension]</c>.</param>
    public static void Remember(KvCache cache, int layer, KvSequence sequence, int position, float* keys, float* values)
    {
        int block = sequence.Blocks[position / BlockPositions], place = position % BlockPositions;
        for (int head = 0; head < cache.Heads; head++)
        {
            float* key = cache.Keys(layer, block, head) + place;
            for (int d = 0; d < cache.KeyDimension; d++)
                key[d * BlockPositions] = *keys++;
            Unsafe.CopyBlockUnaligned(cache.Values(layer, block, head) + ((long)place * cache.ValueDimension), values, (uint)cache.ValueDimension * sizeof(float));
            values += cache.ValueDimension;
        }
    }

    /// <summary>Each row attends to the positions of its sequence up to its own, which <see cref="Remember"/> has put there.</summary>
    /// <param name="rows">The step; only <see cref="StepRow.Sequence"/> and <see cref="StepRow.Position"/> are read.</param>
    /// <param name="queries"><c>[rows × heads × keyDimension]</c>.</param>
    /// <param name="slopes">ALiBi (Press et al. 2021): <c>[heads]</c>, added to a score once for each position between query and key, with a minus; null: none.</param>
    /// <param name="output"><c>[rows × heads × valueDimension]</c>; must not overlap <paramref name="queries"/>.</param>
    public static void Causal(ReadOnlySpan<StepRow> rows, float* queries, KvCache cache, int layer, in AttentionShape shape, float* slopes, float* output, WorkCrew? crew = null)
    {
        if (shape.KvHeads != cache.Heads || shape.KeyDimension != cache.KeyDimension || shape.ValueDimension != cache.ValueDimension || shape.Heads % shape.KvHeads != 0)
            throw new ArgumentException($"the cache has {cache.Heads} heads of {cache.KeyDimension} and {cache.ValueDimension}, the layer is {shape}", nameof(shape));
        long positions = 0;
        foreach (StepRow row in rows)
            positions += shape.Window > 0 ? Math.Min(row.Position + 1, shape.Window) : row.Position + 1;
        var work = new CausalRows(rows, queries, cache, layer, shape, slopes, output);
        int parts = rows.Length * shape.KvHeads;
        if (crew is { Threads: > 1 } && positions * shape.Heads * (shape.KeyDimension + shape.ValueDimension) >= WorthSharing)
        {
            crew.Run(parts, work);
            return;
        }

        for (int part = 0; part < parts; part++)
            work.Do(part);
    }

    /// <summary>Each token of one text attends to all of them.</summary>
    /// <param name="queries"><c>[tokens × heads × keyDimension]</c>.</param>
    /// <param name="keys"><c>[tokens × kvHeads × keyDimension]</c>.</param>
    /// <param name="values"><c>[tokens × kvHeads × valueDimension]</c>.</param>
    /// <param name="tokens">≥ 1; padding is left out rather than masked.</param>
    /// <param name="shape">A <see cref="AttentionShape.Window"/> counts to both sides: token i sees token j where |i − j| &lt; window.</param>
    /// <param name="bias"><c>[heads × tokens × tokens]</c> (query, then key), added to the scores, −∞ hides a key; null: none.</param>
    /// <param name="output"><c>[tokens × heads × valueDimension]</c>; must not overlap the inputs.</param>
    public static void Dense(float* queries, float* keys, float* values, int tokens, in AttentionShape shape, float* bias, float* output, WorkCrew? crew = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens);
        ArgumentOutOfRangeException.ThrowIfNotEqual(shape.Heads % shape.KvHeads, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shape.KeyDimension, LongestDenseKey);
        var work = new DenseBlocks(queries, keys, values, tokens, shape, bias, output);
        int parts = shape.Heads * ((tokens + BlockPositions - 1) / BlockPositions);
        if (crew is { Threads: > 1 } && (long)tokens * tokens * shape.Heads * (shape.KeyDimension + shape.ValueDimension) >= WorthSharing)
        {
            crew.Run(parts, work);
            return;
        }

        for (int part = 0; part < parts; part++)
            work.Do(part);
    }

    /// <summary>A part is one row and one key/value head with all query heads that read it.</summary>
    private readonly ref struct CausalRows(ReadOnlySpan<StepRow> rows, float* queries, KvCache cache, int layer, AttentionShape shape, float* slopes, float* output) : IWork
    {
        private readonly ReadOnlySpan<StepRow> _rows = rows;

        public void Do(int part)
        {
            switch (Simd.Family)
            {
                case SimdFamily.Vector512: Row<Lanes16, Vector512<float>>(part); break;
                case SimdFamily.Vector256: Row<Lanes8, Vector256<float>>(part); break;
                case SimdFamily.Vector128: Row<Lanes4, Vector128<float>>(part); break;
                default: Row<Lanes1, float>(part); break;
            }
        }

        [SkipLocalsInit]
        private void Row<L, V>(int part)
            where L : struct, ILanes<V>
            where V : struct
        {
            float* scores = stackalloc float[HeadsAtOnce * BlockPositions];
            RunningSoftmax* running = stackalloc RunningSoftmax[HeadsAtOnce];
            (int row, int kvHead) = (part / shape.KvHeads, part % shape.KvHeads);
            (int position, KvSequence sequence) = (_rows[row].Position, _rows[row].Sequence);
            int first = shape.Window > 0 ? Math.Max(0, position - shape.Window + 1) : 0;
            int group = shape.Heads / shape.KvHeads;
            for (int start = 0; start < group; start += HeadsAtOnce)
            {
                int heads = Math.Min(HeadsAtOnce, group - start);
                int head = (kvHead * group) + start;
                float* query = queries + ((((long)row * shape.Heads) + head) * shape.KeyDimension);
                float* result = output + ((((long)row * shape.Heads) + head) * shape.ValueDimension);
                for (int h = 0; h < heads; h++)
                    running[h].Begin(result + (h * shape.ValueDimension), shape.ValueDimension);
                for (int block = first / BlockPositions; block <= position / BlockPositions; block++)
                {
                    int id = sequence.Blocks[block], offset = block * BlockPositions;
                    int from = Math.Max(first - offset, 0), end = Math.Min(position - offset + 1, BlockPositions);
                    Score<L, V>(query, shape.KeyDimension, heads, cache.Keys(layer, id, kvHead), shape.KeyDimension, shape, scores);
                    for (int h = 0; h < heads; h++)
                    {
                        float* score = scores + (h * BlockPositions);
                        if (slopes is not null)
                        {
                            for (int j = from; j < end; j++)
                                score[j] = MathF.FusedMultiplyAdd(slopes[head + h], offset + j - position, score[j]);
                        }

                        running[h].Add<L, V>(score, from, end, cache.Values(layer, id, kvHead), shape.ValueDimension);
                    }
                }

                for (int h = 0; h < heads; h++)
                    running[h].End<L, V>();
            }
        }
    }

    /// <summary>A part is one head and 16 queries.</summary>
    private readonly struct DenseBlocks(float* queries, float* keys, float* values, int tokens, AttentionShape shape, float* bias, float* output) : IWork
    {
        public void Do(int part)
        {
            switch (Simd.Family)
            {
                case SimdFamily.Vector512: Block<Lanes16, Vector512<float>>(part); break;
                case SimdFamily.Vector256: Block<Lanes8, Vector256<float>>(part); break;
                case SimdFamily.Vector128: Block<Lanes4, Vector128<float>>(part); break;
                default: Block<Lanes1, float>(part); break;
            }
        }

        [SkipLocalsInit]
        private void Block<L, V>(int part)
            where L : struct, ILanes<V>
            where V : struct
        {
            float* scores = stackalloc float[BlockPositions];
            float* transposed = stackalloc float[shape.KeyDimension * BlockPositions];
            RunningSoftmax* running = stackalloc RunningSoftmax[BlockPositions];
            int blocks = (tokens + BlockPositions - 1) / BlockPositions;
            (int head, int firstQuery) = (part / blocks, part % blocks * BlockPositions);
            int kvHead = head / (shape.Heads / shape.KvHeads);
            int count = Math.Min(BlockPositions, tokens - firstQuery);
            for (int q = 0; q < count; q++)
                running[q].Begin(output + ((((long)(firstQuery + q) * shape.Heads) + head) * shape.ValueDimension), shape.ValueDimension);
            for (int offset = 0; offset < tokens; offset += BlockPositions)
            {
                int places = Math.Min(BlockPositions, tokens - offset);
                Transpose(keys + ((((long)offset * shape.KvHeads) + kvHead) * shape.KeyDimension), places, transposed);
                for (int q = 0; q < count; q++)
                {
                    int token = firstQuery + q, from = 0, end = places;
                    if (shape.Window > 0)
                        (from, end) = (Math.Max(0, token - shape.Window + 1 - offset), Math.Min(places, token + shape.Window - offset));
                    if (from >= end)
                        continue;
                    Score<L, V>(queries + ((((long)token * shape.Heads) + head) * shape.KeyDimension), 0, 1, transposed, shape.KeyDimension, shape, scores);
                    if (bias is not null)
                    {
                        float* added = bias + ((((long)head * tokens) + token) * tokens) + offset;
                        for (int j = from; j < end; j++)
                            scores[j] += added[j];
                    }

                    float* value = values + ((((long)offset * shape.KvHeads) + kvHead) * shape.ValueDimension);
                    running[q].Add<L, V>(scores, from, end, value, (long)shape.KvHeads * shape.ValueDimension);
                }
            }

            for (int q = 0; q < count; q++)
                running[q].End<L, V>();
        }

        private void Transpose(float* key, int places, float* transposed)
        {
            for (int j = 0; j < places; j++, key += (long)shape.KvHeads * shape.KeyDimension)
            {
                for (int d = 0; d < shape.KeyDimension; d++)
                    transposed[(d * BlockPositions) + j] = key[d];
            }

            // What stands in the places behind the last key is scored too, and then left out: it may be anything.
            for (int j = places; j < BlockPositions; j++)
            {
                for (int d = 0; d < shape.KeyDimension; d++)
                    transposed[(d * BlockPositions) + j] = 0;
            }
        }
    }

    /// <summary>The scores of up to four queries for 16 keys, scaled and capped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score<L, V>(float* query, long stride, int heads, float* keys, int dimension, in AttentionShape shape, float* scores)
        where L : struct, ILanes<V>
        where V : struct
    {
        V scale = L.Create(shape.Scale), cap = L.Create(shape.SoftCap);
        bool capped = shape.SoftCap != 0;
        for (int lane = 0; lane < BlockPositions; lane += L.Count)
        {
            float* key = keys + lane;
            float* score = scores + lane;
            if (heads == HeadsAtOnce)
            {
                V s0 = L.Create(0f), s1 = s0, s2 = s0, s3 = s0;
                float* q0 = query, q1 = q0 + stride, q2 = q1 + stride, q3 = q2 + stride;
                for (int d = 0; d < dimension; d++)
                {
                    V k = L.Load(key + (d * BlockPositions));
                    s0 = L.MultiplyAdd(L.Create(q0[d]), k, s0);
                    s1 = L.MultiplyAdd(L.Create(q1[d]), k, s1);
                    s2 = L.MultiplyAdd(L.Create(q2[d]), k, s2);
                    s3 = L.MultiplyAdd(L.Create(q3[d]), k, s3);
                }

                L.Store(L.Multiply(s0, scale), score);
                L.Store(L.Multiply(s1, scale), score + 16);
                L.Store(L.Multiply(s2, scale), score + 32);
                L.Store(L.Multiply(s3, scale), score + 48);
            }
            else
            {
                for (int h = 0; h < heads; h++)
                {
                    V s = L.Create(0f);
                    float* q = query + (h * stride);
                    for (int d = 0; d < dimension; d++)
                        s = L.MultiplyAdd(L.Create(q[d]), L.Load(key + (d * BlockPositions)), s);
                    L.Store(L.Multiply(s, scale), score + (h * BlockPositions));
                }
            }

            for (int h = 0; capped && h < heads; h++)
                L.Store(LaneMath.SoftCap<L, V>(L.Load(score + (h * BlockPositions)), cap), score + (h * BlockPositions));
        }
    }

    /// <summary>A softmax over scores that arrive 16 at a time, and the values weighed by it.</summary>
    private struct RunningSoftmax
    {
        private Sums _sums;
        private float _largest;
        private float* _output;
        private int _dimension;

        public void Begin(float* output, int dimension)
        {
            _sums = default;
            _largest = float.NegativeInfinity;
            _output = output;
            _dimension = dimension;
            new Span<float>(output, dimension).Clear();
        }

        /// <summary>Adds the positions <paramref name="from"/> to <paramref name="end"/> − 1 (at least one) of a block; what stands in other places is not read. Overwrites the scores.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Add<L, V>(float* scores, int from, int end, float* values, long valueStride)
            where L : struct, ILanes<V>
            where V : struct
        {
            for (int j = 0; j < from; j++)
                scores[j] = float.NegativeInfinity;
            for (int j = end; j < BlockPositions; j++)
                scores[j] = float.NegativeInfinity;
            float largest = _largest;
            for (int j = from; j < end; j++)
                largest = scores[j] > largest ? scores[j] : largest;
            if (float.IsNegativeInfinity(largest) && !new ReadOnlySpan<float>(scores, BlockPositions).ContainsAnyExcept(float.NegativeInfinity))
                return;
            if (largest > _largest)
            {
                Scale<L, V>(LaneMath.Exp<Lanes1, float>(_largest - largest));
                _largest = largest;
            }

            fixed (float* sums = &_sums.First)
            {
                V largests = L.Create(largest);
                for (int lane = 0; lane < BlockPositions; lane += L.Count)
                {
                    V weight = LaneMath.Exp<L, V>(L.Subtract(L.Load(scores + lane), largests));
                    L.Store(weight, scores + lane);
                    L.Store(L.Add(L.Load(sums + lane), weight), sums + lane);
                }
            }

            int c = 0;
            for (; c + L.Count <= _dimension; c += L.Count)
            {
                V sum = L.Load(_output + c);
                for (int j = from; j < end; j++)
                    sum = L.MultiplyAdd(L.Create(scores[j]), L.Load(values + (j * valueStride) + c), sum);
                L.Store(sum, _output + c);
            }

            for (; c < _dimension; c++)
            {
                for (int j = from; j < end; j++)
                    _output[c] = MathF.FusedMultiplyAdd(scores[j], values[(j * valueStride) + c], _output[c]);
            }
        }

        public void End<L, V>()
            where L : struct, ILanes<V>
            where V : struct
        {
            fixed (float* sums = &_sums.First)
            {
                float inverse = 1f / LaneMath.Sum(sums);
                for (int c = 0; c < _dimension; c++)
                    _output[c] *= inverse;
            }
        }

        private void Scale<L, V>(float factor)
            where L : struct, ILanes<V>
            where V : struct
        {
            V factors = L.Create(factor);
            fixed (float* sums = &_sums.First)
            {
                for (int lane = 0; lane < BlockPositions; lane += L.Count)
                    L.Store(L.Multiply(L.Load(sums + lane), factors), sums + lane);
            }

            int c = 0;
            for (; c + L.Count <= _dimension; c += L.Count)
                L.Store(L.Multiply(L.Load(_output + c), factors), _output + c);
            for (; c < _dimension; c++)
                _output[c] *= factor;
        }

        [InlineArray(BlockPositions)]
        private struct Sums
        {
            public float First;
        }
    }
}
