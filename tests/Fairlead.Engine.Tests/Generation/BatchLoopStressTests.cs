using System.Threading.Channels;
using Fairlead.Engine.Generation;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>Many callers at once, on the loop's own thread, with a cache that is too small for them.</summary>
public sealed class BatchLoopStressTests
{
    [Fact]
    public async Task Every_request_has_one_end_and_the_text_it_would_have_alone_and_all_blocks_come_back()
    {
        const int Requests = 400;
        var random = new Random(3);
        var loop = new BatchLoop(
            new RememberingModel { StepPositions = null }.Model(),
            new BatchLimits(Slots: 6, Queue: 1000, StepTokens: 24),
            RememberingModel.NewCache(blocks: 20),
            static () => 7);
        loop.Start();
        var faults = new List<string>();
        Task[] callers = [.. Enumerable.Range(0, Requests).Select(i => CallAsync(NewRequest(random, i), random.Next(3) == 0 ? random.Next(30) : -1))];
        await Task.WhenAll(callers);
        Assert.Empty(faults);
        GenerationCounters counters = loop.Counters;
        Assert.Equal((Requests, Requests, 0L), (counters.Accepted, counters.Ended, counters.Failed));
        Assert.True(counters.PutBack > 0 && counters.CachedTokens > 0, "the cache was never short, or no prompt began alike");
        Assert.True(SpinWait.SpinUntil(() => counters is { Running: 0, Waiting: 0 } && counters.FreeBlocks + counters.KeptBlocks == counters.Blocks, 60_000));
        loop.Dispose();

        async Task CallAsync(GenerationRequest request, int cancelAfter)
        {
            using var cancel = new CancellationTokenSource();
            if (!loop.TryStart(request, cancel.Token, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal))
            {
                lock (faults)
                    faults.Add(refusal.Message);
                return;
            }

            var answers = new Answers();
            await foreach (GenerationEvent happened in events.ReadAllAsync(TestContext.Current.CancellationToken))
            {
                answers.Events.Add(happened);
                if (answers.Events.Count == cancelAfter)
                    await cancel.CancelAsync();
            }

            lock (faults)
                faults.AddRange(Faults(request, answers, cancelled: cancel.IsCancellationRequested));
        }
    }

    /// <summary>The same turned by hand over loops of every size, so that a failure comes again with its seed: tiny caches, one slot, passes of a few rows that are interrupted, phases that must not meet.</summary>
    [Fact, Trait("Category", Fuzz.Category)]
    public void Loops_of_every_size_answer_as_if_each_request_were_alone()
    {
        foreach (int round in Fuzz.Rounds(1))
        {
            int seed = Fuzz.Seed + round;
            List<string> faults = RunByHand(new Random(seed));
            Assert.True(faults.Count == 0, $"FAIRLEAD_FUZZ_SEED={seed}: {string.Join("; ", faults)}");
        }
    }

