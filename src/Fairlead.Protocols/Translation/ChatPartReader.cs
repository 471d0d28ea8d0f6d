using Fairlead.Protocols.Json;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Goes through what a message says, part by part, and passes over what Anthropic refuses or does not know: texts of nothing but white space, thinking without a
/// signature, kinds of its own.</summary>
internal ref struct ChatPartReader
{
    private readonly ReadOnlySpan<byte> _content;
    private readonly bool _wordsOnly;
    private JsonCursor _cursor;
    private JsonString _single;
    private JsonString _refusal;
    private bool _inArray;
    private bool _first;

    /// <param name="content">A string or an array of parts; empty when there is none.</param>
    /// <param name="refusal">A string that comes behind them; empty when there is none.</param>
    /// <param name="wordsOnly">Who speaks has nothing but words.</param>
    public ChatPartReader(ReadOnlySpan<byte> content, ReadOnlySpan<byte> refusal, bool wordsOnly)
    {
        _content = content;
        _wordsOnly = wordsOnly;
        _single = JsonString.Of(content);
        _refusal = JsonString.Of(refusal);
        _cursor = new JsonCursor(content, JsonBounds.Scanned);
        _inArray = !content.IsEmpty && content[0] == (byte)'[' && _cursor.Enter();
        _first = true;
    }

    public bool Next(out ChatPart part)
    {
        while (NextOfAny(out part))
        {
            bool goes = part.Kind switch
            {
                ChatPartKind.Text => part.Text is { Exists: true, IsBlank: false },
                ChatPartKind.Image or ChatPartKind.File => !_wordsOnly && MediaBlock.CanSay(ref part),
                _ => false,
            };
            if (goes)
                return true;
        }
        return false;
    }

    private bool NextOfAny(out ChatPart part)
    {
        if (_inArray && _cursor.NextElement(ref _first))
        {
            part = _cursor.Peek() == JsonKind.Object ? ChatPart.Read(ref _cursor, _content) : ChatPart.Of(Bare());
            return true;
        }
        _inArray = false;
        JsonString last = _single.Exists ? _single : _refusal;
        if (_single.Exists)
            _single = default;
        else
            _refusal = default;
        part = ChatPart.Of(last);
        return last.Exists;
    }

    private JsonString Bare() => _cursor.Skip(out Range range) ? JsonString.Of(_content[range]) : default;
}
