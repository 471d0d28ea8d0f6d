using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Kernels.Quantizing;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Architectures;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.Loading;

/// <summary>Weights that are quantised while they are loaded: which, to what, and that nothing else is.</summary>
public sealed unsafe class QuantizedLoadTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(ElementType.Q8_0)]
    [InlineData(ElementType.Q4_0)]
    [InlineData(ElementType.Q4_K)]
    public void A_matrix_is_packed_as_the_same_matrix_that_was_quantised_before(ElementType type)
    {
        const int Outputs = 37, Inputs = 512;
        var random = new Random(6);
        float[] values = [.. Enumerable.Range(0, Outputs * Inputs).Select(_ => random.NextSingle() - 0.5f)], turned = new float[values.Length];
        for (int o = 0; o < Outputs; o++)
        {
            for (int i = 0; i < Inputs; i++)
                turned[(i * Outputs) + o] = values[(o * Inputs) + i];
        }

        PackedFormat format = PackedLayout.FormatFor(type, Inputs, KernelFamily.Scalar)!.Value;
        long bytes = PackedLayout.BytesFor(format, Outputs, Inputs);
        using NativeBuffer<byte> blocks = new(BlockLayout.Of(type).SizeOf(values.Length)), expected = new(bytes), direct = new(bytes), transposed = new(bytes);
        PackedMatrix To(NativeBuffer<byte> memory) => new(format, Outputs, Inputs, (nint)memory.Data);
        fixed (float* rows = values)
        {
            fixed (float* columns = turned)
            {
                BlockQuantizer.Row(type, rows, values.Length, blocks.Data);
                WeightPacker.Pack(new TensorView(type, [Outputs, Inputs], blocks.Data), false, To(expected), 0, 3);
                QuantizingPacker.Pack(new TensorView(ElementType.F32, [Outputs, Inputs], (byte*)rows), false, type, To(direct), 0, 3);
                QuantizingPacker.Pack(new TensorView(ElementType.F32, [Inputs, Outputs], (byte*)columns), true, type, To(transposed), 0, 3);
            }
        }

        Assert.True(direct.Slice(0, (int)bytes).SequenceEqual(expected.Slice(0, (int)bytes)));
        Assert.True(transposed.Slice(0, (int)bytes).SequenceEqual(expected.Slice(0, (int)bytes)));
    }

    [Theory]
    [InlineData("llama", ElementType.Q8_0, 0.999)]
    [InlineData("gpt2", ElementType.Q8_0, 0.999)]
    [InlineData("qwen3-moe", ElementType.Q8_0, 0.997)]
    [InlineData("llama", ElementType.Q4_0, 0.9)]
    public void A_quantised_model_scores_nearly_as_it_did(string name, ElementType type, double least)
    {
        Golden golden = Golden.Load(name);
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
        using Decoder plain = Decoder.Load(folder, new DecoderOptions { Threads = 1 }), quantised = Decoder.Load(folder, new DecoderOptions { Threads = 2, Quantize = type });
        Assert.Equal(type, quantised.Packing.Quantized);
        Assert.Contains(quantised.Packing.Types, one => one.Type == type);
        int[] ids = golden.Cases[^1].Ids;
        double cosine = Cosine(Scores(plain, ids), Scores(quantised, ids));
        output.WriteLine($"cosine {cosine:0.00000}; {quantised.Packing}");
        Assert.InRange(cosine, least, 0.9999999); // it is another model
    }

    [Fact]
    public void Routers_and_tables_stay_and_so_does_what_has_no_whole_blocks()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("qwen3-moe"));
        DecoderPlan plan = DecoderPlan.Read(folder, new DecoderOptions { Quantize = ElementType.Q8_0 });
        foreach (LayerWeights layer in plan.Weights.Layers)
        {
            LinearWeights router = layer.Moe!.Router;
            Assert.Equal(router.Weight.Type, plan.Packing.Parts.Single(part => part.From.Weight.Data == router.Weight.Data).Type);
        }

        Assert.Equal(plan.Weights.Layers.Length, plan.Packing.Parts.Count(static part => part.Type != ElementType.Q8_0));
        Assert.Contains(plan.Packing.InPlace, table => table.Data == plan.Weights.Tokens.Data);

        // Rows of 64 are no whole blocks of 256.
        PackPlan groups = DecoderPlan.Read(folder, new DecoderOptions { Quantize = ElementType.Q4_K }).Packing;
        Assert.Contains(groups.Parts, static part => part.From.Inputs % 256 != 0);
        Assert.All(groups.Parts, part => Assert.Equal(part.From.Inputs % 256 == 0 && !plan.Tally.IsRouter(part.From), part.Type == ElementType.Q4_K));
        Assert.Equal(groups.Parts.Count(part => part.From.Inputs % 256 != 0 && !plan.Tally.IsRouter(part.From)), groups.NotQuantized);
        Assert.Contains($"{groups.NotQuantized} stayed as they are stored", PackReport.Of(groups, default).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_quantised_already_is_refused_with_what_to_do()
    {
        using ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint("llama"));
        using TemporaryFolder temporary = new();
        HubToGguf.Convert(hub, ElementType.Q8_0).WriteTo(temporary["model.gguf"]);
        ModelFileException refusal = Assert.Throws<ModelFileException>(() => LanguageModel.Measure(temporary["model.gguf"], new LanguageModelOptions { Quantize = ElementType.Q4_0 }));
        Assert.Contains("quantised already (Q8_0)", refusal.Reason, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => LanguageModel.Measure(temporary["model.gguf"], new LanguageModelOptions { Quantize = ElementType.Q6_K }));
        Assert.True(LanguageModel.Measure(temporary["model.gguf"], new LanguageModelOptions()).Weights > 0);
    }

    [Fact]
    public void A_plan_counts_every_tensor_once_and_the_packed_form_in_place_of_the_stored_one()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("llama"));
        PackPlan stored = DecoderPlan.Read(folder, new DecoderOptions()).Packing, quantised = DecoderPlan.Read(folder, new DecoderOptions { Quantize = ElementType.Q8_0 }).Packing;
        Assert.Equal(stored.Parts.Sum(static part => part.Bytes), stored.PackedBytes);
        Assert.Equal(stored.LoadBytes, quantised.LoadBytes);
        Assert.True(quantised.PackedBytes < stored.PackedBytes * 0.6, $"{quantised.PackedBytes} of {stored.PackedBytes}");
        Assert.Equal(stored.PeakBytes - stored.PackedBytes, quantised.PeakBytes - quantised.PackedBytes);
        Assert.All(stored.Parts, static part => Assert.Equal(0, part.Offset % 64));
    }

    [Fact]
    public void What_the_reader_of_a_GGUF_file_put_in_order_is_given_back_when_it_is_packed_and_is_there_for_the_next_load()
    {
        using ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint("llama"));
        using TemporaryFolder temporary = new();
        HubToGguf.Convert(hub).WriteTo(temporary["model.gguf"]);
        using ModelFolder folder = ModelFolder.Open(temporary["model.gguf"]);
        var weights = (GgufWeights)folder.Weights;
        DecoderPlan plan = DecoderPlan.Read(folder, new DecoderOptions { Threads = 1 });
        Assert.NotEmpty(weights.Restored);
        using Decoder first = Decoder.Load(plan);
        Assert.Empty(weights.Restored);
        using Decoder second = Decoder.Load(folder, new DecoderOptions { Threads = 1 });
        int[] ids = Golden.Load("llama").Cases[^1].Ids;
        Assert.Equal(Scores(first, ids), Scores(second, ids));
    }

    private static float[] Scores(Decoder decoder, int[] ids)
    {
        using KvCache cache = decoder.NewCache((ids.Length + KvCache.BlockPositions - 1) / KvCache.BlockPositions);
        return new Reader(decoder, cache).Read(ids);
    }

    private static double Cosine(float[] a, float[] b)
    {
        double product = 0, left = 0, right = 0;
        for (int i = 0; i < a.Length; i++)
            (product, left, right) = (product + ((double)a[i] * b[i]), left + ((double)a[i] * a[i]), right + ((double)b[i] * b[i]));
        return product / Math.Sqrt(left * right);
    }
}
