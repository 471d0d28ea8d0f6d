using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Loading;
using Fairlead.Engine.Tests.Formats;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Generation.Speculation;

/// <summary>The guide with a second model that guesses for it: loaded, refused, measured, and never heard in an answer.</summary>
public sealed class DraftModelTests : IDisposable
{
    private readonly TemporaryFolder _files = new();

    [Fact]
    public async Task With_its_own_weights_as_a_draft_the_guide_says_the_same_and_the_guesses_come_true()
    {
        (long drafted, long right) = await CompareAsync(new LanguageModelOptions { Draft = Guide(), Threads = 1 });
        Assert.True(drafted > 0 && right > 0.9 * drafted, $"{right} of {drafted}");
    }

    [Fact]
    public async Task With_random_weights_as_a_draft_the_guide_says_the_same_and_hardly_a_guess_comes_true()
    {
        string draft = _files["random"];
        RandomCheckpoint.Write(Goldens.Guide, draft, bytes: 0);
        (long drafted, long right) = await CompareAsync(new LanguageModelOptions { Draft = draft, Threads = 1 });
        Assert.True(drafted > 0 && right < 0.1 * drafted, $"{right} of {drafted}");
    }

    [Fact]
    public async Task A_draft_with_a_shorter_context_guesses_as_far_as_it_reaches()
    {
        string draft = Guide(static config => config["max_position_embeddings"] = 40);
        (long drafted, long right) = await CompareAsync(new LanguageModelOptions { Draft = draft, Threads = 1 });
        Assert.True(drafted > 0 && right > 0.9 * drafted, $"{right} of {drafted}");
    }

    [Fact]
    public void A_draft_is_refused_that_means_other_tokens_by_the_same_numbers()
    {
        Assert.Equal(
            "knows 2049 tokens, and the model that it should guess for 2048. A draft has to have the same vocabulary: name a smaller model of the same family, or leave the draft out",
            Refused(Guide(tokenizer: static json => json["model"]!["vocab"]!["another"] = 2048)));
        Assert.Matches(
            "^its token 2046 is \"(.+)\", and that of the model that it should guess for \"(?!\\1\").+\". A draft has to have the same vocabulary",
            Refused(Guide(tokenizer: static json =>
            {
                JsonNode vocabulary = json["model"]!["vocab"]!;
                (string one, string other) = (TextOf(vocabulary, 2046), TextOf(vocabulary, 2047));
                (vocabulary[one], vocabulary[other]) = (2047, 2046);
            })));
        Assert.StartsWith(
            "its token 2, \"<|system|>\", is not special, and that of the model that it should guess for is. A draft has to have the same vocabulary",
            Refused(Guide(tokenizer: static json => json["added_tokens"]!.AsArray().Single(static token => token!["id"]!.GetValue<int>() == 2)!["special"] = false)),
            StringComparison.Ordinal);

        static string TextOf(JsonNode vocabulary, int id) => vocabulary.AsObject().Single(entry => entry.Value!.GetValue<int>() == id).Key;
    }

