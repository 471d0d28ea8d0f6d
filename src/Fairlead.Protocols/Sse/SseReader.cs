using Fairlead.Protocols.Buffers;

namespace Fairlead.Protocols.Sse;

/// <summary>One server-sent event. The spans point into the reader's input or its own buffer and hold until the next call.</summary>
public readonly ref struct SseEvent(ReadOnlySpan<byte> data, ReadOnlySpan<byte> name, ReadOnlySpan<byte> raw)
{
    /// <summary>The joined <c>data</c> lines.</summary>
    public ReadOnlySpan<byte> Data { get; } = data;

    /// <summary>The <c>event</c> field; empty when there was none.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The event's own lines and the blank one behind them, as they came; empty where the input ended before that blank line.</summary>
    public ReadOnlySpan<byte> Raw { get; } = raw;
}

/// <summary>Reads server-sent events (WHATWG HTML §9.2) out of bytes that may be cut anywhere. A push parser: it never waits and never reads.</summary>
/// <remarks>An event that lies whole in the bytes that were fed is not copied. What hangs over is kept until the next bytes come.
/// Usage: <see cref="Feed"/>, then <see cref="TryRead"/> until it is false; at the end of the input <see cref="Finish"/> and the same again.</remarks>
public sealed class SseReader(int mostBytesPerEvent = SseReader.DefaultMostBytesPerEvent) : IDisposable
{
    /// <summary>Images in deltas and long tool arguments come in single events of megabytes; beyond this it is no event but an attack or a bug.</summary>
    public const int DefaultMostBytesPerEvent = 8 << 20;

    private readonly PooledBuffer _carry = new(1024);
    private readonly PooledBuffer _data = new(1024);
    private readonly PooledBuffer _name = new(64);
    private byte[] _fed = [];
    private int _eventStart; // of the lines that belong to the event which is being read
    private int _fedStart;
    private int _fedEnd;
    private int _searched; // bytes of an unfinished line in which no end was found: a long event is not searched again with each piece of it
    private bool _inCarry;
    private bool _begun;
    private bool _swallowLineFeed;
    private bool _hasData;
    private bool _ended;

    /// <summary>An event or line grew beyond the bound; nothing more is read.</summary>
    public bool IsOversize { get; private set; }

    /// <summary>Field named <c>error</c> of llama.cpp's old form (<c>error: {…}</c>) is dispatched as an event of that name.</summary>
    private static ReadOnlySpan<byte> ErrorField => "error"u8;

    /// <summary>Takes the next bytes of the input. They must stay as they are until <see cref="TryRead"/> has returned false.</summary>
    public void Feed(byte[] buffer, int start, int length)
    {
        if (_carry.Length > 0)
        {
            _carry.Append(buffer.AsSpan(start, length));
            _inCarry = true;
            return;
        }
        _fed = buffer;
        _eventStart = start;
        _fedStart = start;
        _fedEnd = start + length;
        _inCarry = false;
    }

    /// <summary>The input is over: what hangs over counts as complete, as both official SDKs have it.</summary>
    public void Finish() => _ended = true;

    /// <summary>Reads the next whole event.</summary>
    public bool TryRead(out SseEvent item)
    {
        item = default;
        if (IsOversize)
            return false;
        while (true)
        {
            ReadOnlySpan<byte> rest = Rest();
            if (!_begun && rest.Length > 0)
            {
                if (rest.Length < 3 && !_ended && "\uFEFF"u8.StartsWith(rest))
                {
                    Keep();
                    return false;
                }
                _begun = true;
                if (rest.StartsWith("\uFEFF"u8))
                {
                    Advance(3);
                    _eventStart = _fedStart;
                    continue;
                }
            }
            if (_swallowLineFeed && rest.Length > 0)
            {
                _swallowLineFeed = false;
                if (rest[0] == (byte)'\n')
                {
                    bool between = IsBetweenEvents;
                    Advance(1);
                    if (between)
                        _eventStart = _fedStart;
                    continue;
                }
            }
            // The common case, whole in what was fed and in the plainest framing: one look, no copy.
            int end = rest[_searched..].IndexOfAny((byte)'\n', (byte)'\r');
            if (end >= 0)
                end += _searched;
            if (IsBetweenEvents && TryPlain(rest, end, out item))
                return true;

            if (end < 0)
            {
                if (_ended && rest.Length > 0)
                {
                    ReadLine(rest);
                    Advance(rest.Length);
                    continue;
                }
                if (_ended && _hasData)
                    return Dispatch(default, out item);
                if (rest.Length > mostBytesPerEvent)
                    IsOversize = true;
                else
                    Keep();
                return false;
            }
            bool carriageReturn = rest[end] == (byte)'\r';
            ReadOnlySpan<byte> line = rest[..end];
            bool blank = line.IsEmpty;
            bool ofNoEvent = blank || (line[0] == (byte)':' && IsBetweenEvents);
            if (!blank)
                ReadLine(line);
            Advance(end + 1);
            // A lone CR ends a line; a LF right behind it belongs to the same end, also in the next bytes.
            _swallowLineFeed = carriageReturn;
            // Comments inside of an event are kept with it, so they are bounded, too.
            if (_data.Length > mostBytesPerEvent || _fedStart - _eventStart > 2L * mostBytesPerEvent)
            {
                IsOversize = true;
                return false;
            }
            ReadOnlySpan<byte> lines = (_inCarry ? _carry.Span : _fed)[_eventStart.._fedStart];
            if (ofNoEvent)
                _eventStart = _fedStart;
            if (blank && Dispatch(lines, out item))
                return true;
        }
    }

