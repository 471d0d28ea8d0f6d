using System.Collections.Immutable;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Embeddings;

/// <summary>The texts whose vectors are computed while an encoder is being loaded, with nothing of it but its plan.</summary>
public sealed class RehearsedTextsTests
{
    [Theory]
    [InlineData("bert", 1)]
    [InlineData("bert", 3)]
    [InlineData("distilbert", 1)]
    [InlineData("mpnet", 2)]
    [InlineData("roberta", 1)]
    [InlineData("xlm-roberta", 1)]
    public void They_have_vectors_for_every_architecture_when_the_files_are_closed(string model, int threads)
    {
        EncoderPlan plan = ClosedPlan(Goldens.Checkpoint(model), null);
        using var pipeline = new EmbeddingPipeline(new Pooling(PoolingMode.Mean), [new NormalizeStep(plan.Design.Width)]);
        ImmutableArray<EmbeddingVector> vectors = RehearsedTexts.Compute(plan, pipeline, threads);
        Assert.Equal([5, Math.Min(128, plan.Design.MaxTokens), 40, 21], vectors.Select(static vector => vector.Tokens));
        Assert.All(vectors, vector => Assert.Equal(plan.Design.Width, vector.Values.Length));
    }

    [Fact]
    public unsafe void A_miniature_has_a_layer_of_each_kind_in_the_forms_of_the_model()
    {
        EncoderPlan plan = ClosedPlan(Goldens.Shared("minilm"), null);
        using var alike = new EncoderMiniature(plan);
        Assert.Equal((6, 1), (plan.Design.Layers, alike.Plan.Design.Layers));
        Assert.Equal((plan.Design.Width, plan.Design.Heads, 512, 128), (alike.Plan.Design.Width, alike.Plan.Design.Heads, alike.Plan.Design.Inner, alike.Plan.Design.MaxTokens));
        foreach (ElementType? quantize in (ElementType?[])[null, ElementType.Q8_0])
        {
            EncoderPlan stored = ClosedPlan(Goldens.Shared("minilm"), quantize);
            using var miniature = new EncoderMiniature(stored);
            Assert.Equal(stored.Packing.Parts.Select(static part => (part.Type, part.Format)).Distinct(), miniature.Plan.Packing.Parts.Select(static part => (part.Type, part.Format)).Distinct());
        }

        EncoderLayerWeights other = alike.Plan.Weights.Layers[0] with { Up = plan.Weights.Layers[0].Up with { Weight = new TensorView(ElementType.F32, [1536, 384], null) } };
        using var mixed = new EncoderMiniature(plan.With(plan.Design, plan.Weights with { Layers = plan.Weights.Layers.SetItem(2, other).SetItem(4, other) }));
        Assert.Equal([ElementType.F16, ElementType.F32], mixed.Plan.Weights.Layers.Select(static layer => layer.Up.Weight.Type));
    }

    [Fact]
    public void What_they_take_is_counted_before_anything_is_allocated_and_is_part_of_what_the_model_needs()
    {
        string path = Goldens.Shared("minilm");
        using ModelFolder folder = ModelFolder.Open(path, outlineOnly: true);
        EncoderPlan plan = EncoderPlan.Read(folder);
        using EncoderMiniature outline = new(plan, outlineOnly: true), whole = new(plan);
        Assert.Equal((whole.ZeroBytes, whole.Plan.Packing.PackedBytes), (outline.ZeroBytes, outline.Plan.Packing.PackedBytes));
        foreach (int threads in (int[])[1, 2])
        {
            long told = RehearsedTexts.BytesFor(plan, threads);
            using Encoder blank = Encoder.Blank(whole.Plan, EncoderMiniature.Rows, threads);
            unsafe
            {
                blank.Forward(new int[128], new int[128], [128]);
            }

            Assert.InRange(told, whole.ZeroBytes + PackedWeights.BlankBytes(whole.Plan.Packing) + (blank.RoomValues * sizeof(float)), 32 << 20);
            long others = ProcessNeed.Bytes(folder, plan.Design.Vocabulary, threads) + Encoder.RoomBytes(plan, 1024, threads) + PackedWeights.RoomBytes(plan.Packing, Encoder.RowsPerPass, threads);
            Assert.Equal(others + told, EmbeddingModel.Measure(path, new EmbeddingOptions { Threads = threads }).Scratch);
        }
    }

    private static EncoderPlan ClosedPlan(string model, ElementType? quantize)
    {
        using ModelFolder folder = ModelFolder.Open(model);
        return EncoderPlan.Read(folder, quantize);
    }
}
