using System.Threading.Channels;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>
/// A model whose keys are its tokens and whose scores are a hash of all tokens it finds in its sequence's blocks. Whoever gives it a wrong block, a
/// block that another has written to, or rows in the wrong order, gets another answer than <see cref="Continue"/> gives: there is nothing to
/// compare but whole texts.
/// </summary>
internal sealed unsafe class RememberingModel
{
    public const int Vocabulary = 29;

    private static readonly string[] Texts = [.. "abcdefghijklmnopqrstuvwxyz ä€".Select(static c => c.ToString())];

    /// <summary>The positions of each step's rows; null to keep none.</summary>
    public List<int[]>? StepPositions { get; init; } = [];

    public int Steps { get; private set; }

    /// <summary>Tokens that the scores follow from, the last so many: with few of them a greedy text soon repeats itself.</summary>
    public int Looks { get; init; } = int.MaxValue;

    /// <summary>Where a token beyond the vocabulary would be in scores that are padded: as a draft's may be.</summary>
    public int Padding { get; init; }

    /// <summary>Another number, another model: it agrees with none of another number but by chance.</summary>
    public ulong Kind { get; init; }

    public Action<int>? BeforeStep { get; set; }

    public static KvCache NewCache(int blocks) => new(KvType.F32, layers: 1, heads: 1, keyDimension: 1, valueDimension: 1, blocks);

    /// <summary>Layers that prompts go through, before each of which this is called with their rows.</summary>
    public (int Count, Action<int>? Before) Layers { get; init; } = (1, null);

    public BatchModel Model(int contextLength = 4096, params int[] endTokens) =>
        new(Step, new StepPass(Step, Vocabulary, Layers.Count) { BeforeLayer = Layers.Before }, Vocabulary, contextLength, [.. endTokens], static _ => new AnswerDecoder(Text, static () => ""));

    /// <summary>The same as the draft of another.</summary>
    public BatchDraft Draft(int slots, int contextLength = 4096) =>
        new(Step, NewCache(slots * KvCache.BlocksFor(contextLength)), Vocabulary + Padding, contextLength);

    /// <summary>Token 0 is "a", and so on; 26 is a space, 27 "ä", 28 "€".</summary>
    public static string Text(int token) => Texts[token];

    public static string Text(IEnumerable<int> tokens) => string.Concat(tokens.Select(Text));

    /// <summary>What an answer must be, computed without loop, cache and blocks.</summary>
    public static int[] Continue(GenerationRequest request, ulong seed, int choice, int maxTokens, int looks = int.MaxValue)
    {
        var sampler = new Sampler(request.Sampling, request.EndTokens, seed, choice, request.Prompt.AsSpan(), maxTokens);
        List<int> tokens = [.. request.Prompt];
        var scratch = new SamplerScratch(Vocabulary);
        var answer = new List<int>();
        while (answer.Count < maxTokens)
        {
            var scores = new float[Vocabulary];
            Score(Hash(tokens.Skip(Math.Max(0, tokens.Count - looks))), scores);
            int token = sampler.Choose(scores, scratch, mayEnd: true);
            if (request.EndTokens.Contains(token))
                break;
            answer.Add(token);
            tokens.Add(token);
        }

        return [.. answer];
    }

    public static void Score(ulong hash, Span<float> scores)
    {
        for (int i = 0; i < scores.Length; i++)
            scores[i] = (float)(Philox.Unit(hash, i, 0) * 5);
    }

    public static ulong Hash(IEnumerable<int> tokens) => tokens.Aggregate(17UL, Mix);

    private static ulong Mix(ulong hash, int token) => ((hash ^ (uint)token) * 0x9E3779B97F4A7C15) ^ (hash >> 29);

    private void Step(ReadOnlySpan<StepRow> rows, KvCache cache, Span<float> logits)
    {
        Steps++;
        BeforeStep?.Invoke(Steps);
        int row = 0, length = Vocabulary + Padding;
        StepPositions?.Add([.. rows.ToArray().Select(static r => r.Position)]);
        foreach (StepRow read in rows)
        {
            *Place(read, cache, read.Position) = read.Token;
            if (!read.WantsLogits)
                continue;
            ulong hash = 17 + Kind;
            for (int position = Math.Max(0, read.Position + 1 - Math.Min(Looks, read.Position + 1)); position <= read.Position; position++)
                hash = Mix(hash, (int)*Place(read, cache, position));
            Score(hash, logits.Slice(row * length, Vocabulary));
            logits.Slice((row++ * length) + Vocabulary, Padding).Fill(100); // nothing may ever look at these
        }

        if (row * length != logits.Length)
            throw new InvalidOperationException("the loop and the model disagree about who wants scores"); // Assert.Equal would allocate
    }

    private static float* Place(StepRow row, KvCache cache, int position) =>
        (float*)cache.Head(0, row.Sequence.Blocks[position / KvCache.BlockPositions], 0) + (position % KvCache.BlockPositions);
}

/// <summary>What came out of one request.</summary>
internal sealed class Answers
{
    public List<GenerationEvent> Events { get; } = [];

    public string Text(int choice = 0) => string.Concat(Pieces(choice).Select(static piece => piece.Text));

    public int[] Ids(int choice = 0) => [.. Tokens(choice).Select(static token => token.Id)];

    public AnswerToken[] Tokens(int choice = 0) => [.. Pieces(choice).SelectMany(static piece => piece.Tokens)];

    public GenerationEvent.ChoiceEnded End(int choice = 0) =>
        Assert.Single(Events.OfType<GenerationEvent.ChoiceEnded>(), end => end.Choice == choice);

    public GenerationEvent.Ended Whole => Assert.IsType<GenerationEvent.Ended>(Events[^1]);

    public string Failure => Assert.IsType<GenerationEvent.Failed>(Events[^1]).Reason;

    /// <summary>Everything that is there now; true when that is all there will be.</summary>
    public bool Drain(ChannelReader<GenerationEvent> events)
    {
        while (events.TryRead(out GenerationEvent? happened))
            Events.Add(happened);
        return events.Completion.IsCompleted;
    }

    public static async Task<Answers> ReadAsync(ChannelReader<GenerationEvent> events)
    {
        var answers = new Answers();
        await foreach (GenerationEvent happened in events.ReadAllAsync(TestContext.Current.CancellationToken))
            answers.Events.Add(happened);
        return answers;
    }

    private IEnumerable<GenerationEvent.Piece> Pieces(int choice) => Events.OfType<GenerationEvent.Piece>().Where(piece => piece.Choice == choice);
}
