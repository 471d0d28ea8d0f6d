using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fairlead.Gateway.Tests.Yard;

/// <summary>A provider over real sockets that does what its script for the asked model says, and remembers who came.</summary>
internal sealed class FaultWall : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<string, Script> _scripts = new();
    private readonly ConcurrentDictionary<string, int> _arrivals = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accept;

    /// <summary>Plays one answer; the stream is the raw connection after the request was read whole.</summary>
    public delegate Task Script(WallConnection connection, CancellationToken stop);

    public FaultWall()
    {
        _listener.Start(2048);
        _accept = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1";

    public int Arrivals(string model) => _arrivals.GetValueOrDefault(model);

    public void On(string model, Script script) => _scripts[model] = script;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accept;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                while (await WallConnection.ReadAsync(socket, _stop.Token) is { } connection)
                {
                    _arrivals.AddOrUpdate(connection.Model, 1, static (_, n) => n + 1);
                    if (!_scripts.TryGetValue(connection.Model, out Script? script))
                        script = Scripts.Status(404, "{\"error\":{\"message\":\"no script\",\"code\":\"model_not_found\"}}");
                    await script(connection, _stop.Token);
                    if (connection.IsOver)
                        return;
                }
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The gateway closed, which some tests want, or the test is over.
            }
        }
    }
}

/// <summary>One request at the wall and the socket to answer it on.</summary>
internal sealed class WallConnection(Socket socket, string head, string body)
{
    public string Head => head;
    public string Body => body;
    public string Model { get; } = body.Split("\"model\":\"", 2) is [_, var rest] ? rest.Split('"')[0] : "";
    public bool Streams => body.Contains("\"stream\":true", StringComparison.Ordinal);

    /// <summary>The connection is to be closed after the answer.</summary>
    public bool IsOver { get; private set; }

    public static async Task<WallConnection?> ReadAsync(Socket socket, CancellationToken stop)
    {
        var bytes = new List<byte>();
        var buffer = new byte[65536];
        while (true)
        {
            int read = await socket.ReceiveAsync(buffer, stop);
            if (read == 0)
                return null;
            bytes.AddRange(buffer.AsSpan(0, read));
            string text = Encoding.UTF8.GetString([.. bytes]);
            int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0)
                continue;
            string head = text[..end];
            int at = head.IndexOf("content-length: ", StringComparison.OrdinalIgnoreCase);
            int length = at < 0 ? 0 : int.Parse(head[(at + 16)..].Split('\r')[0]);
            if (bytes.Count >= Encoding.UTF8.GetByteCount(text[..(end + 4)]) + length)
                return new WallConnection(socket, head, text[(end + 4)..]);
        }
    }

    public async Task SendAsync(string text) => await SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;)
            sent += await socket.SendAsync(bytes.AsMemory(sent));
    }

    public async Task ChunkAsync(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        await SendAsync($"{bytes.Length:x}\r\n");
        await SendAsync(bytes);
        await SendAsync("\r\n");
    }

    /// <summary>Closes with a FIN.</summary>
    public void Close()
    {
        IsOver = true;
        socket.Shutdown(SocketShutdown.Both);
        socket.Close();
    }

    /// <summary>Closes with a RST.</summary>
    public void Reset()
    {
        IsOver = true;
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    /// <summary>Completes when the gateway closes its side.</summary>
    public async Task UntilClosedAsync(CancellationToken stop)
    {
        IsOver = true;
        var buffer = new byte[1];
        try
        {
            while (await socket.ReceiveAsync(buffer, stop) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // A reset closes too.
        }
    }
}
