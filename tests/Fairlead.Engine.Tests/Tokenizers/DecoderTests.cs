using System.Text.Json.Nodes;
using Fairlead.Engine.Tokenizers;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>Each decoder on tokens by their text, at once and as a stream.</summary>
public sealed class DecoderTests
{
    [Theory]
    [InlineData("null", "a|b|c", "a b c")]
    [InlineData("""{"type":"ByteLevel"}""", "Hello|Ġé", "Hello \uFFFD")] // é is the byte E9 of the alphabet
    [InlineData("""{"type":"ByteLevel"}""", "Ã|©|Ġx", "é x")]
    [InlineData("""{"type":"ByteLevel"}""", "a|日|▁b", "a日▁b")] // outside the alphabet: taken for what it says
    [InlineData("""{"type":"ByteFallback"}""", "<0xE6>|<0x97>|<0xA5>|a", "日a")]
    [InlineData("""{"type":"ByteFallback"}""", "<0xE6>|<0x97>|a|<0x0A>", "\uFFFD\uFFFDa\n")]
    [InlineData("""{"type":"ByteFallback"}""", "<0xE6>|<0x97>|<0xA5>|<0xE6>", "\uFFFD\uFFFD\uFFFD\uFFFD")]
    [InlineData("""{"type":"ByteFallback"}""", "<0xZZ>|<0x1>", "<0xZZ><0x1>")]
    [InlineData("""{"type":"Replace","pattern":{"String":"▁"},"content":" "}""", "▁a▁|b", " a b")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":"[0-9]+"},"content":"#"}""", "a12|3", "a##")]
    [InlineData("""{"type":"Strip","content":"_","start":1,"stop":0}""", "__a_|_b", "_a_b")]
    [InlineData("""{"type":"Strip","content":"H","start":0,"stop":2}""", "HeyHH|H|HHH", "HeyH")]
    [InlineData("""{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}""", " | a| b", " a b")]
    [InlineData("""{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":" ","start":0,"stop":1}]}""", "a | b| ", "a  b")]
    [InlineData("""{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Replace","pattern":{"String":"ab"},"content":"x"}]}""", "a|b|a", "xa")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""", "▁Hey|▁friend|▁▁!", "Hey friend  !")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never"}""", "▁Hey|▁friend", " Hey friend")]
    [InlineData("""{"type":"WordPiece","prefix":"##","cleanup":true}""", "do|not|we|'|ve|un|##aff|##able|.|!", "do not we ' ve unaffable.!")]
    [InlineData("""{"type":"WordPiece","prefix":"##","cleanup":false}""", "a|.|##b", "a .b")]
    [InlineData("""{"type":"WordPiece"}""", "##a|##b", "##ab")]
    [InlineData("""{"type":"BPEDecoder","suffix":"</w>"}""", "Hel|lo</w>|you</w>", "Hello you")]
    [InlineData("""{"type":"BPEDecoder","suffix":"</w>"}""", "you</w>", "you")]
    [InlineData("""{"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true}""", "<pad>~<pad>~h~e~e~l~l~<pad>~l~o~o~o~<pad>", "hello")]
    [InlineData("""{"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true}""", "h~h~|~<pad>~|~i", "h  i")]
    public void Tokens_become_the_reference_s_text(string decoder, string tokens, string expected)
    {
        string[] parts = tokens.Split(tokens.Contains('~') ? '~' : '|');
        var vocabulary = new JsonObject();
        foreach (string part in parts.Distinct())
            vocabulary[part] = vocabulary.Count;
        var json = new JsonObject
        {
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray() },
            ["decoder"] = JsonNode.Parse(decoder),
        };
        Tokenizer tokenizer = TokenizerSettingsTests.Read(json);
        int[] ids = [.. parts.Select(part => tokenizer.IdOf(part)!.Value)];
        Assert.Equal(expected, tokenizer.Decode(ids, skipSpecialTokens: false));
        Assert.Equal(expected, StreamDecoderTests.Streamed(tokenizer, ids, skip: false));
    }
}
