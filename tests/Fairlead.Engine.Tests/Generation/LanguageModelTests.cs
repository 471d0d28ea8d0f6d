using System.Text.Json;
using System.Threading.Channels;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Templates;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>The shipped model from its folder to its words: template, tokenizer, layers, loop and sampler together.</summary>
public sealed class LanguageModelTests
{
    private static CancellationToken Running => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_guide_answers_every_conversation_word_for_word_as_the_reference_does()
    {
        using LanguageModel guide = LanguageModel.Open(Goldens.Guide, new LanguageModelOptions { Kv = KvType.F32 });
        using JsonDocument expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Goldens.Data, "guide", "expected.json"), Running));
        JsonElement[] cases = [.. expected.RootElement.GetProperty("cases").EnumerateArray()];
        Assert.Equal(11, cases.Length);
        Answers[] all = await Task.WhenAll(cases.Select(one => AskAsync(guide, one))); // all at once: they are in one batch
        for (int i = 0; i < cases.Length; i++)
        {
            int[] ids = Ints(cases[i].GetProperty("output_ids"));
            Assert.Equal(cases[i].GetProperty("text").GetString(), all[i].Text());
            Assert.Equal(ids[..^1], all[i].Ids());
            Assert.Equal((FinishReason.Stop, ids[^1], ids.Length), (all[i].End().Reason, all[i].End().EndToken, all[i].End().CompletionTokens));
            JsonElement[] best = [.. cases[i].GetProperty("first_top5").EnumerateArray()];
            AnswerToken first = all[i].Tokens()[0];
            Assert.Equal(best.Select(static one => one.GetProperty("id").GetInt32()), first.Top.Select(static one => one.Id));
            Assert.Equal(best.Select(static one => one.GetProperty("token").GetString()), first.Top.Select(one => guide.Tokenizer.TokenOf(one.Id)));
            foreach ((JsonElement reference, TokenLogprob ours) in best.Zip(first.Top))
            {
                double logprob = reference.GetProperty("logprob").GetDouble();
                Assert.InRange(ours.Logprob, logprob - 2e-4 - (2e-4 * Math.Abs(logprob)), logprob + 2e-4 + (2e-4 * Math.Abs(logprob)));
            }
        }

        async Task<Answers> AskAsync(LanguageModel model, JsonElement one)
        {
            string prompt = Prompt(model, one.GetProperty("messages"));
            Assert.Equal(one.GetProperty("prompt").GetString(), prompt);
            int[] ids = model.Tokenizer.Encode(prompt, addSpecialTokens: false).Ids;
            Assert.Equal(Ints(one.GetProperty("input_ids")), ids);
            return await AnswerAsync(model, new GenerationRequest
            {
                Prompt = [.. ids],
                Sampling = model.DefaultSampling,
                MaxTokens = model.Defaults.MaxNewTokens,
                Logprobs = true,
                TopLogprobs = 5,
                ContinuesPrompt = false,
            });
        }
    }

    [Fact]
    public async Task The_guide_as_one_gguf_file_says_the_same()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "guide.gguf");
        using (ModelFolder hub = ModelFolder.Open(Goldens.Guide))
        using (JsonDocument tokenizer = JsonDocument.Parse(hub.TokenizerJson ?? throw new InvalidOperationException()))
        {
            JsonElement bpe = tokenizer.RootElement.GetProperty("model");
            string[] tokens = [.. bpe.GetProperty("vocab").EnumerateObject().OrderBy(static entry => entry.Value.GetInt32()).Select(static entry => entry.Name)];
            string[] special = [.. tokenizer.RootElement.GetProperty("added_tokens").EnumerateArray().Select(static added => added.GetProperty("content").GetString() ?? "")];
            HubToGguf.Convert(hub)
                .Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.pre", "gpt-2")
                .Set("tokenizer.ggml.tokens", tokens).Set("tokenizer.ggml.token_type", [.. tokens.Select(token => special.Contains(token) ? 3 : 1)])
                .Set("tokenizer.ggml.merges", [.. bpe.GetProperty("merges").EnumerateArray().Select(static merge => merge.GetString() ?? "")])
                .Set("tokenizer.ggml.bos_token_id", 1u).Set("tokenizer.ggml.eos_token_id", 5u).Set("tokenizer.ggml.add_bos_token", false)
                .Set("tokenizer.chat_template", hub.ChatTemplate ?? throw new InvalidOperationException())
                .WriteTo(path);
        }

        using LanguageModel guide = LanguageModel.Open(path);
        using JsonDocument expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Goldens.Data, "guide", "expected.json"), Running));
        foreach (JsonElement one in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            string prompt = Prompt(guide, one.GetProperty("messages"));
            Assert.Equal(one.GetProperty("prompt").GetString(), prompt);
            Answers answer = await AnswerAsync(guide, Request(guide, prompt) with { Sampling = new SamplingSettings { Temperature = 0 } });
            Assert.Equal(one.GetProperty("text").GetString(), answer.Text());
        }
    }

    [Fact]
    public async Task A_second_turn_reads_only_what_is_new()
    {
        using LanguageModel guide = LanguageModel.Open(Goldens.Guide);
        string first = "<|bos|><|user|>What is Fairlead?<|end|><|assistant|>";
        Answers answer = await AnswerAsync(guide, Request(guide, first));
        string second = $"{first}{answer.Text()}<|end|><|user|>How do I make a key?<|end|><|assistant|>";
        Answers again = await AnswerAsync(guide, Request(guide, second));
        int firstTokens = answer.Whole.PromptTokens + answer.Whole.CompletionTokens - 1; // all of it that was read
        Assert.Equal(firstTokens / 16 * 16, again.Whole.CachedTokens);
        Answers other = await AnswerAsync(guide, Request(guide, second) with { PrefixScope = "somebody else" });
        Assert.Equal(0, other.Whole.CachedTokens);
        Assert.Equal(other.Text(), again.Text());
    }

    [Fact]
    public async Task The_same_seed_writes_the_same_and_the_answer_tells_the_seed_it_was_given()
    {
        using LanguageModel guide = LanguageModel.Open(Goldens.Guide);
        GenerationRequest request = Request(guide, "<|bos|><|user|>What is Fairlead?<|end|><|assistant|>") with
        {
            Sampling = new SamplingSettings { Temperature = 10 }, // the guide is sure of itself: below that, two seeds may well write the same
            MaxTokens = 40,
            MinTokens = 40,
        };
        Answers one = await AnswerAsync(guide, request), two = await AnswerAsync(guide, request);
        Assert.NotEqual(one.Whole.Seed, two.Whole.Seed);
        Assert.NotEqual(one.Text(), two.Text());
        Answers again = await AnswerAsync(guide, request with { Sampling = request.Sampling with { Seed = one.Whole.Seed } });
        Assert.Equal(one.Text(), again.Text());
    }

    [Fact]
    public async Task A_stop_string_across_tokens_ends_the_answer_before_it_and_words_keep_the_space_between_prompt_and_answer()
    {
        using LanguageModel guide = LanguageModel.Open(Goldens.Guide);
        GenerationRequest request = Request(guide, "<|bos|><|user|>What is Fairlead?<|end|><|assistant|>");
        Answers stopped = await AnswerAsync(guide, request with { Stop = ["hub that"] });
        Assert.Equal("Fairlead is an inference ", stopped.Text());
        Assert.Equal((FinishReason.Stop, "hub that"), (stopped.End().Reason, stopped.End().Stop));

        Answers going = await AnswerAsync(guide, Request(guide, "<|bos|><|user|>What is Fairlead?<|end|><|assistant|>Fairlead is an") with { Echo = true, ContinuesPrompt = true });
        Assert.StartsWith("What is Fairlead?Fairlead is an inference hub", going.Text(), StringComparison.Ordinal);
    }

    /// <summary>Byte-level, SentencePiece and BLOOM vocabularies: what comes back is what decoding prompt and answer as one text adds, or the answer as a text of its own.</summary>
    [Fact]
    public async Task The_text_of_an_answer_goes_on_with_the_prompts_text_or_begins_one_of_its_own()
    {
        foreach (string name in (string[])["llama", "llama3-scaled", "gemma", "mistral", "phi3", "gpt2", "bloom", "qwen2", "falcon-new"])
        {
            using LanguageModel model = LanguageModel.Open(Goldens.Checkpoint(name));
            for (ulong seed = 0; seed < 4; seed++)
            {
                int[] prompt = model.Tokenizer.Encode(seed % 2 == 0 ? "The router" : "Der Zähler läuft über die Brücke.", addSpecialTokens: true).Ids;
                var request = new GenerationRequest { Prompt = [.. prompt], MaxTokens = 12, MinTokens = 12, Sampling = new SamplingSettings { Seed = seed } };
                Answers goesOn = await AnswerAsync(model, request), ownText = await AnswerAsync(model, request with { ContinuesPrompt = false });
                Answers echoed = await AnswerAsync(model, request with { Echo = true });
                string before = model.Tokenizer.Decode(prompt, skipSpecialTokens: true);
                string whole = model.Tokenizer.Decode([.. prompt, .. goesOn.Ids()], skipSpecialTokens: true);
                Assert.Equal(whole, before + goesOn.Text());
                Assert.Equal(whole, echoed.Text());
                Assert.Equal(model.Tokenizer.Decode(ownText.Ids(), skipSpecialTokens: true), ownText.Text());
                Assert.Equal(goesOn.Ids(), ownText.Ids());
            }
        }
    }

    [Fact]
    public async Task A_small_budget_makes_the_context_shorter_and_says_so()
    {
        // 6 layers × 2 heads × 128 numbers × 16 positions × 2 bytes = 49,152 bytes a block.
        using LanguageModel guide = LanguageModel.Open(Goldens.Guide, new LanguageModelOptions { CacheBytes = (4 * 49_152) + 1000, Slots = 2, StepTokens = 8 });
        Assert.Equal(64, guide.ContextLimit);
        GenerationRequest tooLong = new() { Prompt = [.. Enumerable.Repeat(100, 64)] };
        Assert.False(guide.TryStart(tooLong, CancellationToken.None, out _, out GenerationRefusal? refusal));
        Assert.Contains("64 tokens", refusal.Message, StringComparison.Ordinal);
        Answers answer = await AnswerAsync(guide, Request(guide, "<|bos|><|user|>What is Fairlead?<|end|><|assistant|>"));
        Assert.Equal(FinishReason.Stop, answer.End().Reason);
        Assert.Throws<ArgumentOutOfRangeException>(() => LanguageModel.Open(Goldens.Guide, new LanguageModelOptions { CacheBytes = 45_000 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => LanguageModel.Open(Goldens.Guide, new LanguageModelOptions { Slots = 65, StepTokens = 64 }));
        foreach (TimeSpan stall in (TimeSpan[])[TimeSpan.Zero, LanguageModelOptions.LeastStall - TimeSpan.FromTicks(1), LanguageModelOptions.MostStall + TimeSpan.FromTicks(1)])
            Assert.Throws<ArgumentOutOfRangeException>(() => LanguageModel.Open(Goldens.Guide, new LanguageModelOptions { Stall = stall }));
    }

    private static string Prompt(LanguageModel model, JsonElement messages) =>
        (model.TemplateFor(withTools: false) ?? throw new InvalidOperationException("no template")).Render(
            new ChatTemplateInput { Messages = messages, SpecialTokens = model.SpecialTokens }, TimeProvider.System);

    private static GenerationRequest Request(LanguageModel model, string prompt) => new()
    {
        Prompt = [.. model.Tokenizer.Encode(prompt, addSpecialTokens: false).Ids],
        Sampling = model.DefaultSampling,
        MaxTokens = 120,
        ContinuesPrompt = false,
    };

    private static async Task<Answers> AnswerAsync(LanguageModel model, GenerationRequest request)
    {
        Assert.True(model.TryStart(request, Running, out ChannelReader<GenerationEvent>? events, out GenerationRefusal? refusal), refusal?.Message);
        return await Answers.ReadAsync(events);
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(static item => item.GetInt32())];
}
