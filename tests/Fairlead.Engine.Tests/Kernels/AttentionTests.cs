using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Packed;
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
        using var yard = new AttentionYard(type, shape, [1, 15, 16, 17, 40, 100, 300]);
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
        using var yard = new AttentionYard(type, shape, [600, 33, 290]);
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
    public void What_an_earlier_holder_left_behind_the_last_position_is_never_read(KvType type) => AttentionYard.AssertStaleIsNeverRead(type, static (yard, rows, queries) => yard.Attend(rows, queries, null, crew: null));

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public void Who_sees_what_is_no_number_gets_no_number_and_nobody_else_does(KvType type) => AttentionYard.AssertNoNumberIsSeenWhereItIs(type, static (yard, rows, queries) => yard.Attend(rows, queries, null, crew: null));

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
        using var yard = new AttentionYard(KvType.F16, new AttentionShape(4, 2, 16, 16, 1f), [5]);
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
                    double[] exact = AttentionYard.Weighed(scores, value, (j, c) => v[(((j * kvHeads) + kvHead) * value) + c]);
                    Widths.AssertNear(exact, result.AsSpan(((i * heads) + head) * value, value), Bound(tokens, key), 0, $"{tokens} tokens, head {head}, token {i}");
                }
            }
        }
    }

    [Fact]
    public void Texts_that_are_taken_together_have_the_bits_that_each_has_alone()
    {
        using var crew = new WorkCrew(3);
        const int Heads = 3, Dimension = 20, Width = Heads * Dimension;
        var shape = new AttentionShape(Heads, Heads, Dimension, Dimension, 0.3f);
        int[] lengths = [.. Enumerable.Repeat<int[]>([5, 1, 70], 30).SelectMany(static some => some)]; // more than are shared out at a time
        int tokens = lengths.Sum();
        var random = new Random(8);
        using NativeBuffer<float> queries = Widths.Buffer(Widths.Random(random, tokens * Width, 2f)), keys = Widths.Buffer(Widths.Random(random, tokens * Width)), values = Widths.Buffer(Widths.Random(random, tokens * Width));
        using NativeBuffer<float> bias = Widths.Buffer(Widths.Random(random, lengths.Sum(static length => length * length) * Heads)), alone = new(tokens * Width), together = new(tokens * Width);
        long at = 0, pairs = 0;
        foreach (int length in lengths)
        {
            Attention.Dense(queries.Data + at, keys.Data + at, values.Data + at, length, shape, bias.Data + pairs, alone.Data + at);
            at += length * Width;
            pairs += length * length * Heads;
        }

        foreach (WorkCrew? workers in (WorkCrew?[])[null, crew])
        {
            together.Slice(0, tokens * Width).Clear();
            Attention.Dense(queries.Data, keys.Data, values.Data, lengths, shape, bias.Data, together.Data, workers);
            Widths.AssertSameBits(alone.Slice(0, tokens * Width), together.Slice(0, tokens * Width), workers is null ? "alone" : "shared");
        }
    }

    internal static AttentionShape Shape(int heads, int kvHeads, int key, int value, int window, float cap) =>
        new(heads, kvHeads, key, value, 1f / MathF.Sqrt(key)) { Window = window, SoftCap = cap };

    internal static float[]? Slopes(int heads, bool alibi) => alibi ? [.. Enumerable.Range(1, heads).Select(h => MathF.Pow(2, -8f * h / heads))] : null;
}
