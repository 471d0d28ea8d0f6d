using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Tests.Formats;

public sealed class GgufFileTests
{
    [Theory]
    [InlineData("llama-bpe", "llama", 128256, 280147)]
    [InlineData("gpt-2", "gpt2", 50257, 50000)]
    [InlineData("falcon", "falcon", 65024, 64784)]
    public void Real_vocabularies_are_read_whole(string file, string architecture, int tokens, int merges)
    {
        using GgufFile gguf = GgufFile.Open(Goldens.Shared($"vocabularies/{file}.gguf"));
        Assert.Equal((architecture, 3), (gguf.Text("general.architecture"), gguf.Version));
        Assert.Equal(tokens, gguf.Texts("tokenizer.ggml.tokens")!.Length);
        Assert.Equal(merges, gguf.Texts("tokenizer.ggml.merges")!.Length);
        Assert.Equal(tokens, gguf.Integers("tokenizer.ggml.token_type")!.Length);
    }

    [Fact]
    public void A_number_stored_in_single_precision_is_read_as_it_was_written()
    {
        using GgufFile gguf = GgufFile.Open(Goldens.Shared("vocabularies/gpt-2.gguf"));
        Assert.Equal(1e-5, gguf.Number("gpt2.attention.layer_norm_epsilon"));
        Assert.Equal(768, gguf.Integer("gpt2.embedding_length"));
        Assert.Null(gguf.Text("tokenizer.chat_template"));
    }
}
