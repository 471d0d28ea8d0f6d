using System.Threading.Channels;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Architectures;
using Fairlead.Engine.Tests.Formats;
using Fairlead.Engine.Tests.LlamaCpp;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>The loop over real decoders: the reference's answers, and the same bits whatever else is in the batch.</summary>
public sealed class ModelAnswersTests
{
    // One of each way through the layers that could mix rows up: plain, experts, windows and soft caps, multi-query heads and parallel blocks.
    private static readonly string[] Kinds = ["llama", "mixtral", "gemma2", "falcon-mq"];

    // And every way in which weights are stored, since each has kernels of its own.
    private static readonly ElementType[] Types =
    [
        ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_1, ElementType.Q5_0, ElementType.Q5_1, ElementType.Q4_K, ElementType.Q5_K, ElementType.Q6_K,
    ];

    [Fact]
    public void Every_golden_is_continued_as_the_reference_does_three_at_a_time_and_in_small_pieces()
    {
        var faults = new List<string>();
        foreach (string name in Golden.Names)
        {
            using LoadedModel model = LoadedModel.Golden(name);
            using BatchLoop loop = model.NewLoop(new BatchLimits(Slots: 4, Queue: 4, StepTokens: 7), blocks: 16);
            GoldenCase[] cases = [.. Golden.Load(name).Cases.Where(static golden => golden.Greedy.Length > 0)];
            ChannelReader<GenerationEvent>[] events = [.. cases.Select(golden => Start(loop, new GenerationRequest
            {
                // Where the first token is also the one for padding (SmolLM3), the reference's generate() reads the text without it.
                Prompt = [.. golden.Ids[0] == model.Padding ? golden.Ids[1..] : golden.Ids],
                MaxTokens = golden.Greedy.Length - golden.Ids.Length,
                MinTokens = golden.Greedy.Length, // the reference forbade the end token
                Sampling = new SamplingSettings { Temperature = 0 },
            }))];
            RunToEnd(loop);
            for (int i = 0; i < cases.Length; i++)
            {
                int[] answer = Read(events[i]).Ids();
                if (!answer.AsSpan().SequenceEqual(cases[i].Greedy.AsSpan(cases[i].Ids.Length)))
                    faults.Add($"{name}, case {i}: {string.Join(' ', answer)}");
            }
        }

        Assert.Empty(faults);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_request_among_seven_others_gets_the_bits_it_gets_alone(bool oneLayerAStep)
    {
        foreach ((string name, Func<LoadedModel> load) in Models())
        {
            using LoadedModel model = load();
            var random = new Random(8);
            GenerationRequest request = Request(random, model, 40) with { Choices = 2 };
            AnswerToken[][] alone = Alone(model, request);

            using BatchLoop loop = model.NewLoop(new BatchLimits(Slots: 9, Queue: 9, StepTokens: 24) { Stall = TimeSpan.FromMilliseconds(100) }, blocks: 80, oneLayerAStep ? new HastyClock() : null);
            ChannelReader<GenerationEvent>? events = null;
            for (int turn = 0; turn < 8; turn++)
            {
                if (turn == 3)
                    events = Start(loop, request);
                else
                    Start(loop, Request(random, model, 5 + random.Next(60)));
                for (int step = 0; step < 3; step++)
                    loop.Step();
            }

            Assert.InRange(loop.Counters.Running, 5, 9);
            RunToEnd(loop);
            Answers among = Read(events ?? throw new InvalidOperationException());
            AssertSameBits(alone[0], among.Tokens(0), name);
            AssertSameBits(alone[1], among.Tokens(1), name);
        }
    }

    [Fact]
    public void A_cached_beginning_gives_the_bits_that_reading_it_gives()
    {
        foreach ((string name, Func<LoadedModel> load) in Models())
        {
            using LoadedModel model = load();
            var random = new Random(9);
            GenerationRequest request = Request(random, model, 60);
            AnswerToken[] alone = Alone(model, request)[0];

            using BatchLoop loop = model.NewLoop(new BatchLimits(Slots: 4, Queue: 9, StepTokens: 16), blocks: 80);
            // Once as a prompt, which the other leaves in the middle of a block; once such that the blocks in question were written by answering, not by reading.
            GenerationRequest[] earlier = [request with { Prompt = request.Prompt[..50] }, request with { Prompt = [.. request.Prompt.Reverse()] }];
            foreach (GenerationRequest one in earlier)
                Start(loop, one);
            RunToEnd(loop);
            ChannelReader<GenerationEvent> events = Start(loop, request);
            ChannelReader<GenerationEvent> other = Start(loop, request with { PrefixScope = "another" });
            RunToEnd(loop);
            Answers cached = Read(events), read = Read(other);
            // Where the phases differ, a block that an answer has filled up is nobody else's.
            Assert.Equal((model.Decoder.DependsOnPhase ? 48 : 50, 0), (cached.Whole.CachedTokens, read.Whole.CachedTokens));
            AssertSameBits(alone, cached.Tokens(), name);
            AssertSameBits(alone, read.Tokens(), name);

            GenerationRequest goesOn = request with { Prompt = [.. request.Prompt, .. alone.Select(static token => token.Id)], MaxTokens = 10 };
            AnswerToken[] goneOn = Alone(model, goesOn)[0];
            events = Start(loop, goesOn);
            RunToEnd(loop);
            cached = Read(events);
            // 60 of the prompt and 20 of the answer's 29 that were read again; or the prompt's three whole blocks.
            Assert.Equal(model.Decoder.DependsOnPhase ? 48 : 80, cached.Whole.CachedTokens);
            AssertSameBits(goneOn, cached.Tokens(), name);
        }
    }

    [Fact]
    public void An_answer_that_was_put_back_goes_on_with_the_same_bits()
    {
        foreach ((string name, Func<LoadedModel> load) in Models())
        {
            using LoadedModel model = load();
            var random = new Random(10);
            GenerationRequest[] requests = [.. Enumerable.Range(0, 4).Select(_ => Request(random, model, 30) with { MaxTokens = 60, MinTokens = 60 })];
            using BatchLoop loop = model.NewLoop(new BatchLimits(Slots: 4, Queue: 9, StepTokens: 16), blocks: 12);
            ChannelReader<GenerationEvent>[] events = [.. requests.Select(request => Start(loop, request))];
            RunToEnd(loop);
            Assert.InRange(loop.Counters.PutBack, 1, 50);
            for (int i = 0; i < requests.Length; i++)
                AssertSameBits(Alone(model, requests[i])[0], Read(events[i]).Tokens(), name);
        }
    }

    [Fact]
    public async Task Hundreds_of_callers_of_whom_many_hang_up_leave_nothing_behind()
    {
        const int Requests = 300;
        using LoadedModel model = LoadedModel.Golden("llama");
        var random = new Random(12);
        GenerationRequest[] kinds = [.. Enumerable.Range(0, 12).Select(i => Request(random, model, 1 + random.Next(60)) with { MaxTokens = 1 + random.Next(40), Choices = 1 + (i % 3) })];
        AnswerToken[][][] alone = [.. kinds.Select(kind => Alone(model, kind))];
        var loop = model.NewLoop(new BatchLimits(Slots: 6, Queue: Requests, StepTokens: 24), blocks: 24);
        loop.Start();
        var faults = new List<string>();
        await Task.WhenAll(Enumerable.Range(0, Requests).Select(_ => CallAsync(random.Next(kinds.Length), random.Next(2) == 0 ? random.Next(30) : -1)));
        Assert.Empty(faults);
        GenerationCounters counters = loop.Counters;
        Assert.Equal((Requests, Requests, 0L), (counters.Accepted, counters.Ended, counters.Failed));
        Assert.True(SpinWait.SpinUntil(() => counters is { Running: 0, Waiting: 0 } && counters.FreeBlocks + counters.KeptBlocks == counters.Blocks, 60_000));
        loop.Dispose();

        async Task CallAsync(int kind, int hangUpAfter)
        {
            using var cancel = new CancellationTokenSource();
            Assert.True(loop.TryStart(kinds[kind], cancel.Token, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
            var answers = new Answers();
            await foreach (GenerationEvent happened in events.ReadAllAsync(TestContext.Current.CancellationToken))
            {
                answers.Events.Add(happened);
                if (answers.Events.Count == hangUpAfter)
                    await cancel.CancelAsync();
            }

            int ends = answers.Events.Count(static happened => happened is GenerationEvent.Ended or GenerationEvent.Failed);
            bool right = ends == 1 && answers.Events[^1] is GenerationEvent.Ended;
            for (int choice = 0; choice < kinds[kind].Choices; choice++)
            {
                AnswerToken[] given = answers.Tokens(choice);
                bool whole = answers.End(choice).Reason != FinishReason.Cancelled;
                right &= whole ? given.Length == alone[kind][choice].Length : cancel.IsCancellationRequested;
                right &= given.Zip(alone[kind][choice]).All(static pair => pair.First.Id == pair.Second.Id && pair.First.Logprob.Equals(pair.Second.Logprob));
            }

            lock (faults)
            {
                if (!right)
                    faults.Add($"kind {kind}, hung up after {hangUpAfter}: {string.Join(' ', answers.Ids())}");
            }
        }
    }

    [Fact]
    public void A_real_models_steady_decoding_allocates_the_events_and_nothing_else()
    {
        foreach ((string name, Func<LoadedModel> load) in Models())
        {
            using LoadedModel model = load();
            using BatchLoop loop = model.NewLoop(new BatchLimits(Slots: 4, Queue: 4, StepTokens: 16), blocks: 64);
            var random = new Random(13);
            ChannelReader<GenerationEvent>[] events = [.. Enumerable.Range(0, 4).Select(_ => Start(loop, Request(random, model, 8) with { Logprobs = false, TopLogprobs = 0, MaxTokens = 110, MinTokens = 110 }))];
            Turn(30);
            long allocated = Allocation.Of(() => Turn(15));
            Assert.True(allocated <= 15 * 4 * 88, $"{name}: {allocated} bytes for 60 tokens");
            Assert.Equal(4, loop.Counters.Running);

            void Turn(int steps)
            {
                for (int step = 0; step < steps; step++)
                {
                    loop.Step();
                    foreach (ChannelReader<GenerationEvent> reader in events)
                    {
                        while (reader.TryRead(out _))
                            continue;
                    }
                }
            }
        }
    }

    private static IEnumerable<(string Name, Func<LoadedModel> Load)> Models() =>
    [
        .. Kinds.Select(static name => (name, (Func<LoadedModel>)(() => LoadedModel.Golden(name)))),
        .. Types.Select(static type => (type.ToString(), (Func<LoadedModel>)(() => LoadedModel.Stored(type)))),
    ];

    private static GenerationRequest Request(Random random, LoadedModel model, int prompt) => new()
    {
        Prompt = [.. Enumerable.Range(0, prompt).Select(_ => random.Next(model.Decoder.Shape.VocabularySize))],
        MaxTokens = 30,
        Logprobs = true,
        TopLogprobs = 3,
        Sampling = new SamplingSettings { Temperature = 0.9f, TopP = 0.95f, FrequencyPenalty = 0.2f, Seed = (ulong)random.NextInt64() },
    };

    /// <summary>Each choice in a loop of its own, its prompt read in one step.</summary>
    private static AnswerToken[][] Alone(LoadedModel model, GenerationRequest request)
    {
        using BatchLoop loop = model.NewLoop(new BatchLimits(Slots: request.Choices, Queue: 1, StepTokens: 256), blocks: 64);
        ChannelReader<GenerationEvent> events = Start(loop, request);
        RunToEnd(loop);
        Answers answers = Read(events);
        return [.. Enumerable.Range(0, request.Choices).Select(answers.Tokens)];
    }

    private static ChannelReader<GenerationEvent> Start(BatchLoop loop, GenerationRequest request)
    {
        Assert.True(loop.TryStart(request, CancellationToken.None, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
        return events;
    }

    private static void RunToEnd(BatchLoop loop)
    {
        for (int turn = 0; loop.Step(); turn++)
            Assert.InRange(turn, 0, 10_000);
    }

    private static Answers Read(ChannelReader<GenerationEvent> events)
    {
        var answers = new Answers();
        Assert.True(answers.Drain(events));
        Assert.IsType<GenerationEvent.Ended>(answers.Events[^1]);
        return answers;
    }

    private static void AssertSameBits(AnswerToken[] expected, AnswerToken[] actual, string name)
    {
        Assert.Equal(expected.Select(static token => token.Id), actual.Select(static token => token.Id));
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Bits(expected[i].Logprob) == Bits(actual[i].Logprob), $"{name}: token {i} has {actual[i].Logprob:R}, alone {expected[i].Logprob:R}");
            Assert.True(expected[i].Top.AsSpan().SequenceEqual(actual[i].Top.AsSpan()), $"{name}: alternatives of token {i}");
        }

        static int Bits(float? logprob) => BitConverter.SingleToInt32Bits(logprob ?? throw new InvalidOperationException("a log-probability is missing"));
    }
}

/// <summary>A decoder and its folder, and loops over it whose text does not matter.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly ModelFolder _folder;
    private readonly TemporaryFolder? _files;
    private DecoderPass? _pass;

    private LoadedModel(string path, TemporaryFolder? files = null)
    {
        _files = files;
        _folder = ModelFolder.Open(path);
        Decoder = Decoder.Load(_folder, new DecoderOptions { Kv = KvType.F32 });
    }

    public Decoder Decoder { get; }

    public int? Padding => _folder.Config.IntOrNull("pad_token_id");

    public static LoadedModel Golden(string name) => new(Goldens.Checkpoint(name));

    /// <summary>A random model with all its matrices stored in that type.</summary>
    public static LoadedModel Stored(ElementType type)
    {
        var files = new TemporaryFolder();
        return new LoadedModel(files.Write("random.gguf", RandomModel.Make(type, type, seed: 1).ToArray()), files);
    }

    public BatchLoop NewLoop(BatchLimits limits, int blocks, TimeProvider? time = null)
    {
        DecoderShape shape = Decoder.Shape;
        _pass ??= Decoder.NewPass();
        var model = new BatchModel(Decoder.Step, _pass, shape.VocabularySize, shape.ContextLength, _folder.GenerationDefaults.EndOfText, static _ => new AnswerDecoder(static _ => "x", static () => "")) { DependsOnPhase = Decoder.DependsOnPhase };
        return new BatchLoop(model, limits, Decoder.NewCache(blocks), static () => 1, time);
    }

    public void Dispose()
    {
        _pass?.Dispose();
        Decoder.Dispose();
        _folder.Dispose();
        _files?.Dispose();
    }
}
