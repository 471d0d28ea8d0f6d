using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>Rows that go through the layers one by one, while others go through all of them, have the bits of a whole step.</summary>
public sealed class DecoderPassTests
{
    public static TheoryData<string> Models => [.. Golden.Names];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_pass_that_is_interrupted_after_each_layer_has_the_bits_of_a_whole_step(string name)
    {
        Golden golden = Golden.Load(name);
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
        using Decoder decoder = Decoder.Load(folder);
        using DecoderPass pass = decoder.NewPass();
        using KvCache cache = decoder.NewCache(64);
        int[][] texts = [.. golden.Cases.Select(static one => one.Ids[..Math.Min(one.Ids.Length, 24)])];
        float[][] whole = [.. texts.Select(ids => new Reader(decoder, cache).Read(ids))];

        StepRow[] rows = [.. texts.SelectMany(ids => new Reader(decoder, cache).Rows(ids))];
        pass.Begin(rows, cache);
        for (int layer = 0; layer < pass.Layers; layer++)
        {
            _ = new Reader(decoder, cache).Read(texts[layer % texts.Length]); // another text, in the decoder's own room
            pass.Resume(rows);
            pass.Advance(layer, rows, cache);
        }

        _ = new Reader(decoder, cache).Read(texts[^1]);
        pass.Resume(rows);
        var scores = new float[rows.Length * decoder.Shape.VocabularySize];
        pass.Score(rows, scores);
        Assert.Equal(whole.SelectMany(static scores => scores).Select(BitConverter.SingleToInt32Bits), scores.Select(BitConverter.SingleToInt32Bits));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(1, int.MaxValue)]
    public void Rows_that_are_taken_out_leave_the_others_their_bits(int which, int layers)
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("llama"));
        using Decoder decoder = Decoder.Load(folder);
        using DecoderPass pass = decoder.NewPass();
        using KvCache cache = decoder.NewCache(64);
        int[][] texts = [.. Golden.Load("llama").Cases.Take(3).Select(static (one, i) => one.Ids[..(5 + (2 * i))])];
        float[][] whole = [.. texts.Select(ids => new Reader(decoder, cache).Read(ids))];

        StepRow[][] parts = [.. texts.Select(ids => new Reader(decoder, cache).Rows(ids))];
        StepRow[] rows = [.. parts.SelectMany(static part => part)];
        pass.Begin(rows, cache);
        pass.Resume(rows);
        int through = Math.Min(layers, pass.Layers);
        for (int layer = 0; layer < through; layer++)
            pass.Advance(layer, rows, cache);
        pass.Remove(parts.Take(which).Sum(static part => part.Length), parts[which].Length, rows.Length);
        rows = [.. parts.Where((_, i) => i != which).SelectMany(static part => part)];
        pass.Resume(rows);
        for (int layer = through; layer < pass.Layers; layer++)
            pass.Advance(layer, rows, cache);
        var scores = new float[rows.Length * decoder.Shape.VocabularySize];
        pass.Score(rows, scores);
        Assert.Equal(whole.Where((_, i) => i != which).SelectMany(static scores => scores).Select(BitConverter.SingleToInt32Bits), scores.Select(BitConverter.SingleToInt32Bits));
    }

    [Fact]
    public void What_cannot_be_computed_together_is_refused_before_anything_is_computed()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("llama"));
        using Decoder decoder = Decoder.Load(folder, new DecoderOptions { RowsPerPass = 4 });
        using DecoderPass pass = decoder.NewPass();
        using KvCache cache = decoder.NewCache(8);
        StepRow[] rows = new Reader(decoder, cache).Rows([1, 2, 3]);
        Assert.Contains("more than one phase", Refusal([.. rows[..2], rows[2] with { Phase = Phase.Decode }]), StringComparison.Ordinal);
        Assert.Contains("token -1", Refusal([rows[0] with { Token = -1 }]), StringComparison.Ordinal);
        Assert.Contains("does not follow", Refusal([rows[0], rows[2]]), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => pass.Begin(new Reader(decoder, cache).Rows([1, 2, 3, 4, 5]), cache));
        pass.Begin(rows, cache);
        Assert.Throws<ArgumentException>(() => pass.Score(rows, new float[(3 * decoder.Shape.VocabularySize) - 1]));

        string Refusal(StepRow[] wrong) => Assert.Throws<ArgumentException>(() => pass.Begin(wrong, cache)).Message;
    }

    [Fact]
    public void A_pass_allocates_nothing()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("mixtral"));
        using Decoder decoder = Decoder.Load(folder);
        using DecoderPass pass = decoder.NewPass();
        using KvCache cache = decoder.NewCache(16);
        StepRow[] rows = new Reader(decoder, cache).Rows(Golden.Load("mixtral").Cases[^1].Ids.AsSpan(0, 60));
        var scores = new float[60 * decoder.Shape.VocabularySize];
        Compute();
        Assert.Equal(0, Shared.Allocation.Of(Compute));

        void Compute()
        {
            pass.Begin(rows, cache);
            pass.Resume(rows);
            for (int layer = 0; layer < pass.Layers; layer++)
                pass.Advance(layer, rows, cache);
            pass.Score(rows, scores);
        }
    }
}
