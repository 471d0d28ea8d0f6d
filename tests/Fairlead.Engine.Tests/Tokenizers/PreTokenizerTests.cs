using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>Each pre-tokenizer: the pieces of a text, as Hugging Face's documentation and tests give them.</summary>
public sealed class PreTokenizerTests
{
    [Theory]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Removed","invert":false}""", "the-final--countdown", "the|final|countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Isolated","invert":false}""", "the-final--countdown", "the|-|final|-|-|countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithPrevious","invert":false}""", "the-final--countdown", "the-|final-|-|countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithNext","invert":false}""", "the-final--countdown", "the|-final|-|-countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Contiguous","invert":false}""", "the-final--countdown", "the|-|final|--|countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithNext","invert":false}""", "-a--", "-a|-|-")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Removed","invert":true}""", "Hey, you!", "Hey|you")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"(?=b)"},"behavior":"Isolated"}""", "abab", "a|ba|b")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":false}""", "Hello my friend, é", "Hello|Ġmy|Ġfriend|,|ĠÃ©")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":true}""", "Hello", "ĠHello")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":true,"use_regex":false}""", " a b", "ĠaĠb")]
    [InlineData("""{"type":"Metaspace"}""", "Hey   friend!", "▁Hey|▁|▁|▁friend!")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never"}""", "Hey friend", "Hey|▁friend")]
    [InlineData("""{"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":false}""", "Hey friend", "_Hey_friend")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":true,"str_rep":"▁"}""", "Hey", "▁Hey")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":false}""", "Hey", "Hey")]
    [InlineData("""{"type":"Metaspace"}""", " Hey", "▁Hey")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","prepend_scheme":"first"}]}""", "a b c", "▁a|b|c")]
    [InlineData("""{"type":"BertPreTokenizer"}""", "Hey friend!     How are you?!?", "Hey|friend|!|How|are|you|?|!|?")]
    [InlineData("""{"type":"BertPreTokenizer"}""", "a$b€c", "a|$|b€c")]
    [InlineData("""{"type":"Digits"}""", "Hey 123 friend!", "Hey |123| friend!")]
    [InlineData("""{"type":"Digits","individual_digits":true}""", "Hey 123 friend!", "Hey |1|2|3| friend!")]
    [InlineData("""{"type":"Punctuation"}""", "Hey friend!     How are you?!?", "Hey friend|!|     How are you|?|!|?")]
    [InlineData("""{"type":"Punctuation","behavior":"Contiguous"}""", "you?!?", "you|?!?")]
    [InlineData("""{"type":"Whitespace"}""", "Hey man! naïve…x", "Hey|man|!|naïve|…|x")]
    [InlineData("""{"type":"WhitespaceSplit"}""", " Hey\u3000man! ", "Hey|man!")]
    [InlineData("""{"type":"UnicodeScripts"}""", "どこで生れ。Yes", "どこで生れ|。|Yes")]
    [InlineData("""{"type":"UnicodeScripts"}""", "Apples are りんご 林檎", "Apples are |りんご 林檎")]
    [InlineData("""{"type":"FixedLength","length":5}""", "Hello w🙂rld", "Hello| w🙂rl|d")]
    [InlineData("""{"type":"CharDelimiterSplit","delimiter":"-"}""", "the-final--countdown", "the|final|countdown")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Digits","individual_digits":true}]}""", "a12 b", "a|1|2|b")]
    public void A_text_is_cut_into_the_reference_s_pieces(string preTokenizer, string text, string expected)
    {
        var pieces = new PieceList(AlignedText.Of(text.AsMemory(), 0));
        TokenizerJson.ReadPreTokenizer(JsonPart.Parse("tokenizer.json", System.Text.Encoding.UTF8.GetBytes(preTokenizer)), 0).Apply(pieces);
        Assert.Equal(expected, string.Join('|', Enumerable.Range(0, pieces.Count).Select(i => pieces.Text.Span[pieces[i].Start..pieces[i].End].ToString())));
    }
}
