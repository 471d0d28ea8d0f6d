using Fairlead.Engine.Architectures;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Architectures;
using Fairlead.Engine.Tests.Embeddings;
using Fairlead.Engine.Tests.Formats;
using Fairlead.Engine.Tests.Kernels;

namespace Fairlead.Engine.Tests.Loading;

/// <summary>What was packed, kept and read again is what was packed: the same bytes, and so the same answers.</summary>
[Collection(Widths.Name)]
public sealed class PackRoundTripTests
{
    private static readonly ElementType[] s_types = [ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_K, ElementType.Q5_K, ElementType.Q6_K];

    public static TheoryData<KernelFamily> Families => [.. KernelChoice.Available];

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Every_form_of_every_family_multiplies_the_same_from_a_pack(KernelFamily family)
    {
        using var yard = new PackYard([.. s_types.Select(static type => (type, 37, 512))]);
        KernelFamily before = KernelChoice.Family;
        try
        {
            KernelChoice.Family = family;
            PackPlan plan = yard.Plan(family);
            Assert.Equal(s_types.Length, plan.Parts.Length);
            using PackedWeights packed = yard.Load(plan);
            Assert.True(await packed.Keep());
            using PackedWeights read = yard.Load(plan);
            Assert.True(read.Report.IsRead);
            Assert.Single(yard.Lines);
            foreach (PackedPart part in plan.Parts)
                Widths.AssertSameBits(Product(packed, part), Product(read, part), part.Format.ToString());
        }
        finally
        {
            KernelChoice.Family = before;
        }
    }

    [Theory]
    [InlineData("llama", null)]
    [InlineData("llama", ElementType.Q4_0)]
    [InlineData("qwen3-moe", null)]
    [InlineData("qwen3-moe", ElementType.Q8_0)]
    [InlineData("gemma", null)] // its head is its table of tokens
    [InlineData("gpt2", null)] // matrices the other way round
    [InlineData("phi3", ElementType.Q8_0)] // two matrices cut out of one
    public async Task A_language_model_answers_the_same_from_a_pack(string name, ElementType? quantize)
    {
        using TemporaryFolder packs = new();
        await CheckDecoder(Goldens.Checkpoint(name), new DecoderOptions { Threads = 2, Quantize = quantize }, name, packs);
    }