    public void Dispose()
    {
        _carry.Dispose();
        _data.Dispose();
        _name.Dispose();
    }

    private bool TryPlain(ReadOnlySpan<byte> rest, int end, out SseEvent item)
    {
        item = default;
        ReadOnlySpan<byte> name = default;
        int start = 0;
        if (rest.StartsWith("event: "u8) && end >= 0 && rest[end] == (byte)'\n')
        {
            name = rest["event: "u8.Length..end];
            start = end + 1;
            end = rest[start..].IndexOfAny((byte)'\n', (byte)'\r');
            end = end < 0 ? -1 : start + end;
        }
        if (!rest[start..].StartsWith("data: "u8))
            return false;
        int text = start + "data: "u8.Length;
        if (end <= text || end + 1 >= rest.Length || rest[end] != (byte)'\n' || rest[end + 1] != (byte)'\n')
            return false; // no data is nothing to dispatch, the rest is not plain
        item = new SseEvent(rest[text..end], name, rest[..(end + 2)]);
        Advance(end + 2);
        _eventStart = _fedStart;
        return true;
    }

    private void ReadLine(ReadOnlySpan<byte> line)
    {
        int colon = line.IndexOf((byte)':');
        if (colon == 0)
            return; // a comment
        ReadOnlySpan<byte> field = colon < 0 ? line : line[..colon];
        ReadOnlySpan<byte> value = colon < 0 ? default : line[(colon + 1)..];
        if (value.Length > 0 && value[0] == (byte)' ')
            value = value[1..];
        if (field.SequenceEqual("data"u8))
        {
            if (_hasData)
                _data.Append("\n"u8);
            _data.Append(value);
            _hasData = true;
        }
        else if (field.SequenceEqual("event"u8))
        {
            _name.Clear();
            _name.Append(value);
        }
        else if (field.SequenceEqual(ErrorField) && value.StartsWith("{"u8))
        {
            _name.Clear();
            _name.Append(ErrorField);
            _data.Append(value);
            _hasData = true;
        }
    }

    private bool Dispatch(ReadOnlySpan<byte> lines, out SseEvent item)
    {
        item = default;
        bool any = _hasData && _data.Length > 0;
        if (any)
            item = new SseEvent(_data.Span, _name.Span, lines);
        // The buffers keep their bytes until they are written again, so the spans above hold until the next call.
        _hasData = false;
        _data.Clear();
        _name.Clear();
        return any;
    }

    private ReadOnlySpan<byte> Rest() => _inCarry ? _carry.Span[_fedStart..] : _fed.AsSpan(_fedStart, _fedEnd - _fedStart);

    private void Advance(int count)
    {
        _fedStart += count;
        _searched = 0;
    }

    /// <summary>No line has come that belongs to the next event; comments before it do not.</summary>
    private bool IsBetweenEvents => _eventStart == _fedStart;

    /// <summary>Keeps what hangs over for the next bytes.</summary>
    private void Keep()
    {
        if (_inCarry)
        {
            if (_eventStart > 0)
            {
                ReadOnlySpan<byte> rest = _carry.Span[_eventStart..];
                rest.CopyTo(_carry.WrittenSpan);
                _carry.Truncate(rest.Length);
            }
        }
        else
        {
            _carry.Clear();
            _carry.Append(_fed.AsSpan(_eventStart, _fedEnd - _eventStart));
            _fed = [];
        }
        _fedStart -= _eventStart;
        _fedEnd = 0;
        _eventStart = 0;
        _searched = _carry.Length - _fedStart;
        _inCarry = _carry.Length > 0;
    }
}