    private static List<string> RunByHand(Random random)
    {
        int slots = 1 + random.Next(6);
        var limits = new BatchLimits(slots, Queue: 1 + random.Next(8), StepTokens: slots + random.Next(30)) { Stall = TimeSpan.FromMilliseconds(100) };
        var clock = new HandClock();
        var model = new RememberingModel { StepPositions = null, Layers = (1 + random.Next(5), _ => clock.Advance(TimeSpan.FromMilliseconds(random.Next(150)))) };
        using var loop = new BatchLoop(model.Model(contextLength: 30 + random.Next(300)) with { DependsOnPhase = random.Next(2) == 0 }, limits, RememberingModel.NewCache(1 + random.Next(30)), static () => 7, clock);
        var faults = new List<string>();
        var open = new List<(GenerationRequest Request, ChannelReader<GenerationEvent> Events, Answers Answers, CancellationTokenSource Cancel)>();
        for (int turn = 0, begun = 0; begun < 25 || open.Count > 0; turn++)
        {
            if (turn > 20_000)
                return [.. faults, "it does not end"];
            if (begun < 25 && random.Next(3) == 0)
            {
                GenerationRequest request = NewRequest(random, begun++) with { MaxTokens = random.Next(4) == 0 ? null : 1 + random.Next(60) };
                var cancel = new CancellationTokenSource();
                if (loop.TryStart(request, cancel.Token, out ChannelReader<GenerationEvent>? events, out _)) // or it is refused, which is an answer as well
                    open.Add((request with { MaxTokens = Math.Min(request.MaxTokens ?? int.MaxValue, loop.ContextLimit - request.Prompt.Length) }, events, new Answers(), cancel));
            }

            if (open.Count > 0 && random.Next(40) == 0)
                open[random.Next(open.Count)].Cancel.Cancel();
            loop.Step();
            for (int i = open.Count - 1; i >= 0; i--)
            {
                (GenerationRequest request, ChannelReader<GenerationEvent> events, Answers answers, CancellationTokenSource cancel) = open[i];
                if (!answers.Drain(events))
                    continue;
                faults.AddRange(Faults(request, answers, cancel.IsCancellationRequested));
                open.RemoveAt(i);
                cancel.Dispose();
            }
        }

        GenerationCounters counters = loop.Counters;
        if (counters is not { Running: 0, Waiting: 0 } || counters.FreeBlocks + counters.KeptBlocks != counters.Blocks || counters.Accepted != counters.Ended)
            faults.Add("something is still held");
        return faults;
    }

    private static GenerationRequest NewRequest(Random random, int kind)
    {
        // A third begins like others do, so that blocks are shared while they are being filled, used, and thrown out.
        int beginning = random.Next(3) == 0 ? random.Next(3) : 100 + kind;
        int length = 1 + random.Next(90);
        return new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(0, length).Select(i => (int)(Philox.Unit((ulong)(i < 50 ? beginning : kind), 1, i) * RememberingModel.Vocabulary))],
            MaxTokens = 1 + random.Next(80),
            Choices = random.Next(4) == 0 ? 1 + random.Next(4) : 1,
            Stop = random.Next(3) == 0 ? [RememberingModel.Text([random.Next(29), random.Next(29)])] : [],
            EndTokens = random.Next(3) == 0 ? [random.Next(RememberingModel.Vocabulary)] : [],
            Logprobs = random.Next(4) == 0,
            Echo = random.Next(6) == 0,
            PrefixScope = random.Next(4) == 0 ? "other" : null,
            Sampling = new SamplingSettings { Temperature = random.Next(3), Seed = (ulong)kind, FrequencyPenalty = random.Next(2) },
        };
    }

    private static IEnumerable<string> Faults(GenerationRequest request, Answers answers, bool cancelled)
    {
        int ends = answers.Events.Count(static happened => happened is GenerationEvent.Ended or GenerationEvent.Failed);
        if (ends != 1 || answers.Events[^1] is not GenerationEvent.Ended)
            yield return $"{ends} ends, the last event is {answers.Events[^1]}";
        for (int choice = 0; choice < request.Choices; choice++)
        {
            int[] alone = RememberingModel.Continue(request, request.Sampling.Seed ?? 0, choice, request.MaxTokens ?? 0);
            string text = RememberingModel.Text(alone);
            int cut = request.Stop.IsEmpty ? -1 : text.IndexOf(request.Stop[0], StringComparison.Ordinal);
            if (cut >= 0)
                alone = alone[..cut];
            int[] expected = request.Echo ? [.. request.Prompt, .. alone] : alone;
            int[] given = answers.Ids(choice);
            FinishReason reason = answers.End(choice).Reason;
            bool right = reason == FinishReason.Cancelled ? cancelled && expected.AsSpan().StartsWith(given) : expected.AsSpan().SequenceEqual(given);
            if (!right || answers.Text(choice) != RememberingModel.Text(given))
                yield return $"choice {choice} ({reason}) is {answers.Text(choice)} and alone {RememberingModel.Text(expected)}";
        }
    }
}
