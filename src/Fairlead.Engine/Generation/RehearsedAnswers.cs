using System.Collections.Immutable;
using System.Threading.Channels;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Loading;

namespace Fairlead.Engine.Generation;

/// <summary>A few short answers that a loop like the model's own writes with a <see cref="Miniature"/> of it.</summary>
internal static class RehearsedAnswers
{
    private const int Slots = 2;
    private const int Vocabulary = 256; // of the tokens that prompts are made of; no model has fewer that this is worth doing for
    private const int AnswerTokens = 24; // enough for a text to repeat itself, so that guesses are made and judged

    /// <summary>Begins to write them.</summary>
    /// <param name="plan">Of the model, of whose files no byte is read.</param>
    /// <param name="guesses">See <see cref="LanguageModelOptions.Guesses"/>.</param>
    public static Rehearsal Begin(DecoderPlan plan, int guesses) => Rehearsal.Begin(() =>
    {
        if (Write(plan, guesses).OfType<GenerationEvent.Failed>().FirstOrDefault() is { } failed)
            throw new InvalidOperationException($"the model cannot be computed: {failed.Reason}");
    });

    /// <summary>Bytes that this takes while it lasts; 0 where nothing is rehearsed.</summary>
    public static long BytesFor(DecoderPlan plan, int guesses)
    {
        if (!Rehearsal.IsWorthwhile)
            return 0;
        using var miniature = new Miniature(plan, outlineOnly: true);
        DecoderPlan small = miniature.Plan;
        return miniature.ZeroBytes + PackedWeights.BlankBytes(small.Packing) + small.RoomBytes + small.PassBytes + small.CacheBytes(BlocksFor(small.Shape))
            + BatchLoop.BytesFor(LimitsOf(guesses), small.Shape.VocabularySize, small.Shape.ContextLength);
    }

    /// <summary>The answers, on the caller's thread.</summary>
    /// <returns>What became of them.</returns>
    internal static ImmutableArray<GenerationEvent> Write(DecoderPlan plan, int guesses)
    {
        using var miniature = new Miniature(plan);
        using Decoder decoder = Decoder.Blank(miniature.Plan);
        using DecoderPass pass = decoder.NewPass();
        var model = new BatchModel(decoder.Step, pass, decoder.Shape.VocabularySize, decoder.Shape.ContextLength, [], static _ => new AnswerDecoder(static _ => "a", static () => ""))
        {
            DependsOnPhase = decoder.DependsOnPhase,
        };
        using var loop = new BatchLoop(model, LimitsOf(guesses), decoder.NewCache(BlocksFor(decoder.Shape)), static () => 1);
        var events = ImmutableArray.CreateBuilder<GenerationEvent>();
        // One prompt of some rows and a greedy answer, as most first requests are; then two at once, of which one is drawn and tells its log-probabilities.
        GenerationRequest greedy = Request(model, 20) with { Sampling = new SamplingSettings { Temperature = 0 } };
        Write(loop, events, greedy);
        Write(loop, events, greedy with { Prompt = greedy.Prompt[..5] }, Request(model, 9) with { Sampling = new SamplingSettings { TopK = 40, TopP = 0.9f, MinP = 0.01f, RepetitionPenalty = 1.1f }, Logprobs = true, TopLogprobs = 1 });
        return events.ToImmutable();
    }

    private static BatchLimits LimitsOf(int guesses) => new(Slots, Slots, Miniature.Rows) { Guesses = guesses };

    private static int BlocksFor(DecoderShape shape) => Slots * KvCache.BlocksFor(shape.ContextLength);

    private static GenerationRequest Request(BatchModel model, int prompt) => new()
    {
        Prompt = [.. Enumerable.Range(0, prompt).Select(i => i % Math.Min(Vocabulary, model.VocabularySize))],
        MaxTokens = AnswerTokens,
        MinTokens = AnswerTokens,
    };

    private static void Write(BatchLoop loop, ImmutableArray<GenerationEvent>.Builder events, params ReadOnlySpan<GenerationRequest> requests)
    {
        var answers = new List<ChannelReader<GenerationEvent>>();
        foreach (GenerationRequest request in requests)
            answers.Add(loop.TryStart(request, CancellationToken.None, out ChannelReader<GenerationEvent>? answer, out GenerationRefusal? refusal) ? answer : throw new InvalidOperationException(refusal.ToString()));
        while (loop.Step())
        {
            // until all of them are written
        }

        foreach (ChannelReader<GenerationEvent> answer in answers)
        {
            while (answer.TryRead(out GenerationEvent? happened))
                events.Add(happened);
        }
    }
}
