using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class AttentionTests
{
    /// <summary>Of the documentation of <see cref="Attention"/>, for values between −1 and 1.</summary>
    private static double Bound(int positions, int dimension) => ((positions / 16) + dimension + 8) * Math.Pow(2, -22);

    public static TheoryData<int, int, int, int, int, float, bool> Shapes => new()
    {
        // heads, key/value heads, key, value, window, cap, slopes
        { 1, 1, 1, 1, 0, 0f, false },
        { 4, 4, 16, 16, 0, 0f, false },
        { 6, 2, 24, 24, 0, 0f, false }, // three heads share a key: no bunch of four
        { 10, 2, 64, 32, 0, 0f, true }, // five heads: a bunch of four and one more
        { 8, 2, 20, 20, 8, 0f, false },
        { 4, 1, 16, 17, 17, 30f, false },
        { 4, 2, 16, 16, 1, 0f, true },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Rows_of_several_sequences_see_what_they_should_and_nothing_else(int heads, int kvHeads, int key, int value, int window, float cap, bool alibi)
    {
        var shape = new AttentionShape(heads, kvHeads, key, value, 1f / MathF.Sqrt(key)) { Window = window, SoftCap = cap };
        float[]? slopes = alibi ? [.. Enumerable.Range(1, heads).Select(h => MathF.Pow(2, -8f * h / heads))] : null;
        using var yard = new Yard(shape, [1, 15, 16, 17, 40, 100]);
        foreach (int step in new[] { 1, 3, 1000 })
        {
            List<StepRow> rows = yard.LastRows(step);
            float[] queries = Widths.Random(new Random(step), rows.Count * heads * key, 3f);
            float[] result = yard.Attend(rows, queries, slopes, crew: null);
            for (int row = 0; row < rows.Count; row++)
            {
                double[] exact = yard.Exact(rows[row], queries.AsSpan(row * heads * key, heads * key), slopes);
                Widths.AssertNear(exact, result.AsSpan(row * heads * value, heads * value), Bound(rows[row].Position, key), 0, $"{shape}, row {row} at {rows[row].Position}");
            }
        }
    }

    [Fact]
    public void A_row_has_the_same_bits_alone_and_in_a_batch_with_any_number_of_threads()
    {
        var shape = new AttentionShape(12, 2, 64, 64, 0.125f);
        using var crew = new WorkCrew(3);
        using var yard = new Yard(shape, [200, 33, 90]);
        List<StepRow> rows = yard.LastRows(30);
        float[] queries = Widths.Random(new Random(1), rows.Count * 12 * 64);
        float[] together = yard.Attend(rows, queries, null, crew);
        for (int row = 0; row < rows.Count; row++)
        {
            float[] alone = yard.Attend([rows[row]], queries[(row * 768)..((row + 1) * 768)], null, crew: null);
            Widths.AssertSameBits(alone, together.AsSpan(row * 768, 768), $"row {row}");
        }
    }

    [Fact]
    public void What_an_earlier_holder_left_behind_the_last_position_is_never_read()
    {
        var shape = new AttentionShape(4, 2, 16, 16, 0.25f) { Window = 20 };
        using var yard = new Yard(shape, [37]);
        float[] queries = Widths.Random(new Random(1), 4 * 16);
        List<StepRow> last = yard.LastRows(1);
        float[] clean = yard.Attend(last, queries, null, crew: null);
        yard.Spoil(from: 37, to: 48);
        yard.Spoil(from: 0, to: 17); // out of the window, in the block of the window's first position too
        Widths.AssertSameBits(clean, yard.Attend(last, queries, null, crew: null), "spoiled");
    }

    [Fact]
    public void A_layer_of_another_shape_than_the_cache_is_refused()
    {
        using var yard = new Yard(new AttentionShape(4, 2, 16, 16, 1f), [5]);
        using var memory = new NativeBuffer<float>(1000);
        Assert.Throws<ArgumentException>(() => Attention.Causal([], memory.Data, yard.Cache, 0, new AttentionShape(4, 4, 16, 16, 1f), null, memory.Data));
    }

    [Fact]
    public void Texts_of_any_length_attend_to_all_of_themselves()
    {
        using var crew = new WorkCrew(2);
        foreach ((int tokens, int heads, int kvHeads, int key, int value, int window, bool biased) in new[]
            { (1, 1, 1, 4, 4, 0, false), (15, 2, 2, 16, 16, 0, true), (16, 2, 1, 20, 12, 0, false), (50, 4, 4, 32, 32, 0, true), (130, 2, 2, 16, 16, 9, true) })
        {
            var shape = new AttentionShape(heads, kvHeads, key, value, 0.3f) { Window = window };
            var random = new Random(tokens);
            float[] q = Widths.Random(random, tokens * heads * key, 2f), k = Widths.Random(random, tokens * kvHeads * key), v = Widths.Random(random, tokens * kvHeads * value);
            float[]? added = biased ? Widths.Random(random, heads * tokens * tokens, 2f) : null;
            if (added is not null)
                added.AsSpan(2, 3).Fill(float.NegativeInfinity); // token 0 does not see tokens 2 to 4
            using NativeBuffer<float> queries = Widths.Buffer(q), keys = Widths.Buffer(k), values = Widths.Buffer(v), bias = Widths.Buffer(added ?? []);
            float* biases = biased ? bias.Data : null;
            float[] result = Widths.Same(tokens * heads * value, output => Attention.Dense(queries.Data, keys.Data, values.Data, tokens, shape, biases, output.Data));
            float[] shared = Widths.Same(tokens * heads * value, output => Attention.Dense(queries.Data, keys.Data, values.Data, tokens, shape, biases, output.Data, crew));
            Widths.AssertSameBits(result, shared, "shared");
            for (int head = 0; head < heads; head++)
            {
                int kvHead = head / (heads / kvHeads);
                for (int i = 0; i < tokens; i++)
                {
                    (double, int)[] scores = [.. Enumerable.Range(0, tokens).Where(j => window == 0 || Math.Abs(i - j) < window).Select(j =>
                        (Enumerable.Range(0, key).Sum(d => (double)q[(((i * heads) + head) * key) + d] * k[(((j * kvHeads) + kvHead) * key) + d] * shape.Scale)
                            + (added?[(((head * tokens) + i) * tokens) + j] ?? 0), j))];
                    double[] exact = Weighed(scores, value, (j, c) => v[(((j * kvHeads) + kvHead) * value) + c]);
                    Widths.AssertNear(exact, result.AsSpan(((i * heads) + head) * value, value), Bound(tokens, key), 0, $"{tokens} tokens, head {head}, token {i}");
                }
            }
        }
    }

    private static double[] Weighed((double Score, int Position)[] scores, int dimension, Func<int, int, double> value)
    {
        double largest = scores.Max(s => s.Score), sum = scores.Sum(s => Math.Exp(s.Score - largest));
        return [.. Enumerable.Range(0, dimension).Select(c => scores.Sum(s => Math.Exp(s.Score - largest) / sum * value(s.Position, c)))];
    }

    /// <summary>Sequences whose blocks lie in no order, with random keys and values.</summary>
    private sealed class Yard : IDisposable
    {
        private const int Layer = 1;
        private readonly AttentionShape _shape;
        private readonly List<(KvSequence Sequence, float[] Keys, float[] Values)> _sequences = [];

        public Yard(AttentionShape shape, int[] lengths)
        {
            _shape = shape;
            Cache = new KvCache(layers: 2, shape.KvHeads, shape.KeyDimension, shape.ValueDimension, blocks: lengths.Sum(length => (length + 15) / 16));
            var random = new Random(9);
            foreach (int length in lengths)
                _sequences.Add((new KvSequence(), Widths.Random(random, length * shape.KvHeads * shape.KeyDimension), Widths.Random(random, length * shape.KvHeads * shape.ValueDimension)));
            for (int position = 0; position < lengths.Max(); position++)
            {
                foreach ((KvSequence sequence, float[] keys, float[] values) in _sequences)
                {
                    int keySize = shape.KvHeads * shape.KeyDimension, valueSize = shape.KvHeads * shape.ValueDimension;
                    if (position >= keys.Length / keySize)
                        continue;
                    Assert.True(sequence.TryReserve(Cache, position + 1));
                    fixed (float* key = &keys[position * keySize], value = &values[position * valueSize])
                        Attention.Remember(Cache, Layer, sequence, position, key, value);
                }
            }
        }

        public KvCache Cache { get; }

        /// <summary>The last positions of every sequence, up to <paramref name="count"/> of each.</summary>
        public List<StepRow> LastRows(int count)
        {
            List<StepRow> rows = [];
            foreach ((KvSequence sequence, float[] keys, _) in _sequences)
            {
                int length = keys.Length / (_shape.KvHeads * _shape.KeyDimension);
                for (int position = Math.Max(0, length - count); position < length; position++)
                    rows.Add(new StepRow(0, sequence, position, false));
            }

            return rows;
        }

        public float[] Attend(List<StepRow> rows, float[] queries, float[]? slopes, WorkCrew? crew)
        {
            using NativeBuffer<float> query = Widths.Buffer(queries), slope = Widths.Buffer(slopes ?? []);
            float* slopeData = slopes is null ? null : slope.Data;
            StepRow[] step = [.. rows];
            return Widths.Same(rows.Count * _shape.Heads * _shape.ValueDimension, output =>
                Attention.Causal(step, query.Data, Cache, Layer, _shape, slopeData, output.Data, crew));
        }

        public void Spoil(int from, int to)
        {
            (KvSequence sequence, _, _) = _sequences[0];
            float[] junk = [.. Enumerable.Repeat(float.NaN, _shape.KvHeads * Math.Max(_shape.KeyDimension, _shape.ValueDimension))];
            fixed (float* data = junk)
            {
                for (int position = from; position < to; position++)
                    Attention.Remember(Cache, Layer, sequence, position, data, data);
            }
        }

        public double[] Exact(StepRow row, ReadOnlySpan<float> queries, float[]? slopes)
        {
            (_, float[] keys, float[] values) = _sequences.Single(s => s.Sequence == row.Sequence);
            List<double> result = [];
            for (int head = 0; head < _shape.Heads; head++)
            {
                int kvHead = head / (_shape.Heads / _shape.KvHeads);
                List<(double, int)> scores = [];
                for (int j = _shape.Window > 0 ? Math.Max(0, row.Position - _shape.Window + 1) : 0; j <= row.Position; j++)
                {
                    double score = 0;
                    for (int d = 0; d < _shape.KeyDimension; d++)
                        score += (double)queries[(head * _shape.KeyDimension) + d] * keys[(((j * _shape.KvHeads) + kvHead) * _shape.KeyDimension) + d];
                    score *= _shape.Scale;
                    if (_shape.SoftCap != 0)
                        score = _shape.SoftCap * Math.Tanh(score / _shape.SoftCap);
                    scores.Add((score - ((slopes?[head] ?? 0) * (row.Position - j)), j));
                }

                result.AddRange(Weighed([.. scores], _shape.ValueDimension, (j, c) => values[(((j * _shape.KvHeads) + kvHead) * _shape.ValueDimension) + c]));
            }

            return [.. result];
        }

        public void Dispose() => Cache.Dispose();
    }
}
