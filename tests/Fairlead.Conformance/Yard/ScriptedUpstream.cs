using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;

namespace Fairlead.Yard;

/// <summary>An upstream that plays scripts over real sockets: HTTP/1.1 on loopback, one script per request, chosen by the model the request names.</summary>
/// <remarks>It records each request with its bytes, and when its caller hung up. Nothing here sleeps but a script's own pauses.</remarks>
public sealed class ScriptedUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, Playlist> _byModel = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<ReceivedRequest> _requests = new();
    private readonly ConcurrentDictionary<Task, byte> _connections = new();
    private readonly Channel<ReceivedRequest> _arrivals = Channel.CreateUnbounded<ReceivedRequest>();
    private readonly X509Certificate2? _certificate;
    private readonly Task _accepting;
    private int _accepted;

    private ScriptedUpstream(X509Certificate2? certificate)
    {
        _certificate = certificate;
        _listener.Start(1024);
        _accepting = AcceptAsync();
    }

    /// <summary>Listens on a free loopback port.</summary>
    /// <param name="certificate">For TLS; null for plain HTTP.</param>
    public static ScriptedUpstream Start(X509Certificate2? certificate = null) => new(certificate);

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Base URL with its <c>/v1</c>.</summary>
    public string Url => $"{(_certificate is null ? "http" : "https")}://127.0.0.1:{Port}/v1";

    /// <summary>Connections accepted so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Everything received, in order.</summary>
    public IReadOnlyCollection<ReceivedRequest> Requests => _requests;

    /// <summary>Chooses by more than the model, before the playlists are looked at; null from it means: look there.</summary>
    public Func<ReceivedRequest, Script?>? Choose { get; set; }

    /// <summary>Scripts for a model, one per request in order; the last one goes on for ever. Replaces what was there.</summary>
    public void On(string model, params string[] scripts) => _byModel[model] = new Playlist([.. scripts.Select(Script.Parse)]);

    /// <summary>Two scripts for a model: one for requests with <c>"stream":true</c>, one for the others.</summary>
    public void OnBoth(string model, string stream, string whole)
    {
        Script streamed = Script.Parse(stream);
        Script answered = Script.Parse(whole);
        _byModel[model] = new Playlist(request => Streams(request) ? streamed : answered);
    }

    /// <summary>A program for a model: called for each request.</summary>
    public void On(string model, Func<ReceivedRequest, Script> program) => _byModel[model] = new Playlist(program);

    /// <summary>How many requests named this model.</summary>
    public int Count(string model) => _requests.Count(r => r.Model == model);

    /// <summary>The next request to arrive, in order, each given out once.</summary>
    public async Task<ReceivedRequest> NextAsync(TimeSpan? within = null)
    {
        using var timeout = new CancellationTokenSource(within ?? TimeSpan.FromSeconds(60));
        return await _arrivals.Reader.ReadAsync(timeout.Token);
    }

    /// <summary>The next request of a model; those of others that come before it are passed over.</summary>
    public async Task<ReceivedRequest> NextAsync(string model, TimeSpan? within = null)
    {
        using var timeout = new CancellationTokenSource(within ?? TimeSpan.FromSeconds(60));
        while (true)
        {
            ReceivedRequest request = await _arrivals.Reader.ReadAsync(timeout.Token);
            if (request.Model == model)
                return request;
        }
    }

    /// <summary>True when the body asks for a stream.</summary>
    public static bool Streams(ReceivedRequest request) =>
        request.Body.Length > 0 && request.Json.TryGetProperty("stream", out System.Text.Json.JsonElement stream) && stream.ValueKind == System.Text.Json.JsonValueKind.True;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
        _stop.Dispose();
        _certificate?.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return; // disposed
            }
            Interlocked.Increment(ref _accepted);
            Task served = ServeAsync(socket);
            _connections[served] = 0;
            // One that failed stays, so that disposal tells: a script that cannot be read must not look like a broken network.
            _ = served.ContinueWith(done => done.IsCompletedSuccessfully && _connections.TryRemove(done, out _), TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        using (socket)
        {
            socket.NoDelay = true;
            try
            {
                await using var network = new NetworkStream(socket, ownsSocket: false);
                if (_certificate is null)
                {
                    await ServeAsync(socket, network);
                    return;
                }
                await using var tls = new SslStream(network);
                await tls.AuthenticateAsServerAsync(_certificate, clientCertificateRequired: false, SslProtocols.None, checkCertificateRevocation: false);
                await ServeAsync(socket, tls);
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or AuthenticationException)
            {
                // The caller is gone, which ReceivedRequest.Aborted tells whoever asks.
            }
        }
    }

    private async Task ServeAsync(Socket socket, Stream stream)
    {
        var reader = new WireReader(stream);
        while (await reader.ReadRequestAsync(_stop.Token) is { } request)
        {
            _requests.Enqueue(request);
            Script script = Choose?.Invoke(request)
                ?? (_byModel.TryGetValue(request.Model, out Playlist? list) ? list.Next(request)
                : Script.Parse($$$"""404 JS {"error":{"message":"The scripted upstream has nothing for '{{{request.Model}}}'.","type":"invalid_request_error","param":"model","code":"model_not_found"}}"""));
            _arrivals.Writer.TryWrite(request);
            if (!await PlayAsync(socket, stream, request, script))
                return;
        }
    }

    /// <summary>Plays one script; true when the connection may carry another request.</summary>
    private async Task<bool> PlayAsync(Socket socket, Stream stream, ReceivedRequest request, Script script)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task watching = WatchAsync(socket, request, gone, over.Token);
        try
        {
            return await PlayAsync(socket, stream, script, gone.Token);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            request.SetAborted();
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            await over.CancelAsync();
            await watching;
            request.SetPlayed();
        }
    }

    /// <summary>Sees the caller's hang-up while the script is silent or waiting. Peeked bytes are the next request's: they stay.</summary>
    private static async Task WatchAsync(Socket socket, ReceivedRequest request, CancellationTokenSource gone, CancellationToken over)
    {
        byte[] one = new byte[1];
        try
        {
            if (await socket.ReceiveAsync(one, SocketFlags.Peek, over) > 0)
                return;
        }
        catch (SocketException)
        {
            // a reset is a hang-up too
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            return;
        }
        request.SetAborted();
        await gone.CancelAsync();
    }

    private static async Task<bool> PlayAsync(Socket socket, Stream stream, Script script, CancellationToken gone)
    {
        bool chunked = !script.Raw && !script.Headers.Any(static h => h.Key is "content-length" or "transfer-encoding");
        if (!script.Raw)
        {
            var head = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {script.Status} Scripted\r\n"));
            foreach ((string name, string value) in script.Headers)
                head.Append(name).Append(": ").Append(value).Append("\r\n");
            if (chunked)
                head.Append("transfer-encoding: chunked\r\n");
            if (script.Steps[^1].Kind == StepKind.Fin)
                head.Append("connection: close\r\n");
            await stream.WriteAsync(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), gone);
        }
        using var zipped = new MemoryStream();
        using GZipStream? zip = script.Gzip ? new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true) : null;
        foreach (Step step in script.Steps)
        {
            switch (step.Kind)
            {
                case StepKind.Write:
                    byte[] piece = Compressed(step.Bytes, zip, zipped);
                    for (int i = 0; i < step.Times; i++)
                    {
                        if (i > 0 && zip is not null)
                            piece = Compressed(step.Bytes, zip, zipped);
                        await WriteAsync(stream, piece, chunked, gone);
                    }
                    break;
                case StepKind.Wait:
                    await Task.Delay(step.Pause, gone);
                    break;
                case StepKind.Hold:
                    await Task.Delay(Timeout.InfiniteTimeSpan, gone);
                    break;
                case StepKind.Reset:
                    socket.LingerState = new LingerOption(enable: true, seconds: 0);
                    socket.Close();
                    return false;
                case StepKind.Cut:
                    // Abortive only for HTTP: an orderly FIN, but the body has no end.
                    socket.Shutdown(SocketShutdown.Send);
                    return false;
                default:
                    if (zip is not null)
                    {
                        zip.Dispose();
                        await WriteAsync(stream, Drained(zipped), chunked, gone);
                    }
                    if (chunked)
                        await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), gone);
                    if (step.Kind == StepKind.Fin || script.Raw)
                    {
                        socket.Shutdown(SocketShutdown.Send);
                        return false;
                    }
                    return true;
            }
        }
        return true;
    }

    private static async Task WriteAsync(Stream stream, byte[] piece, bool chunked, CancellationToken gone)
    {
        if (piece.Length == 0)
            return;
        if (chunked)
        {
            byte[] size = Encoding.ASCII.GetBytes(piece.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n");
            piece = [.. size, .. piece, (byte)'\r', (byte)'\n'];
        }
        await stream.WriteAsync(piece, gone);
        await stream.FlushAsync(gone);
    }

    private static byte[] Compressed(byte[] plain, GZipStream? zip, MemoryStream zipped)
    {
        if (zip is null)
            return plain;
        zip.Write(plain);
        zip.Flush();
        return Drained(zipped);
    }

    private static byte[] Drained(MemoryStream buffer)
    {
        byte[] bytes = buffer.ToArray();
        buffer.SetLength(0);
        return bytes;
    }

    private sealed class Playlist
    {
        private readonly Func<ReceivedRequest, Script> _choose;

        public Playlist(Func<ReceivedRequest, Script> choose) => _choose = choose;

        public Playlist(IReadOnlyList<Script> scripts)
        {
            int played = -1;
            _choose = _ => scripts[Math.Min(Interlocked.Increment(ref played), scripts.Count - 1)];
        }

        public Script Next(ReceivedRequest request) => _choose(request);
    }
}
