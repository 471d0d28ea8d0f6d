using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Fairlead.Yard;

/// <summary>An answer as it stood on the wire, framing undone.</summary>
/// <param name="Head">Status line and header lines.</param>
/// <param name="Body">As far as it came.</param>
/// <param name="Broken">Why the body has no orderly end; null when it has.</param>
public sealed record RawAnswer(string Head, byte[] Body, string? Broken)
{
    public int Status => int.Parse(Head.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string? Header(string name) => WireReader.HeaderOf(Head, name);

    /// <summary>Payloads of the <c>data:</c> events, in order, <c>[DONE]</c> included.</summary>
    public IReadOnlyList<string> Events => [.. Text.Split("\n\n").Where(static e => e.StartsWith("data: ", StringComparison.Ordinal)).Select(static e => e["data: ".Length..])];

    /// <summary><c>error.code</c> of a JSON error body, or of the last error event of a stream; null when there is none.</summary>
    public string? ErrorCode
    {
        get
        {
            if (Text.StartsWith('{'))
                return Code(Text);
            return Events.Where(static e => e.StartsWith("{\"error\"", StringComparison.Ordinal)).Select(Code).LastOrDefault();
        }
    }

    private static string? Code(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.TryGetProperty("error", out JsonElement error) && error.ValueKind == JsonValueKind.Object && error.TryGetProperty("code", out JsonElement code)
            ? code.GetString()
            : null;
    }
}

/// <summary>A connection on which a test says exactly which bytes are sent.</summary>
public sealed class RawHttp : IDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly WireReader _reader;
    private readonly CancellationTokenSource _deadline;

    private RawHttp(Socket socket, TimeSpan deadline)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new WireReader(_stream);
        _deadline = new CancellationTokenSource(deadline);
    }

    /// <summary>Connects to loopback. Everything on this connection has to be over within <paramref name="deadline"/> (20 s when not given): a hang is a failure.</summary>
    public static async Task<RawHttp> ConnectAsync(int port, TimeSpan? deadline = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new RawHttp(socket, deadline ?? TimeSpan.FromSeconds(20));
    }

    /// <summary>One connection, these bytes, one answer.</summary>
    public static async Task<RawAnswer> SendAsync(int port, string bytes, TimeSpan? deadline = null) => await SendAsync(port, Encoding.UTF8.GetBytes(bytes), deadline);

    /// <inheritdoc cref="SendAsync(int, string, TimeSpan?)"/>
    public static async Task<RawAnswer> SendAsync(int port, byte[] bytes, TimeSpan? deadline = null)
    {
        using RawHttp connection = await ConnectAsync(port, deadline);
        await connection.WriteAsync(bytes);
        return await connection.ReadAsync(bytes.AsSpan().StartsWith("HEAD "u8));
    }

    /// <summary>A POST of JSON with a key.</summary>
    public static Task<RawAnswer> PostAsync(int port, string path, string key, string json, string headers = "", TimeSpan? deadline = null) =>
        SendAsync(port, Post(path, key, json, headers), deadline);

    /// <summary>The bytes of such a POST.</summary>
    public static string Post(string path, string key, string json, string headers = "") =>
        $"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(json)}\r\n\r\n{json}";

    /// <summary>A GET with a key, or without where it is null.</summary>
    public static Task<RawAnswer> GetAsync(int port, string path, string? key = null, string headers = "") =>
        SendAsync(port, $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{(key is null ? "" : $"Authorization: Bearer {key}\r\n")}{headers}\r\n");

    /// <summary>Writes; a connection that the server has closed in the meantime is no failure here, since its answer can still be read.</summary>
    public async Task WriteAsync(byte[] bytes)
    {
        try
        {
            await _stream.WriteAsync(bytes, _deadline.Token);
        }
        catch (IOException) when (_socket.Available > 0 || !_socket.Connected || _socket.Poll(0, SelectMode.SelectRead))
        {
            // refused before all was sent: the answer says why
        }
    }

    /// <inheritdoc cref="WriteAsync(byte[])"/>
    public Task WriteAsync(string text) => WriteAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>The next final answer; 1xx before it are passed over.</summary>
    /// <param name="headOnly">True for the answer to a HEAD.</param>
    public async Task<RawAnswer> ReadAsync(bool headOnly = false)
    {
        string head = await ReadHeadAsync();
        while (head.Split(' ')[1].StartsWith('1'))
            head = await ReadHeadAsync();
        string status = head.Split(' ')[1];
        if (headOnly || status is "204" or "304")
            return new RawAnswer(head, [], null);
        if (WireReader.HeaderOf(head, "transfer-encoding") is null)
        {
            try
            {
                return new RawAnswer(head, await _reader.ReadBodyAsync(head, untilClose: true, _deadline.Token), null);
            }
            catch (IOException e)
            {
                return new RawAnswer(head, [], e.Message);
            }
        }
        using var body = new MemoryStream();
        try
        {
            while (await _reader.ReadChunkAsync(body, _deadline.Token))
            {
            }
            return new RawAnswer(head, body.ToArray(), null);
        }
        catch (IOException e)
        {
            return new RawAnswer(head, body.ToArray(), e.Message);
        }
    }

    /// <summary>The next head, interim ones included.</summary>
    public async Task<string> ReadHeadAsync() =>
        await _reader.ReadHeadAsync(_deadline.Token) ?? throw new IOException("The server closed without an answer.");

    /// <summary>True when the server has closed, waiting for it.</summary>
    public async Task<bool> ClosesAsync()
    {
        try
        {
            return await _reader.ReadHeadAsync(_deadline.Token) is null;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Reads body bytes of a streamed answer until they hold this text.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        using var body = new MemoryStream();
        while (!Encoding.UTF8.GetString(body.ToArray()).Contains(text, StringComparison.Ordinal))
        {
            if (!await _reader.ReadChunkAsync(body, _deadline.Token))
                throw new IOException($"The answer ended without '{text}': {Encoding.UTF8.GetString(body.ToArray())}");
        }
        return Encoding.UTF8.GetString(body.ToArray());
    }

    /// <summary>Sends no more and goes on reading.</summary>
    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    public void Dispose()
    {
        _stream.Dispose();
        _deadline.Dispose();
    }
}
