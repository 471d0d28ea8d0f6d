using System.Net.Sockets;

namespace Fairlead.Fleet.Tests;

/// <summary>A request to a worker that is under way, over a bare socket.</summary>
internal sealed class SocketCaller(string path) : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>Asks for a stream, and reads its beginning.</summary>
    public async Task BeginAsync()
    {
        await _socket.ConnectAsync(new UnixDomainSocketEndPoint(path), CancellationToken.None);
        const string Body = """{"model":"m","stream":true,"messages":[]}""";
        await _socket.SendAsync(System.Text.Encoding.ASCII.GetBytes($"POST /v1/chat/completions HTTP/1.1\r\nHost: worker\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"), SocketFlags.None);
        Assert.True(await ReadsAsync());
    }

    /// <summary>Whether more of the answer comes.</summary>
    public async Task<bool> ReadsAsync() => await _socket.ReceiveAsync(new byte[4_096], SocketFlags.None) > 0;

    public void Dispose() => _socket.Dispose();
}
