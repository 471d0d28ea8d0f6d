using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Fairlead.Upstreams.Tests.Http;

/// <summary>A server that does to a socket exactly what the test says, per connection.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<RawConnection, Task> _script;
    private readonly X509Certificate2? _certificate;
    private int _accepted;
    private int _requests;

    public RawServer(Func<RawConnection, Task> script, X509Certificate2? certificate = null)
    {
        _script = script;
        _certificate = certificate;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public Uri Url => new($"{(_certificate is null ? "http" : "https")}://{(_certificate is null ? "127.0.0.1" : "localhost")}:{Port}/v1");

    public int Accepted => Volatile.Read(ref _accepted);

    public int Requests => Volatile.Read(ref _requests);

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>Answers every request of every connection with the same bytes.</summary>
    public static RawServer Answering(string answer, X509Certificate2? certificate = null) => new(
        async c =>
        {
            while (await c.ReadRequestAsync() is not null)
                await c.WriteAsync(answer);
        },
        certificate);

    public void CountRequest() => Interlocked.Increment(ref _requests);

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptAsync();
                socket.NoDelay = true;
                int number = Interlocked.Increment(ref _accepted);
                _ = ServeAsync(socket, number);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the test is over
        }
    }

    private async Task ServeAsync(Socket socket, int number)
    {
        try
        {
            Stream stream = new NetworkStream(socket, ownsSocket: false);
            if (_certificate is not null)
            {
                var tls = new SslStream(stream);
                await tls.AuthenticateAsServerAsync(_certificate);
                stream = tls;
            }

            await _script(new RawConnection(this, socket, stream, number));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // the client under test went away, which is its right
        }
        finally
        {
            socket.Dispose();
        }
    }
}

internal sealed class RawConnection(RawServer server, Socket socket, Stream stream, int number)
{
    private readonly byte[] _buffer = new byte[256 * 1024];
    private int _end;

    /// <summary>1 for the first connection the server accepted.</summary>
    public int Number => number;

    public Socket Socket => socket;

    /// <summary>Head and body of the next request; null when the client closed.</summary>
    public async Task<string?> ReadRequestAsync()
    {
        while (true)
        {
            int head = _buffer.AsSpan(0, _end).IndexOf("\r\n\r\n"u8);
            if (head >= 0)
            {
                string text = Encoding.Latin1.GetString(_buffer, 0, head + 4);
                int at = text.IndexOf("content-length: ", StringComparison.Ordinal) + 16;
                int size = head + 4 + int.Parse(text.AsSpan(at, text.IndexOf('\r', at) - at));
                if (_end >= size)
                {
                    string request = Encoding.Latin1.GetString(_buffer, 0, size);
                    _buffer.AsSpan(size, _end - size).CopyTo(_buffer);
                    _end -= size;
                    server.CountRequest();
                    return request;
                }
            }

            int count = await stream.ReadAsync(_buffer.AsMemory(_end));
            if (count == 0)
                return null;
            _end += count;
        }
    }

    public ValueTask WriteAsync(string text) => stream.WriteAsync(RawServer.Bytes(text));

    public ValueTask WriteAsync(byte[] bytes) => stream.WriteAsync(bytes);

    /// <summary>Completes when the client has closed, by FIN or RST.</summary>
    public async Task ClientGoneAsync()
    {
        try
        {
            while (await stream.ReadAsync(_buffer) > 0)
            {
            }
        }
        catch (IOException)
        {
            // a reset is gone as well
        }
    }

    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }
}
