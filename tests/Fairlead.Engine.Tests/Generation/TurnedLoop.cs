using System.Threading.Channels;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>A loop that a test turns by hand, over <see cref="RememberingModel"/>, and what must hold of its answers.</summary>
internal static class TurnedLoop
{
    public static readonly BatchLimits Usual = new(Slots: 4, Queue: 8, StepTokens: 32);

    public static BatchLoop New(RememberingModel model, BatchLimits limits, int blocks = 64, int contextLength = 4096) =>
        new(model.Model(contextLength), limits, RememberingModel.NewCache(blocks), static () => 99);

    /// <summary>Prompts of requests differ from their first token on, so none finds another's blocks unless a test wants that.</summary>
    public static GenerationRequest Request(int kind, int prompt, int max) => new()
    {
        Prompt = [.. Enumerable.Range(0, prompt).Select(i => ((kind * 5) + (i * i) + (i * kind)) % RememberingModel.Vocabulary)],
        MaxTokens = max,
        Sampling = new SamplingSettings { Temperature = kind % 2, Seed = (ulong)kind, PresencePenalty = kind % 3 * 0.5f },
    };

    public static int[] Expected(GenerationRequest request) =>
        RememberingModel.Continue(request, request.Sampling.Seed ?? 0, choice: 0, request.MaxTokens ?? 0);

    public static (GenerationRequest Request, ChannelReader<GenerationEvent> Events) Start(BatchLoop loop, GenerationRequest request)
    {
        Assert.True(loop.TryStart(request, CancellationToken.None, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
        return (request, events);
    }

    public static void Run(BatchLoop loop, int turns)
    {
        for (int turn = 0; turn < turns; turn++)
            Assert.True(loop.Step());
    }

    public static void RunToEnd(BatchLoop loop)
    {
        for (int turn = 0; loop.Step(); turn++)
            Assert.InRange(turn, 0, 10_000);
    }

    public static Answers AssertAnswer(GenerationRequest request, ChannelReader<GenerationEvent> events)
    {
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.Equal(Expected(request), answers.Ids());
        return answers;
    }

    public static void AssertNothingIsHeld(BatchLoop loop)
    {
        Assert.Equal((0, 0), (loop.Counters.Running, loop.Counters.Waiting));
        Assert.Equal(loop.Counters.Blocks, loop.Counters.FreeBlocks + loop.Counters.KeptBlocks);
    }
}
