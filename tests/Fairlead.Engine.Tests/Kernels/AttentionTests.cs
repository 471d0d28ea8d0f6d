using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Attending;
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
        { 32, 2, 33, 40, 0, 0f, true }, // sixteen heads: two bunches
        { 3, 1, 260, 8, 300, 0f, false }, // four queries at a time, and a window that begins within a piece
    };

    public static TheoryData<KvType, int, int, int, int, int, float, bool> ShapesOfEveryType => [.. from type in Enum.GetValues<KvType>()
        from row in (IEnumerable<TheoryDataRow<int, int, int, int, int, float, bool>>)Shapes
        select new TheoryDataRow<KvType, int, int, int, int, int, float, bool>(type, row.Data.Item1, row.Data.Item2, row.Data.Item3, row.Data.Item4, row.Data.Item5, row.Data.Item6, row.Data.Item7)];

    [Theory]
    [MemberData(nameof(ShapesOfEveryType))]
    public void Rows_of_several_sequences_see_what_they_should_and_nothing_else(KvType type, int heads, int kvHeads, int key, int value, int window, float cap, bool alibi)
    {
        AttentionShape shape = Shape(heads, kvHeads, key, value, window, cap);
        float[]? slopes = Slopes(heads, alibi);
        using var yard = new Yard(type, shape, [1, 15, 16, 17, 40, 100, 300]);
        foreach (int step in new[] { 1, 3, 1000 })
        {
            List<StepRow> rows = yard.LastRows(step);
            float[] queries = Widths.Random(new Random(step), rows.Count * heads * key, 3f);
            float[] result = yard.Attend(rows, queries, slopes, crew: null);
            // Of a long step every tenth row: the exact values take longer than everything else.
            for (int row = 0; row < rows.Count; row += step == 1000 ? 10 : 1)
            {
                double[] exact = yard.Exact(rows[row], queries.AsSpan(row * heads * key, heads * key), slopes);
                Widths.AssertNear(exact, result.AsSpan(row * heads * value, heads * value), Bound(rows[row].Position, key), 0, $"{shape}, row {row} at {rows[row].Position}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(ShapesOfEveryType))]
    public void A_row_has_the_same_bits_alone_and_in_a_batch_with_any_number_of_threads(KvType type, int heads, int kvHeads, int key, int value, int window, float cap, bool alibi)
    {
        AttentionShape shape = Shape(heads, kvHeads, key, value, window, cap);
        float[]? slopes = Slopes(heads, alibi);
        using WorkCrew three = new(3), eight = new(8);
        using var yard = new Yard(type, shape, [600, 33, 290]);
        List<StepRow> rows = yard.LastRows(30);
        float[] queries = Widths.Random(new Random(1), rows.Count * heads * key);
        float[] together = yard.Attend(rows, queries, slopes, three);
        for (int row = 0; row < rows.Count; row++)
        {
            float[] query = queries[(row * heads * key)..((row + 1) * heads * key)];
            float[] alone = yard.Attend([rows[row]], query, slopes, crew: null);
            Widths.AssertSameBits(alone, together.AsSpan(row * heads * value, heads * value), $"row {row}");
            Widths.AssertSameBits(alone, yard.Attend([rows[row]], query, slopes, eight), $"row {row} in pieces");
        }

        // However a prompt is cut: two at a time, a tile then begins elsewhere.
        for (int row = 1; row + 2 <= 30; row += 2)
        {
            float[] some = yard.Attend(rows.GetRange(row, 2), queries[(row * heads * key)..((row + 2) * heads * key)], slopes, crew: null);
            Widths.AssertSameBits(together.AsSpan(row * heads * value, 2 * heads * value), some, $"rows {row} and {row + 1}");
        }
    }

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public void What_an_earlier_holder_left_behind_the_last_position_is_never_read(KvType type)
    {
        var shape = new AttentionShape(4, 2, 16, 16, 0.25f) { Window = 20 };
        using var yard = new Yard(type, shape, [37]);
        float[] queries = Widths.Random(new Random(1), 4 * 16);
        List<StepRow> last = yard.LastRows(1);
        float[] clean = yard.Attend(last, queries, null, crew: null);
        foreach (float junk in new[] { float.NaN, 1e30f })
        {
            yard.Spoil(from: 37, to: 48, junk);
            yard.Spoil(from: 0, to: 17, junk); // out of the window, in the block of the window's first position too
            Widths.AssertSameBits(clean, yard.Attend(last, queries, null, crew: null), "spoiled");
        }
    }

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public void Who_sees_what_is_no_number_gets_no_number_and_nobody_else_does(KvType type)
    {
        var shape = new AttentionShape(4, 2, 16, 16, 0.25f);
        using var yard = new Yard(type, shape, [37]);
        List<StepRow> rows = yard.LastRows(37);
        float[] queries = Widths.Random(new Random(1), 37 * 4 * 16), clean = yard.Attend(rows, queries, null, crew: null);
        foreach (float junk in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            yard.Spoil(from: 20, to: 21, junk);
            float[] spoiled = yard.Attend(rows, queries, null, crew: null);
            Widths.AssertSameBits(clean.AsSpan(0, 20 * 64), spoiled.AsSpan(0, 20 * 64), "before");
            Assert.All(spoiled[(20 * 64)..], static value => Assert.True(float.IsNaN(value)));
        }

        yard.Restore(20);
        Widths.AssertSameBits(clean, yard.Attend(rows, queries, null, crew: null), "written again");
    }

    [Fact]
    public void A_block_that_is_taken_again_is_sound()
    {
        using var cache = new KvCache(KvType.F16, layers: 1, heads: 1, keyDimension: 1, valueDimension: 1, blocks: 1);
        var sequence = new KvSequence();
        Assert.True(sequence.TryReserve(cache, 16));
        float junk = float.NaN;
        Attention.Remember(cache, 0, sequence, 3, &junk, &junk);
        Assert.Equal(8, cache.Unsound(0));
        sequence.Release(cache);
        Assert.True(sequence.TryReserve(cache, 16));
        Assert.Equal(0, cache.Unsound(0));
    }

    /// <summary>Of the documentation of <see cref="KvType"/>: F16 keeps 11 bits from 2^−14 to 131,008, Q8_0 rounds to 1/127 of the largest of 32.</summary>
    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public void What_is_kept_is_what_was_written_within_the_forms_bound(KvType type)
    {
        const int Length = 70;
        using var cache = new KvCache(type, layers: 2, heads: 2, keyDimension: Length, valueDimension: Length, blocks: 2);
        var sequence = new KvSequence();
        Assert.True(sequence.TryReserve(cache, 32));
        var random = new Random(5);
        float[] numbers = [.. Enumerable.Range(0, 4 * Length).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-30, 16))))];
        (float Written, float Kept)[] limits = [(65504, 65504), (65520, 65536), (131008, 131008), (131072, 131008), (-3e38f, -131008), (6.1e-5f, 6.1035156e-5f), (3.0e-5f, 0), (-0f, -0f), (1 + (1f / 2048), 1)];
        for (int i = 0; i < limits.Length; i++)
            numbers[i] = type == KvType.F16 ? limits[i].Written : numbers[i];
        fixed (float* at = numbers)
            Attention.Remember(cache, 1, sequence, 19, at, at + (2 * Length));
        for (int i = 0; i < numbers.Length; i++)
        {
            bool isKey = i < 2 * Length;
            byte* head = cache.Head(1, sequence.Blocks[1], i / Length % 2);
            float kept = isKey ? KvNumbers.Key(cache.Layout, head, 3, i % Length) : KvNumbers.Value(cache.Layout, head, 3, i % Length);
            int group = (i / Length * Length) + (i % Length / 32 * 32);
            double largest = numbers[group..Math.Min(group + 32, ((i / Length) + 1) * Length)].Max(Math.Abs);
            double bound = type switch { KvType.F32 => 0, KvType.F16 => Math.Max(Math.Abs(numbers[i]) * Math.Pow(2, -11), Math.Pow(2, -15)), _ => largest / 127 * 0.501 };
            if (type == KvType.F16 && i < limits.Length)
                Assert.Equal(limits[i].Kept, kept);
            else
                Assert.True(Math.Abs(kept - numbers[i]) <= bound, $"{type}: {numbers[i]:R} is kept as {kept:R}");
        }
    }

    [Fact]
    public void A_layer_of_another_shape_than_the_cache_is_refused()
    {
        using var yard = new Yard(KvType.F16, new AttentionShape(4, 2, 16, 16, 1f), [5]);
        using var memory = new NativeBuffer<float>(1000);
        Assert.Throws<ArgumentException>(() => Attention.Causal([], memory.Data, yard.Cache, 0, new AttentionShape(4, 4, 16, 16, 1f), null, memory.Data));
    }

    [Fact]
    public void Texts_of_any_length_attend_to_all_of_themselves()
    {
        using var crew = new WorkCrew(2);
        foreach ((int tokens, int heads, int kvHeads, int key, int value, int window, bool biased) in new[]
            { (1, 1, 1, 4, 4, 0, false), (15, 2, 2, 16, 16, 0, true), (16, 2, 1, 20, 12, 0, false), (50, 4, 4, 32, 32, 0, true), (130, 2, 2, 16, 16, 9, true), (200, 2, 2, 64, 64, 70, false), (40, 1, 1, 300, 8, 0, true) })
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

    private static AttentionShape Shape(int heads, int kvHeads, int key, int value, int window, float cap) =>
        new(heads, kvHeads, key, value, 1f / MathF.Sqrt(key)) { Window = window, SoftCap = cap };

    private static float[]? Slopes(int heads, bool alibi) => alibi ? [.. Enumerable.Range(1, heads).Select(h => MathF.Pow(2, -8f * h / heads))] : null;

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

        public Yard(KvType type, AttentionShape shape, int[] lengths)
        {
            _shape = shape;
            Cache = new KvCache(type, layers: 2, shape.KvHeads, shape.KeyDimension, shape.ValueDimension, blocks: lengths.Sum(length => (length + 15) / 16));
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
            using var room = new AttentionRoom(_shape.Heads, _shape.ValueDimension, _sequences.Max(s => s.Sequence.Capacity));
            StepRow[] step = [.. rows];
            return Widths.Same(rows.Count * _shape.Heads * _shape.ValueDimension, output =>
                Attention.Causal(step, query.Data, Cache, Layer, _shape, slopeData, output.Data, crew, room));
        }

        public void Spoil(int from, int to, float junk)
        {
            (KvSequence sequence, _, _) = _sequences[0];
            float[] row = [.. Enumerable.Repeat(junk, _shape.KvHeads * Math.Max(_shape.KeyDimension, _shape.ValueDimension))];
            fixed (float* data = row)
            {
                for (int position = from; position < to; position++)
                    Attention.Remember(Cache, Layer, sequence, position, data, data);
            }
        }

        /// <summary>Writes a position of the first sequence as it was.</summary>
        public void Restore(int position)
        {
            (KvSequence sequence, float[] keys, float[] values) = _sequences[0];
            fixed (float* key = &keys[position * _shape.KvHeads * _shape.KeyDimension], value = &values[position * _shape.KvHeads * _shape.ValueDimension])
            {
                Attention.Remember(Cache, 0, sequence, position, key, value); // the first layer's word stands in place of what was said before
                Attention.Remember(Cache, Layer, sequence, position, key, value);
            }
        }

        /// <summary>In double precision, of what the cache holds.</summary>
        public double[] Exact(StepRow row, ReadOnlySpan<float> queries, float[]? slopes)
        {
            List<double> result = [];
            for (int head = 0; head < _shape.Heads; head++)
            {
                int kvHead = head / (_shape.Heads / _shape.KvHeads);
                List<(double, int)> scores = [];
                for (int j = _shape.Window > 0 ? Math.Max(0, row.Position - _shape.Window + 1) : 0; j <= row.Position; j++)
                {
                    double score = 0;
                    for (int d = 0; d < _shape.KeyDimension; d++)
                        score += (double)queries[(head * _shape.KeyDimension) + d] * KvNumbers.Key(Cache.Layout, Cache.Head(Layer, row.Sequence.Blocks[j / 16], kvHead), j % 16, d);
                    score *= _shape.Scale;
                    if (_shape.SoftCap != 0)
                        score = _shape.SoftCap * Math.Tanh(score / _shape.SoftCap);
                    scores.Add((score - ((slopes?[head] ?? 0) * (row.Position - j)), j));
                }

                result.AddRange(Weighed([.. scores], _shape.ValueDimension, (j, c) => KvNumbers.Value(Cache.Layout, Cache.Head(Layer, row.Sequence.Blocks[j / 16], kvHead), j % 16, c)));
            }

            return [.. result];
        }

        public void Dispose() => Cache.Dispose();
    }
}
