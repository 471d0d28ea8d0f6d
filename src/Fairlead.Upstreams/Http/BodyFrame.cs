namespace Fairlead.Upstreams.Http;

/// <summary>How the end of a body is known (RFC 9112 §6.3).</summary>
internal enum BodyFraming : byte
{
    None = 1,
    Length,
    Chunked,
    Close,
}

/// <summary>Finds a body's bytes among its framing, fed in any pieces. No I/O: the fuzzer drives it as the socket does.</summary>
internal struct BodyFrame
{
    private const int MaxChunkLine = 4096;
    private const int MaxTrailer = 64 * 1024;
    private readonly BodyFraming _framing;
    private Where _where;
    private long _left;
    private int _lineBytes;
    private int _digits;
    private int _trailerBytes;

    public BodyFrame(BodyFraming framing, long length)
    {
        _framing = framing;
        _left = framing == BodyFraming.Length ? length : 0;
        Done = framing == BodyFraming.None || (framing == BodyFraming.Length && length == 0);
        _where = Where.Size;
    }

    private enum Where : byte
    {
        Size,
        Extension,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        TrailerStart,
        TrailerLine,
        TrailerLf,
        LastLf,
    }

    /// <summary>The body is complete.</summary>
    public bool Done { get; private set; }

    /// <summary>Bytes came after the end: the connection cannot be used again.</summary>
    public bool Stray { get; private set; }

    /// <summary>What rule was broken; null while none is.</summary>
    public string? Wrong { get; private set; }

    /// <summary>Consumes all of <paramref name="bytes"/> and moves the body's bytes to its front: what is taken out is never longer than what came in.</summary>
    /// <returns>Number of body bytes now at the front.</returns>
    public int Take(Span<byte> bytes)
    {
        if (Done)
        {
            Stray |= bytes.Length > 0;
            return 0;
        }

        if (_framing == BodyFraming.Close)
            return bytes.Length;
        if (_framing == BodyFraming.Chunked)
            return TakeChunked(bytes);
        int count = (int)Math.Min(bytes.Length, _left);
        _left -= count;
        Done = _left == 0;
        Stray = count < bytes.Length;
        return count;
    }

    /// <summary>The peer closed.</summary>
    /// <returns>Whether that is the orderly end.</returns>
    public bool End()
    {
        if (_framing == BodyFraming.Close)
            Done = true;
        return Done;
    }

    private int TakeChunked(Span<byte> bytes)
    {
        int written = 0;
        int at = 0;
        while (at < bytes.Length && !Done && Wrong is null)
        {
            if (_where == Where.Data)
            {
                int count = (int)Math.Min(bytes.Length - at, _left);
                bytes.Slice(at, count).CopyTo(bytes[written..]);
                written += count;
                at += count;
                _left -= count;
                if (_left == 0)
                    _where = Where.DataCr;
                continue;
            }

            Step(bytes[at++]);
        }

        Stray = Done && at < bytes.Length;
        return written;
    }

    // Strict CRLF in the framing (RFC 9112 §7.1 allows nothing else): lenient readers of chunk lines are how smuggling works.
    private void Step(byte b)
    {
        switch (_where)
        {
            case Where.Size when char.IsAsciiHexDigit((char)b):
                // Eight digits of significance hold any body we accept; sixteen are read so that leading zeros pass.
                if (++_digits > 16 || _left > (long.MaxValue >> 5))
                    Wrong = "a chunk size that is no size";
                else
                    _left = (_left << 4) | (uint)(b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10);
                break;
            case Where.Size when _digits > 0 && b == '\r':
                _where = Where.SizeLf;
                break;
            case Where.Size when _digits > 0 && (b is (byte)';' or (byte)' ' or (byte)'\t'):
                _where = Where.Extension;
                break;
            case Where.Extension when b == '\r':
                _where = Where.SizeLf;
                break;
            case Where.Extension when b != '\n' && ++_lineBytes <= MaxChunkLine:
                break;
            case Where.SizeLf when b == '\n':
                _digits = 0;
                _lineBytes = 0;
                _where = _left == 0 ? Where.TrailerStart : Where.Data;
                break;
            case Where.DataCr when b == '\r':
                _where = Where.DataLf;
                break;
            case Where.DataLf when b == '\n':
                _where = Where.Size;
                break;
            case Where.TrailerStart when b == '\r':
                _where = Where.LastLf;
                break;
            case Where.TrailerStart or Where.TrailerLine when b is not ((byte)'\n' or (byte)'\r') && ++_trailerBytes <= MaxTrailer:
                _where = Where.TrailerLine;
                break;
            case Where.TrailerLine when b == '\r':
                _where = Where.TrailerLf;
                break;
            case Where.TrailerLf when b == '\n':
                _where = Where.TrailerStart;
                break;
            case Where.LastLf when b == '\n':
                Done = true;
                break;
            default:
                Wrong = "a bad chunk";
                break;
        }
    }
}
