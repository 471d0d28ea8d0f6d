using System.Globalization;
using System.Text;

namespace Fairlead.Yard;

/// <summary>Reads HTTP/1.1 messages off a stream, byte for byte: heads as text, bodies with their framing undone.</summary>
public sealed class WireReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>Bytes that came after the last message.</summary>
    public int Left => _end - _start;

    /// <summary>The next request; null when the caller closed between two.</summary>
    public async Task<ReceivedRequest?> ReadRequestAsync(CancellationToken cancellationToken)
    {
        string? head = await ReadHeadAsync(cancellationToken);
        if (head is null)
            return null;
        byte[] body = await ReadBodyAsync(head, untilClose: false, cancellationToken);
        return new ReceivedRequest(head, body);
    }

    /// <summary>A head without its empty line; null when the stream ended before a byte of it.</summary>
    public async Task<string?> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var head = new MemoryStream();
        while (true)
        {
            int b = await ReadByteAsync(cancellationToken);
            if (b < 0)
                return head.Length == 0 ? null : throw new IOException("The stream ended in a head: " + Encoding.Latin1.GetString(head.ToArray()));
            head.WriteByte((byte)b);
            if (b == '\n' && EndsHead(head))
                return Encoding.Latin1.GetString(head.GetBuffer(), 0, (int)head.Length - 4);
        }
    }

    /// <summary>The body that the head announces.</summary>
    /// <param name="head">Of the message.</param>
    /// <param name="untilClose">Whether a body without length or chunks lasts until the stream ends (answers), or is absent (requests).</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<byte[]> ReadBodyAsync(string head, bool untilClose, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        if (HeaderOf(head, "transfer-encoding")?.Contains("chunked", StringComparison.OrdinalIgnoreCase) == true)
        {
            while (await ReadChunkAsync(body, cancellationToken))
            {
            }
            return body.ToArray();
        }
        if (HeaderOf(head, "content-length") is { } text && long.TryParse(text, out long length))
        {
            for (long i = 0; i < length; i++)
                body.WriteByte(Whole(await ReadByteAsync(cancellationToken)));
            return body.ToArray();
        }
        for (int b = 0; untilClose && (b = await ReadByteAsync(cancellationToken)) >= 0;)
            body.WriteByte((byte)b);
        return body.ToArray();
    }

    /// <summary>Appends one chunk's bytes; false after the last.</summary>
    public async Task<bool> ReadChunkAsync(MemoryStream body, CancellationToken cancellationToken)
    {
        string size = await ReadLineAsync(cancellationToken);
        int length = int.Parse(size.Split(';')[0].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        if (length == 0)
        {
            while ((await ReadLineAsync(cancellationToken)).Length > 0)
            {
            }
            return false;
        }
        for (int i = 0; i < length; i++)
            body.WriteByte(Whole(await ReadByteAsync(cancellationToken)));
        await ReadLineAsync(cancellationToken);
        return true;
    }

    /// <summary>Value of a header line, any case; null when it is not there.</summary>
    public static string? HeaderOf(string head, string name)
    {
        foreach (string line in head.Split("\r\n").Skip(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line.AsSpan(0, colon).Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
                return line[(colon + 1)..].Trim();
        }
        return null;
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        for (int b; (b = Whole(await ReadByteAsync(cancellationToken))) != '\n';)
            line.Append((char)b);
        return line.ToString().TrimEnd('\r');
    }

    private static byte Whole(int value) => value < 0 ? throw new IOException("The stream ended in mid-message.") : (byte)value;

    private static bool EndsHead(MemoryStream head)
    {
        ReadOnlySpan<byte> bytes = head.GetBuffer().AsSpan(0, (int)head.Length);
        return bytes.EndsWith("\r\n\r\n"u8);
    }

    private ValueTask<int> ReadByteAsync(CancellationToken cancellationToken) =>
        _start < _end ? ValueTask.FromResult<int>(_buffer[_start++]) : FillAsync(cancellationToken);

    private async ValueTask<int> FillAsync(CancellationToken cancellationToken)
    {
        _end = await stream.ReadAsync(_buffer, cancellationToken);
        _start = 0;
        return _end == 0 ? -1 : _buffer[_start++];
    }
}
