using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fairlead.Shared;

/// <summary>One request that the upstream was sent.</summary>
/// <param name="Method">As sent.</param>
/// <param name="Path">As sent, query included.</param>
/// <param name="Headers">By name, without regard to case; the last of a name.</param>
/// <param name="Body">Whole, as text.</param>
internal sealed record ScriptedRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>An HTTP/1.1 server on a loopback port whose every answer is code of the test: raw sockets, so that a script can also break the rules.</summary>
internal sealed class ScriptedUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<ScriptedRequest, ScriptedReply, Task> _script;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly Task _accepting;
    private int _hangUps;

    /// <param name="script">Called per request, concurrently; returns when its answer is written.</param>
    public ScriptedUpstream(Func<ScriptedRequest, ScriptedReply, Task> script)
    {
        _script = script;
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1");
        _accepting = AcceptAsync();
    }

    /// <summary>With its <c>/v1</c>, as a provider is configured.</summary>
    public Uri Url { get; }

    /// <summary>Every request so far, oldest first.</summary>
    public ConcurrentQueue<ScriptedRequest> Requests { get; } = new();

    /// <summary>How many scripts saw the other side go, in <see cref="ScriptedReply.UntilGoneAsync"/>.</summary>
    public int HangUps => Volatile.Read(ref _hangUps);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting; // before the listener stops: asked to accept after that, it would say that it never started
        _listener.Stop();
        await Task.WhenAll(_connections.Keys);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Task connection = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
                _connections[connection] = true;
                _ = connection.ContinueWith(static (done, all) => ((ConcurrentDictionary<Task, bool>)all!).TryRemove(done, out _), _connections, TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // disposed
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using Socket owned = socket;
        owned.NoDelay = true;
        var pending = new List<byte>();
        try
        {
            while (await ReadAsync(owned, pending) is { } request)
            {
                Requests.Enqueue(request);
                var reply = new ScriptedReply(owned, () => Interlocked.Increment(ref _hangUps), _stop.Token);
                await _script(request, reply);
                if (reply.Closed)
                    return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // the other side went, or the test is over
        }
    }

    /// <summary>The next request of a connection; null when it was closed.</summary>
    private async Task<ScriptedRequest?> ReadAsync(Socket socket, List<byte> pending)
    {
        int end;
        while ((end = HeadEnd(pending)) < 0)
        {
            if (!await FillAsync(socket, pending))
                return null;
        }
        string[] lines = Encoding.Latin1.GetString([.. pending[..end]]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        pending.RemoveRange(0, end);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines[1..])
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon]] = line[(colon + 1)..].Trim();
        }
        // Our own client always knows the length of what it sends.
        int length = headers.TryGetValue("content-length", out string? text) ? int.Parse(text, CultureInfo.InvariantCulture) : 0;
        while (pending.Count < length)
        {
            if (!await FillAsync(socket, pending))
                return null;
        }
        string body = Encoding.UTF8.GetString([.. pending[..length]]);
        pending.RemoveRange(0, length);
        string[] first = lines[0].Split(' ');
        return new ScriptedRequest(first[0], first[1], headers, body);
    }

    private static int HeadEnd(List<byte> bytes)
    {
        int at = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes).IndexOf("\r\n\r\n"u8);
        return at < 0 ? -1 : at + 4;
    }

    private async Task<bool> FillAsync(Socket socket, List<byte> pending)
    {
        byte[] buffer = new byte[16 * 1024];
        int read = await socket.ReceiveAsync(buffer, _stop.Token);
        pending.AddRange(buffer.AsSpan(0, read));
        return read > 0;
    }
}

/// <summary>The answer to one request, written by the script piece by piece.</summary>
internal sealed class ScriptedReply(Socket socket, Action goneAway, CancellationToken stop)
{
    /// <summary>True when the connection is not to be used again.</summary>
    public bool Closed { get; private set; }

    /// <summary>A whole JSON answer.</summary>
    /// <param name="body">JSON.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="headers">More header lines, each with its line end.</param>
    public Task JsonAsync(string body, int status = 200, string headers = "") =>
        RawAsync($"HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\nx-request-id: up-1\r\n{headers}content-length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    /// <summary>The head of an event stream.</summary>
    public Task BeginEventsAsync() =>
        RawAsync("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: up-1\r\ntransfer-encoding: chunked\r\n\r\n");

    /// <summary>One event, as one chunk.</summary>
    public Task EventAsync(string data) => ChunkAsync($"data: {data}\n\n");

    /// <summary>One event with a name, as one chunk.</summary>
    public Task EventAsync(string name, string data) => ChunkAsync($"event: {name}\ndata: {data}\n\n");

    /// <summary>The end of the stream where its dialect marks none.</summary>
    public Task EndBodyAsync() => RawAsync("0\r\n\r\n");

    private Task ChunkAsync(string text) => RawAsync($"{Encoding.UTF8.GetByteCount(text):x}\r\n{text}\r\n");

    /// <summary>The end of the stream, marked as OpenAI marks it.</summary>
    public async Task EndEventsAsync()
    {
        await EventAsync("[DONE]");
        await EndBodyAsync();
    }

    /// <summary>Bytes as they are.</summary>
    public async Task RawAsync(string text)
    {
        ReadOnlyMemory<byte> left = Encoding.UTF8.GetBytes(text);
        while (left.Length > 0)
            left = left[await socket.SendAsync(left, stop)..];
    }

    /// <summary>Closes the connection where it stands.</summary>
    public void HangUp()
    {
        Closed = true;
        socket.Close();
    }

    /// <summary>Sends nothing more and waits until the other side closes.</summary>
    public async Task UntilGoneAsync()
    {
        Closed = true;
        try
        {
            // Nobody pipelines here: what can be read is the end, or a reset.
            await socket.ReceiveAsync(new byte[1], stop);
        }
        catch (SocketException)
        {
            // a reset is gone, too
        }
        goneAway();
    }
}
