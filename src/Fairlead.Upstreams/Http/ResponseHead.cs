using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Fairlead.Upstreams.Http;

internal enum HeadResult : byte
{
    NeedMore = 1,
    Done,
    Malformed,
    TooLarge,
}

internal enum ContentCoding : byte
{
    Identity = 0,
    Gzip,
    Deflate,
    Brotli,
    Unknown,
}

/// <summary>Status line and headers of one answer, as positions in the bytes they were read from. No I/O, no allocation.</summary>
/// <remarks>A line may end in a bare LF (RFC 9112 §2.2 allows it for the head); a bare CR, NUL, folded line, or blank before a colon is refused.</remarks>
internal struct ResponseHead
{
    // RFC 9112 forbids CR, LF and NUL in a value; bytes above 127 are tolerated (F071).
    private static readonly SearchValues<byte> BadInValue = SearchValues.Create("\r\n\0"u8);
    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private bool _chunked;
    private bool _otherCoding;
    private long _length;
    private int _requestIdRank;

    public int Status { get; private set; }

    /// <summary>The connection may carry another request once the body has been read.</summary>
    public bool KeepAlive { get; private set; }

    public ContentCoding Coding { get; private set; }

    /// <summary>Bytes of the head, its empty line included.</summary>
    public int Size { get; private set; }

    public Range ContentType { get; private set; }

    public Range RequestId { get; private set; }

    public readonly BodyFrame Frame() => Status is 204 or 304 or < 200
        ? new BodyFrame(BodyFraming.None, 0)
        : _chunked
            ? new BodyFrame(BodyFraming.Chunked, 0)
            : _length >= 0 ? new BodyFrame(BodyFraming.Length, _length) : new BodyFrame(BodyFraming.Close, 0);

    /// <summary>Whether the end of the body is the end of the connection.</summary>
    public readonly bool EndsByClose => Status is not (204 or 304 or < 200) && !_chunked && _length < 0;

    /// <param name="scanned">Where the search for the end goes on; 0 first. Keeps one-byte reads linear.</param>
    public static HeadResult Read(ReadOnlySpan<byte> bytes, ref int scanned, TransportLimits limits, out ResponseHead head, out string? wrong)
    {
        head = default;
        wrong = null;
        int size = FindEnd(bytes, ref scanned);
        if (size > limits.MaxHeadBytes || (size < 0 && bytes.Length > limits.MaxHeadBytes))
            return HeadResult.TooLarge;
        if (size < 0)
        {
            // What cannot become an answer is refused before 64 KiB of it have been waited for.
            if (!"HTTP/1."u8[..Math.Min(7, bytes.Length)].SequenceEqual(bytes[..Math.Min(7, bytes.Length)]))
            {
                wrong = "no HTTP/1 status line";
                return HeadResult.Malformed;
            }

            return HeadResult.NeedMore;
        }

        head.Size = size;
        head._length = -1;
        return head.Parse(bytes[..size], limits, ref wrong);
    }

    /// <summary>The value of the first field named <paramref name="lowerCaseName"/>, trimmed; false when absent.</summary>
    public static bool TryFind(ReadOnlySpan<byte> head, ReadOnlySpan<char> lowerCaseName, out ReadOnlySpan<byte> value)
    {
        int at = head.IndexOf((byte)'\n') + 1;
        while (NextField(head, ref at, out ReadOnlySpan<byte> line))
        {
            int colon = line.IndexOf((byte)':');
            if (colon == lowerCaseName.Length && Ascii.EqualsIgnoreCase(line[..colon], lowerCaseName))
            {
                value = line[(colon + 1)..].Trim(" \t"u8);
                return true;
            }
        }

        value = default;
        return false;
    }

    private static int FindEnd(ReadOnlySpan<byte> bytes, ref int scanned)
    {
        int at = scanned;
        while (true)
        {
            int lf = bytes[at..].IndexOf((byte)'\n');
            if (lf < 0)
            {
                scanned = bytes.Length;
                return -1;
            }

            lf += at;
            if (lf + 1 < bytes.Length && bytes[lf + 1] == '\n')
                return lf + 2;
            if (lf + 2 < bytes.Length && bytes[lf + 1] == '\r' && bytes[lf + 2] == '\n')
                return lf + 3;
            if (lf + 2 >= bytes.Length)
            {
                // This LF may yet turn out to be the end: look at it again when more has come.
                scanned = lf;
                if (lf + 1 >= bytes.Length || bytes[lf + 1] == '\r')
                    return -1;
            }

            at = lf + 1;
        }
    }

    private static bool NextField(ReadOnlySpan<byte> head, scoped ref int at, out ReadOnlySpan<byte> line)
    {
        int lf = head[at..].IndexOf((byte)'\n');
        line = lf < 0 ? default : head.Slice(at, lf);
        at += lf + 1;
        if (line.EndsWith("\r"u8))
            line = line[..^1];
        return line.Length > 0;
    }

