using System.Text;
using System.Text.Json;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>A text that comes token by token is the text that comes at once, and never shows half a character.</summary>
public sealed class StreamDecoderTests
{
    [Theory]
    [MemberData(nameof(TokenizerGoldenTests.Kinds), MemberType = typeof(TokenizerGoldenTests))]
    public void Random_tokens_stream_to_what_they_decode_to(string kind)
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load(kind);
        var random = new Random(20260);
        for (int round = 0; round < 300; round++)
        {
            // a few numbers beyond the vocabulary: a model's head may be larger
            int[] ids = [.. Enumerable.Range(0, random.Next(1, 40)).Select(_ => random.Next(-1, tokenizer.VocabularySize + 3))];
            bool skip = round % 2 == 0;
            Assert.Equal(tokenizer.Decode(ids, skip), Streamed(tokenizer, ids, skip));
        }
    }

    [Theory]
    [MemberData(nameof(TokenizerGoldenTests.Kinds), MemberType = typeof(TokenizerGoldenTests))]
    public void Texts_stream_without_a_replacement_character_that_the_text_does_not_have(string kind)
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load(kind);
        foreach (string text in TokenizerGoldenTests.Texts)
        {
            int[] ids = tokenizer.Encode(text, addSpecialTokens: false).Ids;
            string whole = tokenizer.Decode(ids, skipSpecialTokens: true);
            Assert.Equal(whole, Streamed(tokenizer, ids, skip: true));
        }
    }

    [Fact]
    public void An_emoji_in_four_tokens_comes_out_with_the_last_of_them()
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load("gpt2");
        int[] ids = [.. System.Text.Encoding.UTF8.GetBytes("🙂").Select(value => tokenizer.IdOf(ByteAlphabet.CharacterOf(value).ToString())!.Value)];
        StreamDecoder decoder = tokenizer.NewStreamDecoder(skipSpecialTokens: false);
        Assert.Equal(["", "", "", "🙂"], ids.Select(decoder.Append));
        Assert.Equal("", decoder.Flush());
    }

    [Fact]
    public void A_character_that_never_gets_all_its_bytes_is_one_replacement_at_the_end()
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load("gpt2");
        StreamDecoder decoder = tokenizer.NewStreamDecoder(skipSpecialTokens: false);
        foreach (byte value in System.Text.Encoding.UTF8.GetBytes("🙂").AsSpan(0, 3))
            Assert.Equal("", decoder.Append(tokenizer.IdOf(ByteAlphabet.CharacterOf(value).ToString())!.Value));
        Assert.Equal("\uFFFD", decoder.Flush());
    }

    [Fact]
    public void Byte_tokens_are_held_back_until_their_run_ends()
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load("llama2");
        StreamDecoder decoder = tokenizer.NewStreamDecoder(skipSpecialTokens: false);
        int[] bytes = [.. System.Text.Encoding.UTF8.GetBytes("日").Select(value => tokenizer.IdOf($"<0x{value:X2}>")!.Value)];
        Assert.All(bytes, id => Assert.Equal("", decoder.Append(id)));
        Assert.Equal("日 t", decoder.Append(tokenizer.IdOf("▁t")!.Value));
    }

    [Fact]
    public void A_decoder_that_was_flushed_takes_no_more_tokens()
    {
        StreamDecoder decoder = TokenizerGoldenTests.Load("gpt2").NewStreamDecoder(skipSpecialTokens: false);
        decoder.Flush();
        Assert.Throws<InvalidOperationException>(() => decoder.Append(5));
        Assert.Throws<InvalidOperationException>(() => decoder.Flush());
    }

    /// <summary>The tokens' text as a stream gives it, each part checked.</summary>
    internal static string Streamed(Tokenizer tokenizer, ReadOnlySpan<int> ids, bool skip)
    {
        StreamDecoder decoder = tokenizer.NewStreamDecoder(skip);
        var text = new StringBuilder();
        for (int i = 0; i <= ids.Length; i++)
        {
            string part = i < ids.Length ? decoder.Append(ids[i]) : decoder.Flush();
            Assert.True(part.Length == 0 || !(char.IsLowSurrogate(part[0]) || char.IsHighSurrogate(part[^1])), $"half a character in {JsonSerializer.Serialize(part)}");
            text.Append(part);
        }

        return text.ToString();
    }
}
