using Fairlead.Engine.Formats;
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
}
