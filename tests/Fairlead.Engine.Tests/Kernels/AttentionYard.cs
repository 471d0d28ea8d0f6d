using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Attending;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>Sequences whose blocks lie in no order, with random keys and values.</summary>
internal sealed unsafe class AttentionYard : IDisposable
{
    private const int Layer = 1;
    private readonly AttentionShape _shape;
    private readonly List<(KvSequence Sequence, float[] Keys, float[] Values)> _sequences = [];

    public AttentionYard(KvType type, AttentionShape shape, int[] lengths)
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
                rows.Add(new StepRow(0, sequence, position, Phase.Prefill, false));
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

    /// <summary>The same by tiles of brain floats.</summary>
    public float[] AttendByTiles(List<StepRow> rows, float[] queries, float[]? slopes, WorkCrew? crew)
    {
        using NativeBuffer<float> query = Widths.Buffer(queries), slope = Widths.Buffer(slopes ?? []), output = new((long)rows.Count * _shape.Heads * _shape.ValueDimension);
        using var room = new PromptRoom(_shape.Heads, _shape.KvHeads, _shape.KeyDimension, _shape.ValueDimension, crew?.Threads ?? 1);
        Attention.Prompt([.. rows], query.Data, Cache, Layer, _shape, slopes is null ? null : slope.Data, output.Data, room, crew);
        return output.Slice(0, (int)output.Length).ToArray();
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

    /// <summary>The mean of values, weighed by the softmax of their scores.</summary>
    public static double[] Weighed((double Score, int Position)[] scores, int dimension, Func<int, int, double> value)
    {
        double largest = scores.Max(s => s.Score), sum = scores.Sum(s => Math.Exp(s.Score - largest));
        return [.. Enumerable.Range(0, dimension).Select(c => scores.Sum(s => Math.Exp(s.Score - largest) / sum * value(s.Position, c)))];
    }

    /// <summary>What an earlier holder left behind the last position, or before the window, makes no difference.</summary>
    public static void AssertStaleIsNeverRead(KvType type, Func<AttentionYard, List<StepRow>, float[], float[]> attend)
    {
        var shape = new AttentionShape(4, 2, 16, 16, 0.25f) { Window = 20 };
        using var yard = new AttentionYard(type, shape, [37]);
        float[] queries = Widths.Random(new Random(1), 4 * 16);
        List<StepRow> last = yard.LastRows(1);
        float[] clean = attend(yard, last, queries);
        foreach (float junk in new[] { float.NaN, 1e30f, float.MaxValue })
        {
            yard.Spoil(from: 37, to: 48, junk);
            yard.Spoil(from: 0, to: 17, junk); // out of the window, in the block of the window's first position too
            Widths.AssertSameBits(clean, attend(yard, last, queries), "spoiled");
        }
    }

    /// <summary>Who sees what is no number gets none, nobody else does, and a query that is none stays alone with it.</summary>
    public static void AssertNoNumberIsSeenWhereItIs(KvType type, Func<AttentionYard, List<StepRow>, float[], float[]> attend)
    {
        var shape = new AttentionShape(4, 2, 16, 16, 0.25f);
        using var yard = new AttentionYard(type, shape, [37]);
        List<StepRow> rows = yard.LastRows(37);
        float[] queries = Widths.Random(new Random(1), 37 * 4 * 16), clean = attend(yard, rows, queries);
        foreach (float junk in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            yard.Spoil(from: 20, to: 21, junk);
            float[] spoiled = attend(yard, rows, queries);
            Widths.AssertSameBits(clean.AsSpan(0, 20 * 64), spoiled.AsSpan(0, 20 * 64), "before");
            Assert.All(spoiled[(20 * 64)..], static value => Assert.True(float.IsNaN(value)));
        }

        yard.Restore(20);
        Widths.AssertSameBits(clean, attend(yard, rows, queries), "written again");
        queries[(5 * 64) + 3] = float.NaN; // of row 5, head 0
        float[] asked = attend(yard, rows, queries);
        for (int i = 0; i < asked.Length; i++)
            Assert.True(i / 16 == 5 * 4 ? float.IsNaN(asked[i]) : asked[i] == clean[i], $"{i}: {asked[i]}");
    }

    public void Dispose() => Cache.Dispose();
}
