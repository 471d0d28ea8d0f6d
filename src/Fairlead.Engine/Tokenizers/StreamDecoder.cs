using Fairlead.Engine.Tokenizers.Decoders;

namespace Fairlead.Engine.Tokenizers;

/// <summary>Turns the tokens of one text into text as they come. What it has given out never changes; half characters are held back.</summary>
/// <remarks>
/// All parts and the rest from <see cref="Flush"/>, put together, are what <see cref="Tokenizer.Decode"/> makes of the same tokens. Not safe
/// for several threads; as cheap to make as a few small objects.
/// </remarks>
public sealed class StreamDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly TextStage _text = new();
    private readonly DecodeStage _first;
    private bool _over;

    internal StreamDecoder(Tokenizer tokenizer, DecodeStep decoder, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
        _first = decoder.Begin(_text);
    }

    /// <summary>The text that this token completes: whole characters, often none. A number without a token adds nothing.</summary>
    /// <exception cref="InvalidOperationException">The text has been flushed.</exception>
    public string Append(int id)
    {
        Push(id);
        return _text.Take();
    }

    /// <summary>What was held back; a character that never got all its bytes is U+FFFD. The text is over then.</summary>
    /// <exception cref="InvalidOperationException">The text has been flushed before.</exception>
    public string Flush()
    {
        EnsureNotOver();
        _over = true;
        _first.End();
        return _text.Take();
    }

    internal void Push(int id)
    {
        EnsureNotOver();
        if (_tokenizer.TextOf(id) is { } token && !(_skipSpecialTokens && _tokenizer.IsSpecialText(token)))
            _first.Push(token, ends: true);
    }

    private void EnsureNotOver()
    {
        if (_over)
            throw new InvalidOperationException("the text has been flushed; another one needs another decoder");
    }
}
