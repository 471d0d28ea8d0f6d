using System.Net.Sockets;
using Fairlead.Domain.Routing;
using Fairlead.Shared;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.OpenAi;

namespace Fairlead.Upstreams.Tests.Http;

/// <summary>The same client over a Unix domain socket.</summary>
public sealed class UnixSocketTests : IDisposable
{
    private const string Small = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task Requests_in_a_row_use_one_connection_and_no_name_service()
    {
        using Socket listener = Listen();
        Task<int> served = ServeAsync(listener, requests: 3);
        using var transport = new UpstreamTransport(TimeProvider.System, new TransportLimits(), static (_, _) => throw new InvalidOperationException("A socket's path has no name to ask for."));
        OpenAiUpstream upstream = To(transport);
        for (int i = 0; i < 3; i++)
            Assert.Equal("{}", (await Client.ReadAsync(await upstream.OpenAsync(Client.Call(), CancellationToken.None))).Body);
        Assert.Equal(3, await served);
        Assert.Equal(1, Assert.Single(transport.Figures).Opened);
    }

    [Fact]
    public async Task A_socket_that_nobody_listens_on_is_a_refused_connection_and_nothing_was_sent()
    {
        using var transport = new UpstreamTransport(TimeProvider.System);
        (UpstreamFault? fault, _, _) = await Client.ReadAsync(await To(transport).OpenAsync(Client.Call(), CancellationToken.None));
        Assert.Equal((FaultKind.ConnectionRefused, true), (fault!.Kind, fault.NothingSent));
    }

    [Fact]
    public void A_socket_is_not_spoken_to_over_tls() =>
        Assert.Throws<ArgumentException>(() => new UpstreamOrigin(new Uri("https://worker/v1"), socketPath: "/tmp/x.sock"));

    public void Dispose() => _folder.Dispose();

    private OpenAiUpstream To(UpstreamTransport transport) =>
        new(new OpenAiEndpoint(new Uri("http://worker/v1")) { SocketPath = _folder["s.sock"] }, transport, Client.Classify);

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_folder["s.sock"]));
        listener.Listen();
        return listener;
    }

    /// <summary>Answers on the first connection only; how many requests it saw.</summary>
    private static async Task<int> ServeAsync(Socket listener, int requests)
    {
        using Socket connection = await listener.AcceptAsync();
        var buffer = new byte[4096];
        int seen = 0;
        string text = "";
        while (seen < requests && await connection.ReceiveAsync(buffer) is > 0 and int count)
        {
            text += System.Text.Encoding.ASCII.GetString(buffer, 0, count);
            if (!text.EndsWith("{}", StringComparison.Ordinal))
                continue;
            seen++;
            text = "";
            await connection.SendAsync(RawServer.Bytes(Small));
        }
        return seen;
    }
}
