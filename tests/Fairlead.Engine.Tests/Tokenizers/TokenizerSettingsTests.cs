using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>What stands around the pipeline: added tokens and their flags, overrides, truncation, pairs, bytes.</summary>
public sealed class TokenizerSettingsTests
{
    [Theory]
    [InlineData("a <m> b", "a |<m>| b", "")]
    [InlineData("a <m> b", "a| <m>| b", "lstrip")]
    [InlineData("a <m>  b", "a| <m>  |b", "lstrip rstrip")]
    [InlineData("a<m>b <m> c", "a<m>b |<m>| c", "single_word")]
    [InlineData("<m><m>", "<m>|<m>", "single_word")]
    [InlineData("a <M> b", "a |<M>| b", "normalized")]
    [InlineData("a <M> b", "a <M> b", "")]
    public void An_added_token_is_found_as_its_flags_say(string text, string expected, string flags)
    {
        JsonObject json = Gpt2();
        json["normalizer"] = new JsonObject { ["type"] = "Lowercase" };
        json["added_tokens"]!.AsArray().Add(AddedToken(900, "<m>", flags));
        Encoding encoding = Read(json).Encode(text, addSpecialTokens: false);
        // what is not the added token is put back together between its places
        var parts = new List<string>();
        int done = 0;
        for (int i = 0; i < encoding.Ids.Length; i++)
        {
            if (encoding.Ids[i] != 900)
                continue;
            (int start, int end) = encoding.Offsets[i];
            if (start > done)
                parts.Add(text[done..start]);
            parts.Add(text[start..end]);
            done = end;
        }

        if (done < text.Length)
            parts.Add(text[done..]);
        Assert.Equal(expected, string.Join('|', parts));
    }

    [Fact]
    public void Of_two_added_tokens_that_begin_together_the_longer_is_found()
    {
        JsonObject json = Gpt2();
        json["added_tokens"]!.AsArray().Add(AddedToken(900, "<t>", ""));
        json["added_tokens"]!.AsArray().Add(AddedToken(901, "<t><u>", ""));
        Assert.Equal([901, 900], Read(json).Encode("<t><u><t>", addSpecialTokens: false).Ids);
    }

    [Fact]
    public void Special_tokens_can_be_left_out_and_have_no_bytes_and_added_text_stays()
    {
        JsonObject json = Gpt2();
        json["added_tokens"]!.AsArray().Add(AddedToken(900, "<think>", "text"));
        Tokenizer tokenizer = Read(json);
        int[] ids = tokenizer.Encode("a<think>b<|endoftext|>", addSpecialTokens: false).Ids;
        Assert.Equal("a<think>b<|endoftext|>", tokenizer.Decode(ids, skipSpecialTokens: false));
        Assert.Equal("a<think>b", tokenizer.Decode(ids, skipSpecialTokens: true));
        Assert.True(tokenizer.IsSpecial(0));
        Assert.False(tokenizer.IsSpecial(900));
        Assert.True(tokenizer.BytesOf(0).IsEmpty);
        Assert.Equal("<think>"u8.ToArray(), tokenizer.BytesOf(900).ToArray());
        Assert.True(tokenizer.BytesOf(tokenizer.VocabularySize).IsEmpty);
        Assert.True(tokenizer.BytesOf(-1).IsEmpty);
        Assert.Equal(901, tokenizer.VocabularySize);
        Assert.Equal("", tokenizer.TokenOf(899));
        Assert.Equal(900, tokenizer.IdOf("<think>"));
        Assert.Null(tokenizer.IdOf("no such token"));
    }

