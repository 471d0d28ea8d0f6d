using System.Text.Json;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>What Hugging Face's tokenizers 0.22 made of 88 awkward texts, for 15 kinds of tokenizer.</summary>
public sealed class TokenizerGoldenTests
{
    private static readonly Lazy<JsonDocument> s_goldens = new(() => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Data, "goldens", "tokenizers.json"))));

    public static TheoryData<string> Kinds { get; } =
        ["gpt2", "llama3", "qwen2", "llama2", "gemma", "falcon", "bloom", "t5", "xlmr", "roberta", "bert-uncased", "bert-cased", "mpnet", "clip", "whisper"];

    /// <summary>The tokenizer of one of the <see cref="Kinds"/>.</summary>
    internal static Tokenizer Load(string kind) =>
        Tokenizer.FromJson("tokenizer.json", JsonSerializer.SerializeToUtf8Bytes(s_goldens.Value.RootElement.GetProperty(kind).GetProperty("tokenizer")));

    /// <summary>The texts of the goldens.</summary>
    internal static IEnumerable<string> Texts =>
        s_goldens.Value.RootElement.GetProperty("gpt2").GetProperty("cases").EnumerateArray().Select(one => one.GetProperty("text").GetString()!);

    [Fact]
    public void No_kind_of_the_goldens_is_left_out() =>
        Assert.Equal(s_goldens.Value.RootElement.EnumerateObject().Select(kind => kind.Name).Order(), Kinds.Select(row => row.Data).Order());

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_text_gets_the_reference_s_tokens_offsets_and_texts(string kind)
    {
        Tokenizer tokenizer = Load(kind);
        var wrong = new List<string>();
        foreach (JsonElement one in s_goldens.Value.RootElement.GetProperty(kind).GetProperty("cases").EnumerateArray())
        {
            string text = one.GetProperty("text").GetString()!;
            Encoding encoding = tokenizer.Encode(text, addSpecialTokens: true);
            int[] ids = Ints(one.GetProperty("ids"));
            Compare(wrong, text, "ids", string.Join(' ', ids), string.Join(' ', encoding.Ids));
            Compare(wrong, text, "ids_plain", string.Join(' ', Ints(one.GetProperty("ids_plain"))), string.Join(' ', tokenizer.Encode(text, addSpecialTokens: false).Ids));
            Compare(wrong, text, "offsets",
                string.Join(' ', one.GetProperty("offsets").EnumerateArray().Select(pair => $"({pair[0].GetInt32()}, {pair[1].GetInt32()})")),
                string.Join(' ', encoding.Offsets));
            Compare(wrong, text, "tokens", string.Join(' ', one.GetProperty("tokens").EnumerateArray().Select(token => token.GetString())), string.Join(' ', ids.Select(tokenizer.TokenOf)));
            Compare(wrong, text, "decoded", one.GetProperty("decoded").GetString()!, tokenizer.Decode(ids, skipSpecialTokens: false));
            Compare(wrong, text, "decoded_skip", one.GetProperty("decoded_skip").GetString()!, tokenizer.Decode(ids, skipSpecialTokens: true));
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Pairs_get_the_reference_s_tokens_and_types(string kind)
    {
        Tokenizer tokenizer = Load(kind);
        foreach (JsonElement one in s_goldens.Value.RootElement.GetProperty(kind).GetProperty("pairs").EnumerateArray())
        {
            Encoding encoding = tokenizer.EncodePair(one.GetProperty("a").GetString()!, one.GetProperty("b").GetString()!, addSpecialTokens: true);
            Assert.Equal(Ints(one.GetProperty("input_ids")), encoding.Ids);
            Assert.Equal(Ints(one.GetProperty("token_type_ids")), encoding.TypeIds);
            Assert.Equal(encoding.Ids.Length, encoding.Offsets.Length);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_prefix_of_tokens_decodes_to_the_reference_s_text(string kind)
    {
        Tokenizer tokenizer = Load(kind);
        JsonElement incremental = s_goldens.Value.RootElement.GetProperty(kind).GetProperty("incremental");
        int[] ids = Ints(incremental.GetProperty("ids"));
        string[] prefixes = [.. incremental.GetProperty("prefixes").EnumerateArray().Select(prefix => prefix.GetString()!)];
        for (int count = 1; count <= ids.Length; count++)
            Assert.Equal(prefixes[count - 1], tokenizer.Decode(ids.AsSpan(0, count), skipSpecialTokens: false));
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetInt32())];

    private static void Compare(List<string> wrong, string text, string what, string expected, string actual)
    {
        if (expected != actual)
            wrong.Add($"{JsonSerializer.Serialize(text)} {what}:\n   expected {expected}\n   actual   {actual}");
    }
}