    [Fact]
    public async Task So_does_one_whose_rows_the_reader_of_GGUF_puts_in_order()
    {
        using TemporaryFolder folder = new(), packs = new();
        using (ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint("llama")))
            HubToGguf.Convert(hub).WriteTo(folder["model.gguf"]);
        await CheckDecoder(folder["model.gguf"], new DecoderOptions { Threads = 1 }, "llama", packs);
        using ModelFolder again = ModelFolder.Open(folder["model.gguf"]);
        using Decoder decoder = Load(again, new DecoderOptions { Threads = 1 }, StoreIn(packs));
        Assert.True(decoder.Packing.IsRead);
        Assert.Empty(((GgufWeights)again.Weights).Restored); // given back, as after packing
    }

    [Fact]
    public async Task An_encoder_gives_the_same_vectors_from_a_pack()
    {
        using TemporaryFolder packs = new();
        var options = new EmbeddingOptions { Threads = 2, Packs = StoreIn(packs) };
        EmbeddingInput[] texts = [new EmbeddingInput([5, 6, 7, 8]), new EmbeddingInput([9])];
        using EmbeddingModel packed = EmbeddingModel.Open(Goldens.Checkpoint("bert"), options);
        Assert.True(await packed.KeepPack());
        using EmbeddingModel read = EmbeddingModel.Open(Goldens.Checkpoint("bert"), options);
        Assert.Equal((false, true), (packed.Packing.IsRead, read.Packing.IsRead));
        EmbeddingVector[] expected = packed.Embed(texts, cutLong: false, out _, default)!, found = read.Embed(texts, cutLong: false, out _, default)!;
        for (int i = 0; i < texts.Length; i++)
            Widths.AssertSameBits(expected[i].Values, found[i].Values, $"text {i}");
    }

    [Fact]
    public async Task The_report_says_which_it_was_and_progress_ends_at_one_either_way()
    {
        using var yard = new PackYard((ElementType.F32, 1100, 1024), (ElementType.Q8_0, 2048, 1024), (ElementType.F32, 64, 64));
        PackPlan plan = yard.Plan();
        using var crew = new WorkCrew(2);
        foreach (bool isRead in (bool[])[false, true])
        {
            var shares = new Shares();
            using PackedWeights weights = yard.Load(plan, crew, new LoadMeter(plan.LoadBytes, shares));
            Assert.Contains(isRead ? "; read from a pack 2 matrices of F32, 1 matrices of Q8_0: " : "; packed 2 matrices of F32, 1 matrices of Q8_0: ", weights.Report.ToString(), StringComparison.Ordinal);
            Assert.Equal(1, shares.Told[^1]);
            Assert.Equal(shares.Told.Order(), shares.Told);
            Assert.Equal(!isRead, await weights.Keep());
        }
    }

    [Fact]
    public async Task What_is_too_small_is_not_kept_and_nothing_is_looked_for()
    {
        using var yard = new PackYard((ElementType.F32, 64, 64));
        PackPlan plan = yard.Plan();
        yard.Store = yard.Store with { LeastBytes = plan.PackedBytes + 1 };
        using PackedWeights weights = yard.Load(plan);
        Assert.False(await weights.Keep());
        Assert.Empty(yard.Files);
        Assert.Empty(yard.Lines);
        Assert.Equal(16L << 20, new PackStore(yard.Packs, _ => { }).LeastBytes);
    }

    private static async Task CheckDecoder(string path, DecoderOptions options, string golden, TemporaryFolder packs)
    {
        int[] ids = Golden.Load(golden).Cases[^1].Ids;
        using ModelFolder folder = ModelFolder.Open(path);
        using Decoder packed = Load(folder, options, StoreIn(packs));
        Assert.True(await packed.KeepPack());
        using ModelFolder again = ModelFolder.Open(path);
        using Decoder read = Load(again, options, StoreIn(packs));
        Assert.Equal((false, true), (packed.Packing.IsRead, read.Packing.IsRead));
        Widths.AssertSameBits(Scores(packed, ids), Scores(read, ids), golden);
    }

    private static Decoder Load(ModelFolder folder, DecoderOptions options, PackStore store)
    {
        DecoderPlan plan = DecoderPlan.Read(folder, options);
        return Decoder.Load(plan, pack: PackFile.Of(plan.Packing, folder.Stamps, store));
    }

    private static PackStore StoreIn(TemporaryFolder folder) => new(folder.Path, TestContext.Current.SendDiagnosticMessage) { LeastBytes = 1 };

    private static float[] Scores(Decoder decoder, int[] ids)
    {
        using KvCache cache = decoder.NewCache((ids.Length + KvCache.BlockPositions - 1) / KvCache.BlockPositions);
        return new Reader(decoder, cache).Read(ids);
    }

    private static unsafe float[] Product(PackedWeights weights, in PackedPart part)
    {
        const int Rows = 3;
        Assert.True(weights.TryGet(part.From.Weight, out PackedMatrix matrix));
        using NativeBuffer<float> input = new(Rows * part.From.Inputs), output = new(Rows * part.From.Outputs);
        var random = new Random(3);
        for (int i = 0; i < input.Length; i++)
            input.Data[i] = random.NextSingle() - 0.5f;
        weights.Multiply(matrix, input.Data, output.Data, Rows, crew: null);
        return output.Slice(0, (int)output.Length).ToArray();
    }

    private sealed class Shares : IProgress<double>
    {
        public List<double> Told { get; } = [];

        public void Report(double value) => Told.Add(value);
    }
}
