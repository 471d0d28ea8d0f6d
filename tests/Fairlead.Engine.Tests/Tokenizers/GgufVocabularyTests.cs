using System.Text.Json.Nodes;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tests.Formats;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>The vocabularies of real families in GGUF files, against the tokens that llama.cpp's tests expect of them.</summary>
public sealed class GgufVocabularyTests
{
    [Theory]
    [InlineData("gpt-2")]
    [InlineData("llama-spm")]
    [InlineData("llama-bpe")]
    [InlineData("qwen2")]
    [InlineData("phi-3")]
    [InlineData("falcon")]
    [InlineData("bert-bge")]
    [InlineData("deepseek-llm")]
    public void Every_text_gets_llama_cpp_s_tokens(string family)
    {
        string path = Goldens.Shared($"vocabularies/{family}.gguf");
        using GgufFile file = GgufFile.Open(path);
        Tokenizer tokenizer = Tokenizer.FromGguf(file);
        string[] texts = File.ReadAllText(Path.ChangeExtension(path, ".inp")).Split("\n__ggml_vocab_test__\n");
        string[] expected = File.ReadAllLines(Path.ChangeExtension(path, ".out"));
        Assert.True(texts.Length >= expected.Length && expected.Length >= 40, $"{texts.Length} texts, {expected.Length} answers");
        var wrong = new List<string>();
        for (int i = 0; i < expected.Length; i++)
        {
            string actual = string.Join(' ', tokenizer.Encode(texts[i], addSpecialTokens: false).Ids);
            if (actual != expected[i].Trim())
                wrong.Add($"{i} {texts[i]}\n   expected {expected[i].Trim()}\n   actual   {actual}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Real_vocabularies_give_their_texts_back_byte_for_byte()
    {
        foreach (string family in (ReadOnlySpan<string>)["gpt-2", "llama-spm", "qwen2", "phi-3"])
        {
            using GgufFile file = GgufFile.Open(Goldens.Shared($"vocabularies/{family}.gguf"));
            Tokenizer tokenizer = Tokenizer.FromGguf(file);
            foreach (string text in RoundTripTests.RandomTexts(200).Where(text => !text.Contains('▁')))
            {
                int[] ids = tokenizer.Encode(text, addSpecialTokens: false).Ids;
                Assert.Equal(text, tokenizer.Decode(ids, skipSpecialTokens: false));
                Assert.Equal(text, StreamDecoderTests.Streamed(tokenizer, ids, skip: true));
            }
        }
    }

    [Fact]
    public void Special_tokens_in_a_text_are_found_and_the_file_s_own_go_around_it()
    {
        using GgufFile file = GgufFile.Open(Goldens.Shared("vocabularies/phi-3.gguf"));
        Tokenizer tokenizer = Tokenizer.FromGguf(file);
        Assert.Equal(1, tokenizer.BeginOfText);
        Assert.Equal(32000, tokenizer.EndOfText);
        // <|user|> takes the line break behind it along, as the model's own tokenizer says and GGUF does not
        Assert.Equal([1, 32010, 15043, 32007, 32001], tokenizer.Encode("<|user|>\nHello<|end|>\n<|assistant|>\n", addSpecialTokens: true).Ids);
        Assert.Equal("Hello", tokenizer.Decode([1, 32010, 15043, 32007, 32001], skipSpecialTokens: true).Trim());
    }

    [Theory]
    [InlineData("gpt2", "gpt-2")]
    [InlineData("llama3", "llama-bpe")]
    [InlineData("qwen2", "qwen2")]
    [InlineData("falcon", "falcon")]
    [InlineData("bloom", "bloom")]
    public void The_same_vocabulary_in_a_gguf_file_makes_the_same_tokens(string kind, string pre)
    {
        JsonObject json = TokenizerSettingsTests.Golden(kind);
        json["normalizer"] = null; // a GGUF file knows of none
        if (kind == "falcon")
            json["pre_tokenizer"] = JsonNode.Parse("""{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"[\\p{P}$+<=>^~|`]+"},"behavior":"Isolated"},{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},{"type":"Split","pattern":{"Regex":"[0-9]{3}"},"behavior":"Isolated"}]}""");
        Tokenizer expected = TokenizerSettingsTests.Read(json);
        Tokenizer actual = Opened(Writer(json, "gpt2").Set("tokenizer.ggml.pre", pre));
        foreach (string text in TokenizerGoldenTests.Texts)
            Assert.Equal(expected.Encode(text, false).Ids, actual.Encode(text, false).Ids);
    }

    [Fact]
    public void A_Unigram_vocabulary_in_a_gguf_file_makes_the_same_tokens()
    {
        JsonObject json = TokenizerSettingsTests.Golden("t5");
        JsonArray vocabulary = json["model"]!["vocab"]!.AsArray();
        string[] tokens = [.. vocabulary.Select(entry => (string)entry![0]!)];
        Tokenizer actual = Opened(new GgufWriter()
            .Set("tokenizer.ggml.model", "t5")
            .Set("tokenizer.ggml.tokens", tokens)
            .Set("tokenizer.ggml.scores", [.. vocabulary.Select(entry => (float)(double)entry![1]!)])
            .Set("tokenizer.ggml.token_type", [.. tokens.Select((_, id) => id < 7 ? id == 2 ? 2 : 3 : 1)])
            .Set("tokenizer.ggml.add_space_prefix", true));
        Tokenizer expected = TokenizerGoldenTests.Load("t5");
        foreach (string text in TokenizerGoldenTests.Texts.Where(text => text.All(char.IsAscii) && !text.Contains("  ") && !text.Contains('<')))
            Assert.Equal(expected.Encode(text, true).Ids, actual.Encode(text, true).Ids);
    }

    [Fact]
    public void A_gguf_file_with_a_broken_vocabulary_is_refused_with_the_key()
    {
        JsonObject gpt2 = TokenizerSettingsTests.Golden("gpt2");
        Refused("tokenizer.ggml.model", new GgufWriter().Set("general.architecture", "llama"));
        Refused("rwkv", Writer(gpt2, "rwkv"));
        Refused("martian", Writer(gpt2, "gpt2").Set("tokenizer.ggml.pre", "martian"));
        Refused("tokenizer.ggml.scores", Writer(gpt2, "llama"));
        Refused("tokenizer.ggml.tokens", new GgufWriter().Set("tokenizer.ggml.model", "gpt2"));
        Refused("tokenizer.ggml.merges", new GgufWriter().Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.tokens", ["a"]));
        Refused("merge 0", new GgufWriter().Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.tokens", ["a"]).Set("tokenizer.ggml.merges", ["ab"]));
        Refused("merge 0", new GgufWriter().Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.tokens", ["a"]).Set("tokenizer.ggml.merges", ["a b"]));
        Refused("token_type", Writer(gpt2, "gpt2").Set("tokenizer.ggml.token_type", [1, 2]));
        Refused("bos_token_id", Writer(gpt2, "gpt2").Set("tokenizer.ggml.bos_token_id", 100_000u));
        Refused("scores", new GgufWriter().Set("tokenizer.ggml.model", "llama").Set("tokenizer.ggml.tokens", ["a", "b"]).Set("tokenizer.ggml.scores", [0f]));

        static void Refused(string reason, GgufWriter writer) =>
            Assert.Contains(reason, Assert.Throws<ModelFileException>(() => Opened(writer)).Message);
    }

    private static GgufWriter Writer(JsonObject json, string model)
    {
        JsonNode part = json["model"]!;
        string[] tokens = [.. part["vocab"]!.AsObject().OrderBy(token => (int)token.Value!).Select(token => token.Key)];
        var added = json["added_tokens"]!.AsArray().Select(token => (string)token!["content"]!).ToHashSet();
        return new GgufWriter()
            .Set("tokenizer.ggml.model", model)
            .Set("tokenizer.ggml.tokens", tokens)
            .Set("tokenizer.ggml.token_type", [.. tokens.Select(token => added.Contains(token) ? 3 : 1)])
            .Set("tokenizer.ggml.merges", [.. part["merges"]!.AsArray().Select(merge => $"{merge![0]} {merge[1]}")]);
    }

    private static Tokenizer Opened(GgufWriter writer)
    {
        using TemporaryFolder folder = new();
        using GgufFile file = GgufFile.Open(folder.Write("model.gguf", writer.ToArray()), "model.gguf");
        return Tokenizer.FromGguf(file);
    }
}
