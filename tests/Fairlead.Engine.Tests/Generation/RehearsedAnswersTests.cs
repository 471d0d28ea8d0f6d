using System.Collections.Immutable;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>The answers that are written while a model is being loaded, with nothing of it but its plan.</summary>
public sealed class RehearsedAnswersTests
{
    public static TheoryData<string> Models =>
    [
        "bloom", "falcon-mq", "falcon-new", "gemma", "gemma2", "gemma3", "gpt2", "granite", "llama", "llama-linear", "llama-yarn", "llama3-scaled", "mistral", "mixtral", "olmo2", "phi3", "qwen2",
        "qwen2-moe", "qwen3", "qwen3-moe", "smollm3", "starcoder2",
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void It_answers_for_every_architecture_when_the_files_are_closed(string model)
    {
        ImmutableArray<GenerationEvent> events = RehearsedAnswers.Write(ClosedPlan(Goldens.Checkpoint(model), null), guesses: 8);
        Assert.Empty(events.OfType<GenerationEvent.Failed>());
        Assert.Equal([24, 24, 24], events.OfType<GenerationEvent.Ended>().Select(static ended => ended.CompletionTokens));
    }

    [Theory]
    [InlineData(ElementType.Q8_0)]
    [InlineData(ElementType.Q4_0)]
    public void It_answers_in_the_types_that_the_weights_will_have(ElementType quantize)
    {
        DecoderPlan plan = ClosedPlan(Goldens.Guide, quantize);
        using var miniature = new Miniature(plan);
        Assert.Contains(plan.Packing.Parts, part => part.Type == quantize);
        Assert.Equal([.. plan.Packing.Parts.Select(static part => part.Format).Distinct().Order()], miniature.Plan.Packing.Parts.Select(static part => part.Format).Distinct().Order());
        Assert.Empty(RehearsedAnswers.Write(plan, guesses: 0).OfType<GenerationEvent.Failed>());
    }

    [Fact]
    public void One_layer_of_each_kind_is_left()
    {
        DecoderPlan plan = ClosedPlan(Goldens.Guide, null);
        using var alike = new Miniature(plan);
        Assert.Equal((6, 1), (plan.Shape.Layers, alike.Plan.Shape.Layers));
        DecoderPlan windowed = plan.With(plan.Design with { Windows = [0, 0, 8, 0, 8, 8] }, plan.Weights, plan.Options);
        using var mixed = new Miniature(windowed);
        Assert.Equal([0, 8], mixed.Plan.Design.Windows);
        Assert.Equal(2, mixed.Plan.Weights.Layers.Length);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("qwen3-moe")]
    public void What_they_take_is_counted_before_anything_is_allocated_and_is_part_of_what_the_model_needs(string model)
    {
        string path = Goldens.Checkpoint(model);
        var options = new LanguageModelOptions { Threads = 1, Guesses = 3 };
        using ModelFolder folder = ModelFolder.Open(path, outlineOnly: true);
        DecoderPlan plan = DecoderPlan.Read(folder, new DecoderOptions { RowsPerPass = options.StepTokens, Threads = 1 });
        using Miniature outline = new(plan, outlineOnly: true), whole = new(plan);
        Assert.Equal((whole.ZeroBytes, whole.Plan.Packing.PackedBytes, whole.Plan.RoomBytes), (outline.ZeroBytes, outline.Plan.Packing.PackedBytes, outline.Plan.RoomBytes));
        long told = RehearsedAnswers.BytesFor(plan, options.Guesses);
        Assert.InRange(told, whole.ZeroBytes + PackedWeights.BlankBytes(whole.Plan.Packing) + whole.Plan.RoomBytes + whole.Plan.PassBytes + whole.Plan.CacheBytes(16), 32 << 20);
        long others = plan.RoomBytes + plan.PassBytes + BatchLoop.BytesFor(LanguageModel.LimitsOf(options), plan.Shape.VocabularySize, plan.Shape.ContextLength) + ProcessNeed.Bytes(folder, plan.Shape.VocabularySize, 1);
        Assert.Equal(others + told, LanguageModel.Measure(path, options).Scratch);
    }

    private static DecoderPlan ClosedPlan(string model, ElementType? quantize)
    {
        using ModelFolder folder = ModelFolder.Open(model);
        return DecoderPlan.Read(folder, new DecoderOptions { Quantize = quantize });
    }
}