    private HeadResult Parse(ReadOnlySpan<byte> head, TransportLimits limits, ref string? wrong)
    {
        int at = 0;
        if (!NextField(head, ref at, out ReadOnlySpan<byte> statusLine) || !ParseStatusLine(statusLine))
        {
            wrong = "a bad status line";
            return HeadResult.Malformed;
        }

        int fields = 0;
        int start = at;
        while (NextField(head, ref at, out ReadOnlySpan<byte> line))
        {
            if (++fields > limits.MaxHeadFields)
                return HeadResult.TooLarge;
            int colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].ContainsAnyExcept(TokenBytes) || line[(colon + 1)..].ContainsAny(BadInValue))
            {
                wrong = line[0] is (byte)' ' or (byte)'\t' ? "a folded header" : "a bad header";
                return HeadResult.Malformed;
            }

            ReadOnlySpan<byte> rest = line[(colon + 1)..];
            ReadOnlySpan<byte> value = rest.TrimStart(" \t"u8);
            int valueStart = start + colon + 1 + (rest.Length - value.Length);
            value = value.TrimEnd(" \t"u8);
            wrong = Known(line[..colon], value, new Range(valueStart, valueStart + value.Length));
            if (wrong is not null)
                return HeadResult.Malformed;
            start = at;
        }

        // Both framings at once is how a body is smuggled past one reader (RFC 9112 §6.3): never guessed at.
        if (_otherCoding || (_chunked && _length >= 0))
            wrong = _otherCoding ? "an unknown transfer-encoding" : "both content-length and transfer-encoding";
        return wrong is null ? HeadResult.Done : HeadResult.Malformed;
    }

    private bool ParseStatusLine(ReadOnlySpan<byte> line)
    {
        // HTTP/1.x SP 3DIGIT [SP reason]: the reason and even its blank may be missing, many servers drop both.
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[7] is not ((byte)'0' or (byte)'1') || line[8] != ' ' ||
            (line.Length > 12 && line[12] != ' ') || line.ContainsAny(BadInValue))
        {
            return false;
        }

        if (!Utf8Parser.TryParse(line.Slice(9, 3), out int status, out int used) || used != 3 || status is < 100 or > 999)
            return false;
        Status = status;
        KeepAlive = line[7] == '1';
        return true;
    }

    private string? Known(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, Range where)
    {
        switch (name.Length)
        {
            case 10 when Ascii.EqualsIgnoreCase(name, "connection"u8):
                // A list; the words matter whatever stands beside them.
                if (HasWord(value, "close"u8))
                    KeepAlive = false;
                else if (HasWord(value, "keep-alive"u8))
                    KeepAlive = true;
                break;
            case 12 when Ascii.EqualsIgnoreCase(name, "content-type"u8):
                ContentType = where;
                break;
            case 14 when Ascii.EqualsIgnoreCase(name, "content-length"u8):
                return ReadLength(value);
            case 16 when Ascii.EqualsIgnoreCase(name, "content-encoding"u8):
                Coding = CodingOf(value);
                break;
            case 17 when Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8):
                _otherCoding |= _chunked || !Ascii.EqualsIgnoreCase(value, "chunked"u8);
                _chunked = true;
                break;
            default:
                int rank = RequestIdNames.Rank(name);
                if (rank > _requestIdRank && value.Length is > 0 and <= 128 && !value.ContainsAnyExceptInRange((byte)'!', (byte)'~'))
                {
                    _requestIdRank = rank;
                    RequestId = where;
                }

                break;
        }

        return null;
    }

    // "5, 5" and a repeated equal field are one length (RFC 9110 §8.6); anything else that is not plain digits is refused.
    private string? ReadLength(ReadOnlySpan<byte> value)
    {
        foreach (Range part in value.Split((byte)','))
        {
            ReadOnlySpan<byte> digits = value[part].Trim(" \t"u8);
            if (digits.Length is 0 or > 18 || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9') || !Utf8Parser.TryParse(digits, out long length, out _))
                return "a bad content-length";
            if (_length >= 0 && _length != length)
                return "two different content-lengths";
            _length = length;
        }

        return null;
    }

    private static bool HasWord(ReadOnlySpan<byte> list, ReadOnlySpan<byte> word)
    {
        foreach (Range part in list.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(list[part].Trim(" \t"u8), word))
                return true;
        }

        return false;
    }

    private static ContentCoding CodingOf(ReadOnlySpan<byte> value) => value.Length switch
    {
        0 => ContentCoding.Identity,
        8 when Ascii.EqualsIgnoreCase(value, "identity"u8) => ContentCoding.Identity,
        4 when Ascii.EqualsIgnoreCase(value, "gzip"u8) => ContentCoding.Gzip,
        6 when Ascii.EqualsIgnoreCase(value, "x-gzip"u8) => ContentCoding.Gzip,
        7 when Ascii.EqualsIgnoreCase(value, "deflate"u8) => ContentCoding.Deflate,
        2 when Ascii.EqualsIgnoreCase(value, "br"u8) => ContentCoding.Brotli,
        _ => ContentCoding.Unknown,
    };
}
