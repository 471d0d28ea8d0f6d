using Fairlead.Protocols.Buffers;

namespace Fairlead.Protocols.Sse;

/// <summary>Reads lines (one JSON object each, Ollama's own streams) out of bytes that may be cut anywhere; blank lines are passed over.</summary>
/// <remarks>Used like <see cref="SseReader"/>. A span it returns holds until the next call.</remarks>
public sealed class LineReader(int mostBytesPerLine = SseReader.DefaultMostBytesPerEvent) : IDisposable
{
    private readonly PooledBuffer _carry = new(1024);
    private byte[] _fed = [];
    private int _start;
    private int _end;
    private int _searched;
    private bool _inCarry;
    private bool _ended;

    /// <summary>A line grew beyond the bound; nothing more is read.</summary>
    public bool IsOversize { get; private set; }

    /// <inheritdoc cref="SseReader.Feed"/>
    public void Feed(byte[] buffer, int start, int length)
    {
        if (_carry.Length > 0)
        {
            _carry.Append(buffer.AsSpan(start, length));
            _inCarry = true;
            return;
        }
        _fed = buffer;
        _start = start;
        _end = start + length;
        _inCarry = false;
    }

    /// <inheritdoc cref="SseReader.Finish"/>
    public void Finish() => _ended = true;

    /// <summary>Reads the next line that is not blank, without white space around it.</summary>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        line = default;
        while (!IsOversize)
        {
            ReadOnlySpan<byte> rest = _inCarry ? _carry.Span[_start..] : _fed.AsSpan(_start, _end - _start);
            int end = rest[_searched..].IndexOf((byte)'\n');
            if (end < 0 && !(_ended && rest.Length > 0))
            {
                if (rest.Length > mostBytesPerLine)
                    IsOversize = true;
                else
                    Keep(rest);
                return false;
            }
            int length = end < 0 ? rest.Length : end + _searched;
            _start += end < 0 ? length : length + 1;
            _searched = 0;
            line = rest[..length].Trim(" \t\r"u8);
            if (line.Length > 0)
                return true;
        }
        return false;
    }

    public void Dispose() => _carry.Dispose();

    private void Keep(ReadOnlySpan<byte> rest)
    {
        if (_inCarry)
        {
            rest.CopyTo(_carry.WrittenSpan);
            _carry.Truncate(rest.Length);
        }
        else
        {
            _carry.Clear();
            _carry.Append(rest);
        }
        _fed = [];
        _start = _end = 0;
        _searched = _carry.Length;
        _inCarry = _carry.Length > 0;
    }
}
