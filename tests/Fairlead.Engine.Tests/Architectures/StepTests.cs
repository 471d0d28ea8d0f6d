using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>A step is a list of rows, and a row's scores are its own: how a text is cut and what else is read beside it changes no bit.</summary>
public sealed class StepTests
{
    public static TheoryData<string> Models => [.. Golden.Names];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_text_has_the_same_scores_to_the_bit_however_it_is_cut(string name)
    {
        int[] ids = Golden.Load(name).Cases[^1].Ids;
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
        using Decoder decoder = Decoder.Load(folder);
        using KvCache cache = decoder.NewCache(16);
        float[] whole = ReadIn(decoder, cache, ids, ids.Length);
        foreach (int size in (int[])[1, 7, 16, 33])
            AssertSame(whole, ReadIn(decoder, cache, ids, size), $"{name} in portions of {size}");

        using Decoder narrow = Decoder.Load(folder, new DecoderOptions { RowsPerPass = 13 });
        AssertSame(whole, ReadIn(narrow, cache, ids, ids.Length), $"{name} in passes of 13");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_text_has_the_same_scores_to_the_bit_whatever_is_read_beside_it(string name)
    {
        Golden golden = Golden.Load(name);
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
        using Decoder decoder = Decoder.Load(folder);
        using KvCache cache = decoder.NewCache(32);
        int vocabulary = decoder.Shape.VocabularySize;
        float[][] alone = [.. golden.Cases.Select(one => ReadIn(decoder, cache, one.Ids, one.Ids.Length))];

        // One text is being decoded while another's prompt is read, in changing portions, and a third begins late.
        Reader[] readers = [.. golden.Cases.Select(_ => new Reader(decoder, cache))];
        List<float>[] together = [.. golden.Cases.Select(_ => new List<float>())];
        var random = new Random(name.Length);
        while (readers.Zip(golden.Cases).Any(pair => pair.First.Length < pair.Second.Ids.Length))
        {
            List<StepRow> rows = [];
            List<int> owners = [];
            for (int i = 0; i < readers.Length; i++)
            {
                int left = golden.Cases[i].Ids.Length - readers[i].Length, take = Math.Min(left, i == 0 ? 1 : random.Next(6));
                if (take == 0 || (i == 2 && readers[0].Length < 3))
                    continue;
                rows.AddRange(readers[i].Rows(golden.Cases[i].Ids.AsSpan(readers[i].Length, take)));
                owners.AddRange(Enumerable.Repeat(i, take));
            }

            if (rows.Count == 0)
                continue;
            var logits = new float[rows.Count * vocabulary];
            decoder.Step(rows.ToArray(), cache, logits);
            for (int row = 0; row < rows.Count; row++)
                together[owners[row]].AddRange(logits.AsSpan(row * vocabulary, vocabulary));
        }

        for (int i = 0; i < alone.Length; i++)
            AssertSame(alone[i], [.. together[i]], $"{name}, case {i}");
    }

    [Fact]
    public void Only_the_rows_that_want_scores_get_them_in_their_order()
    {
        int[] ids = Golden.Load("llama").Cases[0].Ids;
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("llama"));
        using Decoder decoder = Decoder.Load(folder, new DecoderOptions { RowsPerPass = 3 });
        using KvCache cache = decoder.NewCache(4);
        int vocabulary = decoder.Shape.VocabularySize;
        float[] all = ReadIn(decoder, cache, ids, ids.Length);

        StepRow[] rows = new Reader(decoder, cache).Rows(ids);
        int[] wanted = [1, 2, 6];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = rows[i] with { WantsLogits = wanted.Contains(i) };
        var some = new float[wanted.Length * vocabulary];
        decoder.Step(rows, cache, some);
        AssertSame([.. wanted.SelectMany(row => all[(row * vocabulary)..((row + 1) * vocabulary)])], some, "rows 1, 2 and 6");
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        int[] ids = Golden.Load("mixtral").Cases[^1].Ids;
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("mixtral"));
        using Decoder decoder = Decoder.Load(folder);
        using KvCache cache = decoder.NewCache(16);
        var reader = new Reader(decoder, cache);
        StepRow[] prompt = reader.Rows(ids.AsSpan(0, 60)), next = reader.Rows(ids.AsSpan(60, 2));
        var logits = new float[62 * decoder.Shape.VocabularySize];
        for (int warm = 0; warm < 2; warm++)
        {
            decoder.Step(prompt, cache, logits);
            decoder.Step(next, cache, logits);
        }

