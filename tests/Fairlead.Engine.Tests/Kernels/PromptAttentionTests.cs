using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Attending;
using Fairlead.Engine.Tensors;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>Attention of prompts by tiles of brain floats.</summary>
[Collection(Widths.Name)]
public sealed unsafe class PromptAttentionTests
{
    /// <summary>Of the documentation of <see cref="Attention.Prompt"/>, for keys and values between −1 and 1 and a sum of magnitudes of at most that.</summary>
    private static double Bound(int positions, int dimension, double magnitude)
    {
        double score = ((3 * Math.Pow(2, -17)) + (((dimension / 8) + (positions / 16) + 20) * Math.Pow(2, -24))) * magnitude;
        return (3 * Math.Pow(2, -8)) + (2 * Math.Max(score, Math.Pow(2, -16)));
    }

    public static TheoryData<KvType, int, int, int, int, int, float, bool> Shapes => AttentionTests.ShapesOfEveryType;

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Rows_of_several_sequences_see_what_they_should_and_nothing_else(KvType type, int heads, int kvHeads, int key, int value, int window, float cap, bool alibi)
    {
        SkipWithoutTiles();
        AttentionShape shape = AttentionTests.Shape(heads, kvHeads, key, value, window, cap);
        float[]? slopes = AttentionTests.Slopes(heads, alibi);
        using var yard = new AttentionYard(type, shape, [1, 15, 16, 17, 33, 40, 100, 300, 530]);
        foreach (int step in new[] { 1, 3, 1000 })
        {
            List<StepRow> rows = yard.LastRows(step);
            float[] queries = Widths.Random(new Random(step), rows.Count * heads * key, 3f);
            float[] result = yard.AttendByTiles(rows, queries, slopes, crew: null);
            // Of a long step every 15th row: the exact values take longer than everything else.
            for (int row = 0; row < rows.Count; row += step == 1000 ? 15 : 1)
            {
                double[] exact = yard.Exact(rows[row], queries.AsSpan(row * heads * key, heads * key), slopes);
                double magnitude = queries.AsSpan(row * heads * key, heads * key).ToArray().Chunk(key).Max(static head => head.Sum(Math.Abs)) * shape.Scale;
                Widths.AssertNear(exact, result.AsSpan(row * heads * value, heads * value), Bound(rows[row].Position, key, magnitude), 0, $"{shape}, row {row} at {rows[row].Position}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_row_has_the_same_bits_alone_and_in_a_batch_with_any_number_of_threads(KvType type, int heads, int kvHeads, int key, int value, int window, float cap, bool alibi)
    {
        SkipWithoutTiles();
        AttentionShape shape = AttentionTests.Shape(heads, kvHeads, key, value, window, cap);
        float[]? slopes = AttentionTests.Slopes(heads, alibi);
        using var three = new WorkCrew(3);
        using var yard = new AttentionYard(type, shape, [600, 33, 290]);
        List<StepRow> rows = yard.LastRows(300);
        float[] queries = Widths.Random(new Random(1), rows.Count * heads * key, 2f);
        float[] together = yard.AttendByTiles(rows, queries, slopes, crew: null);
        Widths.AssertSameBits(together, yard.AttendByTiles(rows, queries, slopes, three), "shared");
        for (int row = 0; row < rows.Count; row += 7)
        {
            float[] alone = yard.AttendByTiles([rows[row]], queries[(row * heads * key)..((row + 1) * heads * key)], slopes, crew: null);
            Widths.AssertSameBits(alone, together.AsSpan(row * heads * value, heads * value), $"row {row} at {rows[row].Position}");
        }

        // However a prompt is cut: a run then begins elsewhere.
        foreach (int piece in new[] { 2, 31, 100 })
        {
            for (int row = 1; row + piece <= rows.Count; row += piece * 3)
            {
                float[] some = yard.AttendByTiles(rows.GetRange(row, piece), queries[(row * heads * key)..((row + piece) * heads * key)], slopes, crew: null);
                Widths.AssertSameBits(together.AsSpan(row * heads * value, piece * heads * value), some, $"rows {row} to {row + piece - 1}");
            }
        }
    }

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public void What_an_earlier_holder_left_behind_the_last_position_is_never_read(KvType type)
    {
        SkipWithoutTiles();
        AttentionYard.AssertStaleIsNeverRead(type, static (yard, rows, queries) => yard.AttendByTiles(rows, queries, null, crew: null));
    }

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    [InlineData(KvType.Q8_0)]
    public void Who_sees_what_is_no_number_gets_no_number_and_nobody_else_does(KvType type)
    {
        SkipWithoutTiles();
        AttentionYard.AssertNoNumberIsSeenWhereItIs(type, static (yard, rows, queries) => yard.AttendByTiles(rows, queries, null, crew: null));
    }

    /// <summary>Scores that differ by hundreds, so that most weights are nothing, and all of them −∞ or the same.</summary>
    [Fact]
    public void Weights_are_shares_of_one_however_far_scores_lie_apart()
    {
        SkipWithoutTiles();
        foreach (float scale in new[] { 0f, 1e-3f, 30f, 1e4f })
        {
            AttentionShape shape = new(4, 2, 32, 32, scale);
            using var yard = new AttentionYard(KvType.F32, shape, [700]);
            List<StepRow> rows = yard.LastRows(40);
            float[] queries = Widths.Random(new Random(2), rows.Count * 4 * 32), result = yard.AttendByTiles(rows, queries, null, crew: null);
            Assert.All(result, static value => Assert.InRange(value, -1.01f, 1.01f)); // values lie between −1 and 1
            if (scale > 1)
                continue; // the largest score is then all that counts, and which it is rounding decides
            for (int row = 0; row < rows.Count; row++)
                Widths.AssertNear(yard.Exact(rows[row], queries.AsSpan(row * 128, 128), null), result.AsSpan(row * 128, 128), Bound(700, 32, 1), 0, $"{scale}, row {row}");
        }
    }

    [Fact]
    public void Prompts_allocate_nothing_and_a_layer_of_another_shape_is_refused()
    {
        SkipWithoutTiles();
        var shape = new AttentionShape(4, 2, 16, 16, 1f);
        using var yard = new AttentionYard(KvType.F16, shape, [300]);
        using var room = new PromptRoom(4, 2, 16, 16, threads: 1);
        using NativeBuffer<float> queries = Widths.Buffer(Widths.Random(new Random(1), 300 * 64)), output = new(300 * 64);
        StepRow[] rows = [.. yard.LastRows(300)];
        Attention.Prompt(rows, queries.Data, yard.Cache, 1, shape, null, output.Data, room);
        Assert.Equal(0, Allocation.Of(() => Attention.Prompt(rows, queries.Data, yard.Cache, 1, shape, null, output.Data, room)));
        Assert.Throws<ArgumentException>(() => Attention.Prompt([], queries.Data, yard.Cache, 1, new AttentionShape(4, 4, 16, 16, 1f), null, output.Data, room));
    }

    private static void SkipWithoutTiles() => Assert.SkipUnless(KernelChoice.Family == KernelFamily.Amx, "tiles of brain floats are not what is chosen here");
}
