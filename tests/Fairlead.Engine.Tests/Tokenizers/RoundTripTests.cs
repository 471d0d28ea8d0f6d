using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>What holds for any text.</summary>
public sealed class RoundTripTests
{
    // Letters, marks, digits, spaces and signs of many scripts, astral planes, controls, and what added tokens look like.
    private static readonly (int First, int Last)[] s_ranges =
    [
        (0x20, 0x7E), (0x20, 0x7E), (0x00, 0x1F), (0xA0, 0xFF), (0x100, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x6FF), (0x900, 0x97F),
        (0xE00, 0xE7F), (0x2000, 0x206F), (0x3040, 0x30FF), (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0xFB00, 0xFB4F), (0xFF00, 0xFFEF), (0x1D400, 0x1D4FF), (0x1F300, 0x1F6FF), (0x20000, 0x200FF),
    ];

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("falcon")]
    [InlineData("bloom")]
    [InlineData("roberta")]
    [InlineData("whisper")]
    public void Byte_level_tokens_hold_every_byte_of_any_text(string kind)
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load(kind);
        foreach (string text in RandomTexts(400))
        {
            Encoding encoding = tokenizer.Encode(text, addSpecialTokens: false);
            Assert.Equal(text, tokenizer.Decode(encoding.Ids, skipSpecialTokens: false));
            Assert.Equal(System.Text.Encoding.UTF8.GetBytes(text), encoding.Ids.SelectMany(id => tokenizer.BytesOf(id).ToArray()));
        }
    }

    [Theory]
    [InlineData("llama2", " ")]
    [InlineData("gemma", "")]
    public void Tokens_with_byte_fallback_hold_every_byte_of_any_text(string kind, string before)
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load(kind);
        foreach (string text in RandomTexts(400).Where(text => !text.Contains('▁')))
        {
            Encoding encoding = tokenizer.Encode(text, addSpecialTokens: false);
            Assert.Equal(text, tokenizer.Decode(encoding.Ids, skipSpecialTokens: false));
            Assert.Equal(System.Text.Encoding.UTF8.GetBytes(before + text), encoding.Ids.SelectMany(id => tokenizer.BytesOf(id).ToArray()));
        }
    }

    [Theory]
    [MemberData(nameof(TokenizerGoldenTests.Kinds), MemberType = typeof(TokenizerGoldenTests))]
    public void Offsets_lie_in_the_text_and_numbers_in_the_vocabulary(string kind)
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load(kind);
        foreach (string text in RandomTexts(200))
        {
            Encoding encoding = tokenizer.Encode(text, addSpecialTokens: true);
            int characters = text.EnumerateRunes().Count();
            Assert.All(encoding.Offsets, offsets => Assert.True(offsets.Start >= 0 && offsets.Start <= offsets.End && offsets.End <= characters));
            Assert.All(encoding.Ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
        }
    }

    [Fact]
    public void Half_a_surrogate_pair_is_a_replacement_character()
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load("gpt2");
        Assert.Equal(tokenizer.Encode("a\uFFFDb\uFFFD", false).Ids, tokenizer.Encode("a\uD83Db\uDE42", false).Ids);
    }

    [Fact]
    public void Many_threads_get_the_tokens_that_one_gets()
    {
        Tokenizer tokenizer = TokenizerGoldenTests.Load("llama3");
        string[] texts = [.. RandomTexts(200)];
        int[][] alone = [.. texts.Select(text => TokenizerGoldenTests.Load("llama3").Encode(text, false).Ids).Take(20)];
        Parallel.For(0, 8, worker =>
        {
            for (int i = 0; i < texts.Length; i++)
            {
                int[] ids = tokenizer.Encode(texts[(i + worker * 25) % texts.Length], false).Ids;
                if ((i + worker * 25) % texts.Length < alone.Length)
                    Assert.Equal(alone[(i + worker * 25) % texts.Length], ids);
            }
        });
    }

    internal static IEnumerable<string> RandomTexts(int count)
    {
        var random = new Random(7);
        for (int i = 0; i < count; i++)
        {
            var text = new System.Text.StringBuilder();
            for (int left = random.Next(1, 60); left > 0; left--)
            {
                (int first, int last) = s_ranges[random.Next(s_ranges.Length)];
                for (int run = random.Next(1, 6); run > 0; run--)
                    text.Append(new System.Text.Rune(random.Next(first, last + 1)).ToString());
                if (random.Next(3) == 0)
                    text.Append(' ', random.Next(1, 4));
            }

            yield return text.ToString();
        }
    }
}