        long allocated = Allocation.Of(() =>
        {
            decoder.Step(prompt, cache, logits);
            decoder.Step(next, cache, logits);
        });
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_text_that_begins_with_the_blocks_of_an_earlier_one_has_the_same_scores_to_the_bit()
    {
        foreach (string name in (string[])["llama", "gemma3", "bloom", "qwen2-moe"])
        {
            int[] ids = Golden.Load(name).Cases[^1].Ids;
            using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
            using Decoder decoder = Decoder.Load(folder, new DecoderOptions { Threads = 1 });
            using KvCache cache = decoder.NewCache(16);
            KvSequence first = new(), second = new();
            StepRow[] Rows(KvSequence sequence, int from)
            {
                Assert.True(sequence.TryReserve(cache, ids.Length));
                return [.. Enumerable.Range(from, ids.Length - from).Select(position => new StepRow(ids[position], sequence, position, Phase.Prefill, WantsLogits: true))];
            }

            var whole = new float[ids.Length * decoder.Shape.VocabularySize];
            decoder.Step(Rows(first, 0), cache, whole);
            second.BeginWith(cache, first.Blocks.Take(3));
            first.Release(cache);
            var rest = new float[(ids.Length - 48) * decoder.Shape.VocabularySize];
            decoder.Step(Rows(second, 48), cache, rest);
            AssertSame(whole[(48 * decoder.Shape.VocabularySize)..], rest, name);
        }
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_scores_to_the_bit()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Guide);
        int[] ids = [.. Enumerable.Range(3, 100)];
        float[][] scores = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using Decoder decoder = Decoder.Load(folder, new DecoderOptions { Threads = threads });
            using KvCache cache = decoder.NewCache(8);
            return ReadIn(decoder, cache, ids, 60);
        })];
        AssertSame(scores[0], scores[1], "two threads");
        AssertSame(scores[0], scores[2], "three threads");
    }

    [Fact]
    public void Rows_that_cannot_be_computed_are_refused_before_anything_is()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("llama"));
        using Decoder decoder = Decoder.Load(folder);
        using KvCache cache = decoder.NewCache(9), other = new(KvType.F16, 1, 1, 16, 16, 1);
        var sequence = new KvSequence();
        Assert.True(sequence.TryReserve(cache, 144));
        var logits = new float[decoder.Shape.VocabularySize];
        void Refused(string why, params StepRow[] rows) =>
            Assert.Contains(why, Assert.Throws<ArgumentException>(() => decoder.Step(rows, cache, logits)).Message, StringComparison.Ordinal);

        Refused("token 640 is not in the vocabulary of 640", new StepRow(640, sequence, 0, Phase.Prefill, false));
        Refused("token -1", new StepRow(-1, sequence, 0, Phase.Prefill, false));
        Refused("position 128 is not within the context of 128", new StepRow(1, sequence, 128, Phase.Prefill, false));
        Refused("position -1", new StepRow(1, sequence, -1, Phase.Prefill, false));
        Refused("room for 0 positions", new StepRow(1, new KvSequence(), 0, Phase.Prefill, false));
        Refused("position 2 does not follow 0", new StepRow(1, sequence, 0, Phase.Prefill, false), new StepRow(1, sequence, 2, Phase.Prefill, false));
        Refused("1280 scores are wanted, and there is room for 640", new StepRow(1, sequence, 0, Phase.Prefill, true), new StepRow(1, sequence, 1, Phase.Prefill, true));
        Assert.Throws<ArgumentException>(() => decoder.Step([new StepRow(1, sequence, 0, Phase.Prefill, true)], other, logits));
    }

    private static float[] ReadIn(Decoder decoder, KvCache cache, int[] ids, int size)
    {
        var reader = new Reader(decoder, cache);
        float[] logits = reader.ReadInPortions(ids, size);
        reader.Leave();
        return logits;
    }

    private static void AssertSame(float[] expected, float[] actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(actual[i]), $"{what}: score {i} is {actual[i]:R}, not {expected[i]:R}");
    }
}
