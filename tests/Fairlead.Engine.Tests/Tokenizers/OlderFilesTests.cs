using System.Text.Json.Nodes;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tests.Formats;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>Models without a tokenizer.json: the files from before it make the same tokens.</summary>
public sealed class OlderFilesTests
{
    [Fact]
    public void A_vocab_txt_is_BERT_s()
    {
        using TemporaryFolder folder = Model("""{"tokenizer_class":"BertTokenizer","do_lower_case":true}""");
        folder.Write("vocab.txt", string.Concat(Tokens("bert-uncased").Select(token => token + "\n")));
        SameTokens("bert-uncased", folder);
    }

    [Fact]
    public void A_vocab_json_with_merges_is_GPT_2_s()
    {
        using TemporaryFolder folder = Model("""{"tokenizer_class":"GPT2TokenizerFast"}""");
        WriteMerges(folder, "gpt2");
        SameTokens("gpt2", folder);
    }

    [Fact]
    public void A_vocab_json_with_merges_is_RoBERTa_s_where_the_configuration_says_so()
    {
        using TemporaryFolder folder = Model("""{"tokenizer_class":"RobertaTokenizer"}""");
        WriteMerges(folder, "roberta");
        SameTokens("roberta", folder);
    }

    [Fact]
    public void A_vocab_json_with_merges_is_Qwen_s_where_the_configuration_says_so()
    {
        using TemporaryFolder folder = Model("""{"tokenizer_class":"Qwen2Tokenizer","added_tokens_decoder":{"0":{"content":"<|endoftext|>","special":true},"1":{"content":"<|im_start|>","special":true},"2":{"content":"<|im_end|>","special":true}}}""");
        WriteMerges(folder, "qwen2");
        SameTokens("qwen2", folder);
    }

    [Fact]
    public void A_tokenizer_model_of_T5_is_Unigram()
    {
        JsonArray vocabulary = TokenizerSettingsTests.Golden("t5")["model"]!["vocab"]!.AsArray();
        using TemporaryFolder folder = Model("""{"tokenizer_class":"T5Tokenizer","eos_token":"</s>"}""");
        folder.Write("tokenizer.model", SentencePiece(vocabulary.Select((entry, id) => ((string)entry![0]!, (float)(double)entry[1]!, id == 2 ? 2 : id < 7 ? 3 : 1)), type: 1, removesExtraSpaces: false));
        Tokenizer expected = TokenizerGoldenTests.Load("t5"), actual = Open(folder);
        Assert.Equal(1, actual.EndOfText);
        foreach (string text in TokenizerGoldenTests.Texts.Where(text => text.All(char.IsAscii) && !text.Contains("  ")))
            Assert.Equal(expected.Encode(text, true).Ids, actual.Encode(text, true).Ids);
    }

    [Fact]
    public void A_tokenizer_model_of_Llama_makes_the_tokens_of_the_same_vocabulary_in_a_gguf_file()
    {
        using GgufFile gguf = GgufFile.Open(Goldens.Shared("vocabularies/llama-spm.gguf"));
        string[] tokens = gguf.Texts("tokenizer.ggml.tokens")!;
        float[] scores = gguf.Numbers("tokenizer.ggml.scores")!;
        int[] types = gguf.Integers("tokenizer.ggml.token_type")!;
        using TemporaryFolder folder = Model("""{"tokenizer_class":"LlamaTokenizer"}""");
        folder.Write("tokenizer.model", SentencePiece(tokens.Select((token, id) => (token, scores[id], types[id])), type: 2, removesExtraSpaces: false));
        Tokenizer expected = Tokenizer.FromGguf(gguf), actual = Open(folder);
        foreach (string text in TokenizerGoldenTests.Texts.Concat(RoundTripTests.RandomTexts(100)))
            Assert.Equal(expected.Encode(text, true).Ids, actual.Encode(text, true).Ids);
        Assert.Equal(expected.BeginOfText, actual.BeginOfText);
    }

    [Fact]
    public void What_is_missing_broken_or_of_an_unknown_class_is_refused()
    {
        Refused("there is no tokenizer", "{}", _ => { });
        Refused("XLNetTokenizer", """{"tokenizer_class":"XLNetTokenizer"}""", folder => folder.Write("tokenizer.model", SentencePiece([("a", 0, 1)], 1, false)));
        Refused("MPNetTokenizer", """{"tokenizer_class":"MPNetTokenizer"}""", folder => folder.Write("vocab.txt", "a\n"));
        Refused("CLIPTokenizer", """{"tokenizer_class":"CLIPTokenizer"}""", folder => WriteMerges(folder, "gpt2"));
        Refused("[UNK]", "{}", folder => folder.Write("vocab.txt", "a\n"));
        Refused("not UTF-8", "{}", folder => folder.Write("vocab.txt", [0xFF, 0x0A]));
        Refused("merge 0", "{}", folder =>
        {
            folder.Write("vocab.json", """{"a":0}""");
            folder.Write("merges.txt", "#version: 0.2\na b c\n");
        });
        Refused("type 3", "{}", folder => folder.Write("tokenizer.model", SentencePiece([("a", 0, 1)], 3, false)));
        Refused("no SentencePiece model", "{}", folder => folder.Write("tokenizer.model", [0x0F, 0x01]));
        Refused("middle of a field", "{}", folder => folder.Write("tokenizer.model", [0x0A, 0x7F, 0x01]));
        Refused("64 bits", "{}", folder => folder.Write("tokenizer.model", [.. Enumerable.Repeat((byte)0xFF, 20)]));

        static void Refused(string reason, string config, Action<TemporaryFolder> write)
        {
            using TemporaryFolder folder = Model(config);
            write(folder);
            Assert.Contains(reason, Assert.Throws<ModelFileException>(() => Open(folder)).Message);
        }
    }