    [Fact]
    public void A_draft_is_refused_that_is_the_model_itself_or_writes_nothing_or_is_not_there()
    {
        string link = _files["link"];
        Directory.CreateSymbolicLink(link, Goldens.Guide);
        foreach (string same in (string[])[Goldens.Guide, Path.Combine(Goldens.Guide, "..", "guide"), link])
        {
            Assert.StartsWith("is the model itself", Refused(same), StringComparison.Ordinal);
            Assert.StartsWith("is the model itself", Assert.Throws<ModelFileException>(() => LanguageModel.Measure(Goldens.Guide, new LanguageModelOptions { Draft = same })).Reason, StringComparison.Ordinal);
        }

        Assert.StartsWith("is an encoder, which writes no text", Refused(Goldens.Checkpoint("bert")), StringComparison.Ordinal);
        Assert.Equal("no such file or folder", Refused(_files["nothing"]));
        string broken = Guide();
        File.Delete(Path.Combine(broken, "config.json"));
        Assert.StartsWith("is missing", Refused(broken), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_draft_needs_is_counted_and_loaded_with_the_model()
    {
        string draft = Guide();
        var options = new LanguageModelOptions { Slots = 4 };
        ModelNeed alone = LanguageModel.Measure(Goldens.Guide, options), both = LanguageModel.Measure(Goldens.Guide, options with { Draft = draft });
        Assert.Equal(2 * alone.Weights, both.Weights);
        Assert.Equal(2 * alone.LoadBytes, both.LoadBytes);
        Assert.Equal(2 * alone.FileBytes, both.FileBytes);
        int blocks = 4 * KvCache.BlocksFor(512);
        Assert.Equal(KvCache.BytesFor(options.Kv, layers: 6, heads: 2, keyDimension: 64, valueDimension: 64, blocks) + PrefixCache.BytesFor(blocks), both.Cache - alone.Cache);
        Assert.InRange(both.Scratch - alone.Scratch, (4 * 2048 * sizeof(float)) + (2048 * 1000), 16 << 20);
        Assert.StartsWith("is to be a draft, and has nothing to do", Assert.Throws<ModelFileException>(() => LanguageModel.Measure(Goldens.Guide, options with { Draft = draft, Guesses = 0 })).Reason, StringComparison.Ordinal);

        var told = new Told();
        using (LanguageModel model = LanguageModel.Open(Goldens.Guide, options with { Draft = draft }, new LoadMeter(both.LoadBytes, told)))
            Assert.Equal(both.Files, model.Files);
        Assert.Equal(told.Shares.Order(), told.Shares);
        Assert.Contains(told.Shares, static share => share is > 0 and < 0.5);
        Assert.Equal(1, told.Shares[^1]);
        Assert.Equal(1, told.Shares.Count(static share => share == 1));
    }

    public void Dispose() => _files.Dispose();

    /// <summary>Greedy and drawn, to a schema and free, with and without: everything that a caller gets. How many tokens of free greedy texts were drafted, and how many of them came true.</summary>
    private static async Task<(long Drafted, long Right)> CompareAsync(LanguageModelOptions options)
    {
        // Passes take no time by this clock: whether a draft is asked depends on what it costs, and on this machine that is chance.
        using LanguageModel with = LanguageModel.Open(Goldens.Guide, options with { Time = new HandClock() }), without = LanguageModel.Open(Goldens.Guide, options with { Draft = null, Guesses = 0 });
        using JsonDocument format = JsonDocument.Parse(
            """{"type": "json_schema", "json_schema": {"schema": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 30}, "kind": {"enum": ["hub", "engine"]}}, "required": ["name", "kind"], "additionalProperties": false}}}""");
        ConstraintSpec schema = ConstraintSpec.Parse(format.RootElement) ?? throw new InvalidOperationException();
        string[] questions = ["What is Fairlead?", "How do I make a key?", "Which models can it serve?", "What does it cost?"];
        (long drafted, long right) = (0, 0);
        for (int i = 0; i < 12; i++)
        {
            (long draftedBefore, long rightBefore) = (with.Counters.Drafted, with.Counters.DraftedRight);
            var request = new GenerationRequest
            {
                Prompt = [.. with.Tokenizer.Encode($"<|bos|><|user|>{questions[i % 4]}<|end|><|assistant|>", addSpecialTokens: false).Ids],
                MaxTokens = 60,
                Logprobs = true,
                TopLogprobs = 2,
                Choices = 1 + (i % 2),
                Stop = i % 3 == 0 ? [" the"] : [],
                ContinuesPrompt = false,
                Sampling = new SamplingSettings { Temperature = i < 6 ? 0 : 1.5f, Seed = (ulong)i },
            };
            Answers expected = await AskAsync(without, i % 4 == 3 ? request with { Constraint = without.Constraints.Start(schema) } : request);
            Answers actual = await AskAsync(with, i % 4 == 3 ? request with { Constraint = with.Constraints.Start(schema) } : request);
            for (int choice = 0; choice < request.Choices; choice++)
            {
                Assert.Equal(expected.Text(choice), actual.Text(choice));
                Assert.Equal(expected.End(choice), actual.End(choice));
                Assert.Equal(expected.Tokens(choice).Select(Described), actual.Tokens(choice).Select(Described));
            }

            Assert.Equal(expected.Whole, actual.Whole);
            if (i < 6 && i % 4 != 3)
                (drafted, right) = (drafted + with.Counters.Drafted - draftedBefore, right + with.Counters.DraftedRight - rightBefore);
        }

        return (drafted, right);

        static string Described(AnswerToken token) => $"{token.Id} {token.Logprob:R} {string.Join(',', token.Top.Select(static top => $"{top.Id} {top.Logprob:R}"))}";
    }

    private static async Task<Answers> AskAsync(LanguageModel model, GenerationRequest request)
    {
        Assert.True(model.TryStart(request, TestContext.Current.CancellationToken, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
        return await Answers.ReadAsync(events);
    }

    private static string Refused(string draft)
    {
        ModelFileException refusal = Assert.Throws<ModelFileException>(() => LanguageModel.Open(Goldens.Guide, new LanguageModelOptions { Draft = draft }));
        return refusal.Reason;
    }

    /// <summary>A copy of the guide, changed.</summary>
    private string Guide(Action<JsonNode>? config = null, Action<JsonNode>? tokenizer = null)
    {
        foreach (string file in Directory.EnumerateFiles(Goldens.Guide))
            File.Copy(file, Path.Combine(Directory.CreateDirectory(_files["guide"]).FullName, Path.GetFileName(file)), overwrite: true);
        Change("config.json", config);
        Change("tokenizer.json", tokenizer);
        return _files["guide"];

        void Change(string name, Action<JsonNode>? change)
        {
            string path = Path.Combine(_files["guide"], name);
            JsonNode json = JsonNode.Parse(File.ReadAllBytes(path))!;
            change?.Invoke(json);
            File.WriteAllText(path, json.ToJsonString());
        }
    }

    private sealed class Told : IProgress<double>
    {
        public List<double> Shares { get; } = [];

        public void Report(double value) => Shares.Add(value);
    }
}
