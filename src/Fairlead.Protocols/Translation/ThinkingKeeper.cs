using System.Globalization;
using System.Text;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Sse;

namespace Fairlead.Protocols.Translation;

/// <summary>Gathers a thinking block, whose text and signature a caller must be able to send back untouched, and tells it as one member of a chunk's delta.</summary>
/// <remarks>Each is numbered: OpenAI's Python helper puts lists of objects together by <c>index</c> and throws without one.</remarks>
internal sealed class ThinkingKeeper : IDisposable
{
    private readonly PooledBuffer _text = new(1024);
    private readonly PooledBuffer _signature = new(512);
    private int _blocks;

    /// <summary>It has grown larger than one event may be, and could not be told in one.</summary>
    public bool IsTooLarge => _text.Length + _signature.Length > SseReader.DefaultMostBytesPerEvent;

    /// <summary>Takes text, escapes as written.</summary>
    public void Think(ReadOnlySpan<byte> text) => _text.Append(text);

    /// <summary>Takes the signature, escapes as written.</summary>
    public void Sign(ReadOnlySpan<byte> signature)
    {
        _signature.Clear();
        _signature.Append(signature);
    }

    /// <summary>Appends <c>"thinking_blocks":[…]</c> and forgets the block.</summary>
    /// <returns>False, with nothing appended, when there was no thought.</returns>
    public bool TryTell(PooledBuffer output)
    {
        if (_text.Length + _signature.Length == 0)
            return false;
        Begin("thinking"u8, output);
        output.Append(",\"thinking\":\""u8);
        output.Append(_text.Span);
        output.Append("\",\"signature\":\""u8);
        output.Append(_signature.Span);
        output.Append("\"}]"u8);
        _text.Clear();
        _signature.Clear();
        return true;
    }

    /// <summary>Appends the same for a block that only its provider can read.</summary>
    public void TellRedacted(ReadOnlySpan<byte> data, PooledBuffer output)
    {
        Begin("redacted_thinking"u8, output);
        output.Append(",\"data\":\""u8);
        output.Append(data);
        output.Append("\"}]"u8);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _text.Dispose();
        _signature.Dispose();
    }

    private void Begin(ReadOnlySpan<byte> type, PooledBuffer output)
    {
        output.Append("\"thinking_blocks\":[{\"index\":"u8);
        output.Append(Encoding.ASCII.GetBytes(_blocks++.ToString(CultureInfo.InvariantCulture)));
        output.Append(",\"type\":\""u8);
        output.Append(type);
        output.Append("\""u8);
    }
}
