using System.Net;
using System.Net.Sockets;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.OpenAi;

namespace Fairlead.Upstreams.Tests.Http;

/// <summary>Counts what the process allocates, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public sealed class AllocationTestsAlone;

[Collection(nameof(AllocationTests))]
public sealed class AllocationTests(ITestOutputHelper output)
{
    // The compiler makes state machines of a Debug build into classes: one object more per async call.
#if DEBUG
    private const int PerRequest = 2500;
    private const int PerRead = 1000;
#else
    private const int PerRequest = 600;
    private const int PerRead = 4;
#endif

    [Fact]
    public async Task A_request_costs_few_bytes()
    {
        using var server = new BlockingServer("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: up-1\r\ncontent-length: 2\r\n\r\n{}"u8.ToArray(), null);
        using var transport = new UpstreamTransport(TimeProvider.System);
        OpenAiUpstream upstream = Client.To(server.Url, transport);
        byte[] buffer = new byte[4096];
        UpstreamCall call = Client.Call();
        long before = 0;
        for (int i = -2000; i < 5000; i++)
        {
            if (i == 0)
                before = GC.GetTotalAllocatedBytes(precise: true);
            var opened = (UpstreamReply.Opened)await upstream.OpenAsync(call, CancellationToken.None);
            while (await opened.ReadAsync(buffer, CancellationToken.None) > 0)
            {
            }

            await opened.DisposeAsync();
        }

        long each = (GC.GetTotalAllocatedBytes(precise: true) - before) / 5000;
        output.WriteLine($"{each} B per request");
        Assert.InRange(each, 0, PerRequest);
    }

    [Fact]
    public async Task A_read_of_a_stream_costs_none()
    {
        using var server = new BlockingServer(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"u8.ToArray(), "a\r\ndata: {}\n\n\r\n"u8.ToArray());
        using var transport = new UpstreamTransport(TimeProvider.System);
        using var caller = new CancellationTokenSource();
        await using var opened = (UpstreamReply.Opened)await Client.To(server.Url, transport).OpenAsync(Client.Call(stream: true), caller.Token);
        byte[] buffer = new byte[4096];
        long before = 0;
        for (int i = -2000; i < 20_000; i++)
        {
            if (i == 0)
                before = GC.GetTotalAllocatedBytes(precise: true);
            // no Assert in here: it allocates more than what is measured
            if (await opened.ReadAsync(buffer, caller.Token) == 0)
                throw new InvalidOperationException("The stream has no end.");
        }

        double each = (GC.GetTotalAllocatedBytes(precise: true) - before) / 20_000.0;
        output.WriteLine($"{each:0.00} B per read");
        Assert.InRange(each, 0, PerRead);
    }

    /// <summary>One connection on one thread of its own, which allocates nothing while it serves.</summary>
    private sealed class BlockingServer : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly byte[] _answer;
        private readonly byte[]? _endless;

        public BlockingServer(byte[] answer, byte[]? endless)
        {
            _answer = answer;
            _endless = endless;
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen();
            new Thread(Serve) { IsBackground = true }.Start();
        }

        public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}/v1");

        public void Dispose() => _listener.Dispose();

        private void Serve()
        {
            try
            {
                using Socket socket = _listener.Accept();
                socket.NoDelay = true;
                byte[] buffer = new byte[4096];
                while (socket.Receive(buffer) > 0)
                {
                    socket.Send(_answer);
                    while (_endless is not null)
                        socket.Send(_endless);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // the test is over
            }
        }
    }
}