    [Theory]
    [InlineData("bert-uncased", "##t", "t")]
    [InlineData("bert-uncased", "the", " the")]
    [InlineData("t5", "▁a", " a")]
    [InlineData("llama2", "<0x0A>", "\n")]
    [InlineData("gpt2", "Ġt", " t")]
    public void A_token_s_bytes_are_those_it_adds_in_the_middle_of_a_text(string kind, string token, string bytes)
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load(kind);
        Assert.Equal(System.Text.Encoding.UTF8.GetBytes(bytes), tokenizer.BytesOf(tokenizer.IdOf(token)!.Value).ToArray());
    }

    [Theory]
    [InlineData("""{"add_bos_token": false, "bos_token": "<s>"}""", "")]
    [InlineData("""{"add_bos_token": true, "bos_token": "<s>", "add_eos_token": true, "eos_token": {"content": "</s>"}}""", "1 2")]
    [InlineData("""{"add_eos_token": true, "eos_token": "</s>"}""", "2")]
    [InlineData("""{"bos_token": "<s>", "eos_token": "</s>"}""", "1")]
    public void The_configuration_says_which_tokens_go_around_a_text(string config, string expected)
    {
        Tokenizer tokenizer = Read(Golden("llama2"), config);
        int[] plain = tokenizer.Encode("x", addSpecialTokens: false).Ids;
        Assert.Equal(expected, string.Join(' ', tokenizer.Encode("x", addSpecialTokens: true).Ids.Except(plain)));
    }

    [Fact]
    public void The_configuration_names_the_tokens_at_the_ends_and_adds_what_the_file_lacks()
    {
        Tokenizer tokenizer = Read(Golden("llama2"), """{"bos_token": "<s>", "eos_token": {"content": "</s>"}, "added_tokens_decoder": {"1": {"content": "ignored"}, "800": {"content": "<x>", "special": true}}}""");
        Assert.Equal(1, tokenizer.BeginOfText);
        Assert.Equal(2, tokenizer.EndOfText);
        Assert.Equal("<s>", tokenizer.TokenOf(1));
        Assert.Equal([800], tokenizer.Encode("<x>", addSpecialTokens: false).Ids);
        Assert.Equal(801, tokenizer.VocabularySize);
        Assert.Null(TokenizerGoldenTests.Load("llama2").BeginOfText);
    }

    [Fact]
    public void A_text_that_is_too_long_loses_its_end_and_keeps_its_special_tokens()
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load("bert-uncased");
        int[] whole = tokenizer.Encode("the router loads the prompt", addSpecialTokens: true).Ids;
        int[] cut = tokenizer.Encode("the router loads the prompt", addSpecialTokens: true, maxTokens: 5).Ids;
        Assert.Equal([.. whole[..4], whole[^1]], cut);
        Assert.Equal(whole[1..4], tokenizer.Encode("the router loads the prompt", addSpecialTokens: false, maxTokens: 3).Ids);
    }

    [Theory]
    [InlineData(100, 3, 8)]
    [InlineData(10, 3, 4)]
    [InlineData(7, 2, 2)]
    [InlineData(8, 2, 3)]
    [InlineData(3, 0, 0)]
    public void Of_a_pair_that_is_too_long_the_longer_loses_its_end_first(int maxTokens, int first, int second)
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load("bert-uncased");
        Encoding pair = tokenizer.EncodePair("a b c", "a b c d e f g h", addSpecialTokens: true, maxTokens);
        Assert.Equal(first + 2, pair.TypeIds.Count(type => type == 0));
        Assert.Equal(second + 1, pair.TypeIds.Count(type => type == 1));
    }

    [Fact]
    public void Truncation_and_padding_of_the_file_are_told_and_not_applied()
    {
        JsonObject json = Gpt2();
        json["truncation"] = JsonNode.Parse("""{"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}""");
        json["padding"] = JsonNode.Parse("""{"strategy": {"Fixed": 9}, "pad_id": 7, "pad_token": "x"}""");
        Tokenizer tokenizer = Read(json);
        Assert.Equal(2, tokenizer.MaxLength);
        Assert.Equal(7, tokenizer.PaddingToken);
        Assert.Equal(TokenizerGoldenTests.Load("gpt2").Encode("one two three four", false).Ids, tokenizer.Encode("one two three four", false).Ids);
    }

    [Fact]
    public void A_byte_level_post_processor_takes_spaces_out_of_the_offsets_before_the_template()
    {
        JsonObject json = Golden("llama3");
        json["post_processor"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["processors"] = new JsonArray(JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}"""), json["post_processor"]!.DeepClone()),
        };
        Encoding encoding = Read(json).Encode("a the", addSpecialTokens: true);
        Assert.Equal((0, 0), encoding.Offsets[0]);
        Assert.Equal((0, 1), encoding.Offsets[1]);
        Assert.Equal((2, 5), (encoding.Offsets[2].Start, encoding.Offsets[^1].End));
    }

    [Fact]
    public void A_real_sentence_model_gets_the_reference_s_tokens()
    {
        string folder = Goldens.Shared("minilm");
        Tokenizer tokenizer = Tokenizer.FromJson("tokenizer.json", File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")));
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        JsonElement[] ids = [.. expected.RootElement.GetProperty("token_ids").EnumerateArray()];
        string[] texts = [.. expected.RootElement.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!)];
        Assert.True(texts.Length >= 30 && texts.Length == ids.Length, $"{texts.Length} texts");
        for (int i = 0; i < texts.Length; i++)
            Assert.Equal(ids[i].EnumerateArray().Select(id => id.GetInt32()), tokenizer.Encode(texts[i], addSpecialTokens: true, maxTokens: 256).Ids);
    }

    private static JsonObject AddedToken(int id, string content, string flags) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = flags.Contains("single_word"),
        ["lstrip"] = flags.Contains("lstrip"),
        ["rstrip"] = flags.Contains("rstrip"),
        ["normalized"] = flags.Contains("normalized"),
        ["special"] = !flags.Contains("text"),
    };

    private static JsonObject Gpt2() => Golden("gpt2");

    internal static JsonObject Golden(string kind)
    {
        using FileStream file = File.OpenRead(Path.Combine(Goldens.Data, "goldens", "tokenizers.json"));
        return JsonNode.Parse(file)![kind]!["tokenizer"]!.DeepClone().AsObject();
    }

    internal static Tokenizer Read(JsonObject json, string? config = null)
    {
        TokenizerOverrides? overrides = config is null ? null : TokenizerOverrides.From(JsonElement.Parse(config));
        return Tokenizer.FromJson("tokenizer.json", System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), overrides);
    }
}