    [Fact]
    public void A_damaged_tokenizer_model_is_read_or_refused()
    {
        byte[] good = SentencePiece([("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁", -1, 1), ("a", -2, 1), ("▁a", -1.5f, 1), ("<0x0A>", 0, 6)], 2, true);
        using TemporaryFolder folder = Model("""{"tokenizer_class":"LlamaTokenizer"}""");
        var random = new Random(9);
        for (int round = 0; round < 400; round++)
        {
            byte[] bytes = [.. good];
            for (int wounds = random.Next(1, 4); wounds > 0; wounds--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            folder.Write("tokenizer.model", bytes[..random.Next(bytes.Length / 2, bytes.Length + 1)]);
            try
            {
                Assert.NotNull(Open(folder).Encode("a \n a", true));
            }
            catch (ModelFileException)
            {
                // refused is as good as read
            }
        }
    }

    private static TemporaryFolder Model(string tokenizerConfig)
    {
        TemporaryFolder folder = new();
        foreach (string name in (ReadOnlySpan<string>)["config.json", "model.safetensors"])
            File.Copy(Path.Combine(Goldens.Checkpoint("gpt2"), name), folder[name]);
        folder.Write("tokenizer_config.json", tokenizerConfig);
        return folder;
    }

    private static Tokenizer Open(TemporaryFolder folder)
    {
        using ModelFolder model = ModelFolder.Open(folder.Path);
        return Tokenizer.Of(model);
    }

    private static void SameTokens(string kind, TemporaryFolder folder)
    {
        Tokenizer expected = TokenizerGoldenTests.Load(kind), actual = Open(folder);
        foreach (string text in TokenizerGoldenTests.Texts)
        {
            Encoding encoding = actual.Encode(text, addSpecialTokens: true);
            Assert.Equal(expected.Encode(text, addSpecialTokens: true).Ids, encoding.Ids);
            Assert.Equal(expected.Encode(text, addSpecialTokens: true).Offsets, encoding.Offsets);
            Assert.Equal(expected.Decode(encoding.Ids, skipSpecialTokens: true), actual.Decode(encoding.Ids, skipSpecialTokens: true));
        }
    }

    private static string[] Tokens(string kind) =>
        [.. TokenizerSettingsTests.Golden(kind)["model"]!["vocab"]!.AsObject().OrderBy(token => (int)token.Value!).Select(token => token.Key)];

    private static void WriteMerges(TemporaryFolder folder, string kind)
    {
        JsonNode model = TokenizerSettingsTests.Golden(kind)["model"]!;
        folder.Write("vocab.json", model["vocab"]!.ToJsonString());
        folder.Write("merges.txt", "#version: 0.2\n" + string.Concat(model["merges"]!.AsArray().Select(merge => $"{merge![0]} {merge[1]}\n")));
    }

    private static byte[] SentencePiece(IEnumerable<(string Text, float Score, int Type)> pieces, int type, bool removesExtraSpaces)
    {
        using MemoryStream model = new();
        foreach ((string text, float score, int kind) in pieces)
        {
            byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(text);
            Field(model, 1, [0x0A, .. Varint(utf8.Length), .. utf8, 0x15, .. BitConverter.GetBytes(score), 0x18, (byte)kind]);
        }

        Field(model, 2, [0x18, (byte)type, .. Varint(35 << 3), 1, .. Varint(40 << 3), (byte)(type == 1 ? 2 : 0), .. type == 1 ? [.. Varint(42 << 3), (byte)1] : Array.Empty<byte>()]);
        Field(model, 3, [0x18, 1, 0x20, (byte)(removesExtraSpaces ? 1 : 0)]);
        return model.ToArray();
    }

    private static void Field(MemoryStream stream, int number, byte[] message)
    {
        stream.WriteByte((byte)(number << 3 | 2));
        stream.Write(Varint(message.Length));
        stream.Write(message);
    }

    private static byte[] Varint(int value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        return [.. bytes, (byte)value];
    }
}
