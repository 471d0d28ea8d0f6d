using System.Text.Json.Nodes;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>Tokenizer files that are broken, unknown or meant to harm: refused with the reason, within bounds.</summary>
public sealed class HostileTokenizerTests
{
    [Theory]
    [InlineData("normalizer", """{"type":"Sorcery"}""", "normalizer is of the type Sorcery")]
    [InlineData("normalizer", """{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Sorcery"}]}""", "normalizer.normalizers[1] is of the type Sorcery")]
    [InlineData("normalizer", """{"typ":"NFC"}""", "normalizer.type is no text")]
    [InlineData("normalizer", "7", "normalizer is no JSON object")]
    [InlineData("normalizer", """{"type":"Replace","pattern":{"Regex":"("},"content":""}""", "does not close a group")]
    [InlineData("normalizer", """{"type":"Prepend"}""", "normalizer.prepend is no text")]
    [InlineData("pre_tokenizer", """{"type":"Sorcery"}""", "pre_tokenizer is of the type Sorcery")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\p{Klingon}"},"behavior":"Isolated"}""", "Klingon")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"String":"a"},"behavior":"Thrown"}""", "Thrown")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{},"behavior":"Removed"}""", "pattern.String")]
    [InlineData("pre_tokenizer", """{"type":"Metaspace","replacement":"ab"}""", "is not one character")]
    [InlineData("pre_tokenizer", """{"type":"Metaspace","prepend_scheme":"twice"}""", "twice")]
    [InlineData("pre_tokenizer", """{"type":"Metaspace","prepend_scheme":"always","add_prefix_space":false}""", "add_prefix_space")]
    [InlineData("pre_tokenizer", """{"type":"FixedLength","length":0}""", "length is 0")]
    [InlineData("post_processor", """{"type":"Sorcery"}""", "post_processor is of the type Sorcery")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}}],"pair":[],"special_tokens":{}}""", "[CLS]")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B","type_id":0}}],"pair":[],"special_tokens":{}}""", "asks for the text B")]
    [InlineData("post_processor", """{"type":"BertProcessing","sep":["x"],"cls":["y",1]}""", "has no element 1")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","\ud800":[],"single":[],"pair":[]}""", "half a surrogate pair")]
    [InlineData("decoder", """{"type":"Sorcery"}""", "decoder is of the type Sorcery")]
    [InlineData("decoder", """{"type":"Strip","content":"","start":1,"stop":0}""", "is not one character")]
    [InlineData("model", """{"type":"Sorcery"}""", "model is of the type Sorcery")]
    [InlineData("model", "null", "model is missing")]
    [InlineData("model", """{"type":"BPE","dropout":0.1,"vocab":{},"merges":[]}""", "dropout is 0.1")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":0},"merges":["a b"]}""", "not in the vocabulary")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":0,"b":1},"merges":[["a","b"]]}""", "makes 'ab'")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":0},"merges":["a"]}""", "is not two tokens")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}""", "joins 1 tokens")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":-1},"merges":[]}""", "the number -1")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":4294967296},"merges":[]}""", "the number 4294967296")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":1.5},"merges":[]}""", "is no whole number")]
    [InlineData("model", """{"type":"WordPiece","vocab":{"a":0},"unk_token":"[UNK]"}""", "unk_token")]
    [InlineData("model", """{"type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":1000000000}""", "max_input_chars_per_word")]
    [InlineData("model", """{"type":"WordLevel","vocab":{"a":0},"unk_token":"<unk>"}""", "unk_token")]
    [InlineData("model", """{"type":"Unigram","vocab":[["a",0]],"unk_id":5}""", "unk_id")]
    [InlineData("model", """{"type":"Unigram","vocab":[["a","b"]],"unk_id":0}""", "is no number")]
    [InlineData("model", """{"type":"Unigram","vocab":[["a"]],"unk_id":0}""", "has no element 1")]
    [InlineData("model", """{"type":"Unigram","vocab":[["\ud800",0]],"unk_id":0}""", "half a surrogate pair")]
    [InlineData("added_tokens", """[{"content":"xyzzy"}]""", "has no id")]
    [InlineData("added_tokens", """[{"id":99999999,"content":"xyzzy"}]""", "is 99999999")]
    [InlineData("added_tokens", """{}""", "is no JSON array")]
    public void What_is_broken_or_unknown_is_refused_by_name(string part, string value, string reason)
    {
        JsonObject json = TokenizerSettingsTests.Golden("gpt2");
        string text = json.ToJsonString();
        // replaced as text: some of it is no JSON that a library would write
        json[part] = "@@";
        text = json.ToJsonString().Replace("\"@@\"", value);
        var refused = Assert.Throws<ModelFileException>(() => Tokenizer.FromJson("tokenizer.json", System.Text.Encoding.UTF8.GetBytes(text)));
        Assert.StartsWith("tokenizer.json", refused.Message);
        Assert.Contains(reason, refused.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{} {}")]
    [InlineData("\"tokenizer\"")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":[],\"merges\":[]}}")]
    public void What_is_no_tokenizer_is_refused(string json) =>
        Assert.Throws<ModelFileException>(() => Tokenizer.FromJson("tokenizer.json", System.Text.Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void Depth_and_lengths_are_bounded()
    {
        Refused(new string('[', 100_000));
        Refused("""{"model":{"type":"BPE","vocab":{"@":0},"merges":[]}}""".Replace("@", new string('x', 5_000)));
        Refused("""{"model":{"type":"BPE","vocab":{},"merges":[]},"normalizer":@}""".Replace("@", string.Concat(Enumerable.Repeat("""{"type":"Sequence","normalizers":[""", 12)) + """{"type":"NFC"}""" + string.Concat(Enumerable.Repeat("]}", 12))));
        Refused("""{"model":{"type":"BPE","vocab":{},"merges":[]},"normalizer":{"type":"Sequence","normalizers":[@]}}""".Replace("@", string.Join(',', Enumerable.Repeat("""{"type":"NFC"}""", 1_000))));
        Refused("""{"model":{"type":"BPE","vocab":{},"merges":[]},"added_tokens":[{"id":1,"content":"@"}]}""".Replace("@", new string('x', 5_000)));
        Refused(System.Text.Encoding.Latin1.GetString([(byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)':', (byte)'1', (byte)'}']));

        static void Refused(string json) =>
            Assert.Throws<ModelFileException>(() => Tokenizer.FromJson("tokenizer.json", System.Text.Encoding.Latin1.GetBytes(json)));
    }

    [Theory]
    [InlineData("normalizer", """{"type":"Replace","pattern":{"Regex":"(a+)+$"},"content":""}""")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(a|a)*b"},"behavior":"Isolated"}""")]
    [InlineData("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"FixedLength","length":20},{"type":"Split","pattern":{"Regex":"(a|a)*b"},"behavior":"Isolated"}]}""")]
    public void A_pattern_that_would_take_for_ever_is_stopped_while_encoding(string part, string value)
    {
        JsonObject json = TokenizerSettingsTests.Golden("gpt2");
        json[part] = JsonNode.Parse(value);
        Tokenizer tokenizer = TokenizerSettingsTests.Read(json);
        TimeSpan started = ThreadTime.Now;
        Assert.Contains("was stopped", Assert.Throws<ModelFileException>(() => tokenizer.Encode(new string('a', 20_000) + "!", false)).Message);
        Assert.InRange(ThreadTime.Now - started, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("llama2")]
    [InlineData("t5")]
    [InlineData("bert-uncased")]
    [InlineData("clip")]
    public void Two_million_characters_without_a_border_are_encoded_in_seconds(string kind)
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load(kind);
        TimeSpan started = ThreadTime.Now;
        foreach (string part in (ReadOnlySpan<string>)["a", " ", "🙂", "the", "\n", "日", "1", "a\u0301", "<", "'"])
        {
            string text = string.Concat(Enumerable.Repeat(part, 2_000_000 / part.Length / (part == "the" ? 1 : 4)));
            Encoding encoding = tokenizer.Encode(text, addSpecialTokens: false);
            Assert.Equal(encoding.Ids.Length, encoding.Offsets.Length);
        }

        Assert.InRange(ThreadTime.Now - started, TimeSpan.Zero, TimeSpan.FromSeconds(60)); // a square would take days
    }
}
