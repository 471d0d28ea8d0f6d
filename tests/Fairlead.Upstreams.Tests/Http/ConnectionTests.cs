using System.Net;
using System.Net.Sockets;
using Fairlead.Domain.Routing;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.OpenAi;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Upstreams.Tests.Http;

public sealed class ConnectionTests
{
    private const string Small = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: up-1\r\ncontent-length: 2\r\n\r\n{}";
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(80);
    private readonly ITestOutputHelper _output;

    public ConnectionTests(ITestOutputHelper output) => _output = output;

    [Fact]
    public async Task A_thousand_requests_in_a_row_use_one_connection()
    {
        await using RawServer server = RawServer.Answering(Small);
        using var transport = new UpstreamTransport(TimeProvider.System);
        OpenAiUpstream upstream = Client.To(server.Url, transport);
        for (int i = 0; i < 1000; i++)
        {
            UpstreamCall call = Client.Call();
            Assert.Equal("{}", (await Client.ReadAsync(await upstream.OpenAsync(call, CancellationToken.None))).Body);
            Assert.Equal("up-1", call.UpstreamRequestId);
            Assert.True(call.ConnectedAt > 0 && call.HeadersAt >= call.ConnectedAt);
        }

        Assert.Equal((1, 1000), (server.Accepted, server.Requests));
        OriginFigures figures = Assert.Single(transport.Figures);
        Assert.Equal((1L, 999L, 1, 1), (figures.Opened, figures.Reused, figures.Open, figures.Idle));
    }

    [Fact]
    public async Task The_head_is_exact_and_the_key_goes_to_its_origin_only()
    {
        string? seen = null;
        await using var server = new RawServer(async c =>
        {
            seen = await c.ReadRequestAsync();
            await c.WriteAsync(Small);
        });
        using var transport = new UpstreamTransport(TimeProvider.System);
        await Client.ReadAsync(await Client.To(server.Url, transport, new EndpointKey(KeyForm.Bearer, "sk-1", server.Url)).OpenAsync(Client.Call("{\"a\":1}", stream: true), default));
        Assert.Equal(
            $"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{server.Port}\r\nuser-agent: fairlead\r\ncontent-type: application/json\r\n" +
            "accept-encoding: identity\r\nauthorization: Bearer sk-1\r\naccept: text/event-stream\r\nx-request-id: req_1\r\ncontent-length: 7\r\n\r\n{\"a\":1}",
            seen);
        var elsewhere = new EndpointKey(KeyForm.Bearer, "sk-1", new Uri("http://127.0.0.1:1/v1"));
        Assert.Contains("secret_origin_mismatch", Assert.Throws<ArgumentException>(() => Client.To(server.Url, transport, elsewhere)).Message);
        Assert.Equal("***", elsewhere.ToString());
    }

    [Theory]
    [InlineData("x-a", "b\r\nevil: 1")]
    [InlineData("x-a", "b\nc")]
    [InlineData("x-a", "b\0")]
    [InlineData("x-a\r\nevil", "b")]
    [InlineData("x a", "b")]
    [InlineData("", "b")]
    [InlineData("content-length", "0")]
    [InlineData("Transfer-Encoding", "chunked")]
    [InlineData("host", "evil")]
    public void A_header_that_could_break_out_is_refused(string name, string value)
    {
        var origin = new UpstreamOrigin(new Uri("https://example.test/v1"));
        Assert.Throws<ArgumentException>(() => new RequestHead(origin, "/x", [new(name, value)]));
        Assert.Throws<ArgumentException>(() => new RequestHead(origin, "/x HTTP/1.1\r\nevil: 1", []));
    }

    [Fact]
    public async Task Faults_before_the_answer_are_told_apart()
    {
        using var transport = new UpstreamTransport(TimeProvider.System, new TransportLimits(), static (host, _) => host == "gone.test"
            ? Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound))
            : Task.FromResult<IPAddress[]>([IPAddress.Loopback]));
        using var free = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Equal((FaultKind.ConnectionRefused, true), await FaultOf(new Uri($"http://127.0.0.1:{((IPEndPoint)free.LocalEndPoint!).Port}/"), transport));
        Assert.Equal((FaultKind.Dns, true), await FaultOf(new Uri("http://gone.test/"), transport));

        await using var reset = new RawServer(async c =>
        {
            await c.ReadRequestAsync();
            c.Reset();
        });
        Assert.Equal((FaultKind.ResetBeforeAnswer, false), await FaultOf(reset.Url, transport));
        await using var closed = new RawServer(async c => await c.ReadRequestAsync());
        Assert.Equal((FaultKind.ClosedBeforeAnswer, false), await FaultOf(closed.Url, transport));
        await using var silent = new RawServer(async c => await c.ClientGoneAsync());
        Assert.Equal((FaultKind.HeaderStall, false), await FaultOf(silent.Url, transport, Client.Patient with { Headers = Short }));
        await using var headersOnly = new RawServer(async c =>
        {
            await c.ReadRequestAsync();
            await c.WriteAsync("HTTP/1.1 200 OK\r\n\r\n");
            await c.ClientGoneAsync();
        });
        Assert.Equal((FaultKind.FirstEventStall, false), await FaultOf(headersOnly.Url, transport, Client.Patient with { FirstEvent = Short }));
    }

    [Fact]
    public async Task A_refusal_that_comes_before_the_body_was_sent_is_reported_as_itself()
    {
        await using var server = new RawServer(async c =>
        {
            await c.WriteAsync("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
            await c.ClientGoneAsync();
        });
        using var transport = new UpstreamTransport(TimeProvider.System);
        UpstreamReply reply = await Client.To(server.Url, transport).OpenAsync(Client.Call(new string('x', 64 * 1024 * 1024)), default);
        Assert.Equal((413, "big|3||"), (((UpstreamReply.Refused)reply).Fault.Status!.Value, ((UpstreamReply.Refused)reply).Fault.Detail));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_caller_who_hangs_up_closes_the_connection_before_any_clock_does(bool afterHeaders)
    {
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = new RawServer(async c =>
        {
            await c.ReadRequestAsync();
            if (afterHeaders)
                await c.WriteAsync("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n");
            read.SetResult();
            await c.ClientGoneAsync();
            gone.SetResult();
        });
        using var transport = new UpstreamTransport(TimeProvider.System);
        using var caller = new CancellationTokenSource();
        Task<int> asking = AskAsync();
        await read.Task;
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        await gone.Task.WaitAsync(Client.Patience);
        Assert.Equal(0, transport.Figures[0].Open);

        async Task<int> AskAsync()
        {
            await using var opened = (UpstreamReply.Opened)await Client.To(server.Url, transport).OpenAsync(Client.Call(), caller.Token);
            return await opened.ReadAsync(new byte[100], caller.Token);
        }
    }

    [Fact]
    public async Task Bytes_after_the_end_and_an_unread_rest_keep_a_connection_out_of_the_pool()
    {
        await using RawServer noisy = RawServer.Answering(Small + "HTTP/1.1 200 OK\r\n\r\n");
        using var transport = new UpstreamTransport(TimeProvider.System);
        OpenAiUpstream upstream = Client.To(noisy.Url, transport);
        for (int i = 0; i < 5; i++)
            Assert.Equal("{}", (await Client.ReadAsync(await upstream.OpenAsync(Client.Call(), default))).Body);
        Assert.Equal(5, noisy.Accepted);
        await using RawServer server = RawServer.Answering(Small);
        await ((UpstreamReply.Opened)await Client.To(server.Url, transport).OpenAsync(Client.Call(), default)).DisposeAsync();
        Assert.All(transport.Figures, f => Assert.Equal(0, f.Open));
    }

    [Fact]
    public async Task Waiters_are_bounded_in_number_and_time_and_are_served_in_turn()
    {
        await using RawServer server = RawServer.Answering(Small);
        using var transport = new UpstreamTransport(TimeProvider.System, new TransportLimits { MaxConnectionsPerOrigin = 1, MaxWaitersPerOrigin = 1 });
        OpenAiUpstream upstream = Client.To(server.Url, transport);
        var first = (UpstreamReply.Opened)await upstream.OpenAsync(Client.Call(), default);
        Task<UpstreamReply> second = upstream.OpenAsync(Client.Call(), default).AsTask();
        var third = Assert.IsType<UpstreamReply.Refused>(await upstream.OpenAsync(Client.Call(), default));
        Assert.Equal((FaultKind.ConnectTimeout, true), (third.Fault.Kind, third.Fault.NothingSent));
        Assert.False(second.IsCompleted);
        Assert.Equal("{}", (await Client.ReadAsync(first)).Body);
        Assert.Equal("{}", (await Client.ReadAsync(await second)).Body);
        Assert.Equal((1, 0), (server.Accepted, transport.Figures[0].Waiting));
        first = (UpstreamReply.Opened)await upstream.OpenAsync(Client.Call(), default);
        var late = Assert.IsType<UpstreamReply.Refused>(await upstream.OpenAsync(Client.Call(clocks: Client.Patient with { Connect = Short }), default));
        Assert.Equal(FaultKind.ConnectTimeout, late.Fault.Kind);
        await first.DisposeAsync();
    }

    /// <summary>U-46: the upstream closes a kept connection while the next request is on its way.</summary>
    [Fact]
    public async Task Ten_thousand_stale_connections_never_make_a_request_arrive_twice()
    {
        const int Rounds = 10_000;
        var random = new Random(46);
        await using var server = new RawServer(async c =>
        {
            if (await c.ReadRequestAsync() is null)
                return;
            await c.WriteAsync(Small);
            int spins;
            lock (random)
                spins = random.Next(3000);
            // Closes some microseconds later: before, while or after the next request leaves. A request that comes first is answered.
            System.Threading.Thread.SpinWait(spins);
            while (c.Socket.Available > 0 && await c.ReadRequestAsync() is not null)
                await c.WriteAsync(Small);
        });
        using var transport = new UpstreamTransport(TimeProvider.System);
        OpenAiUpstream upstream = Client.To(server.Url, transport);
        var faults = new List<UpstreamFault>();
        for (int i = 0; i < Rounds; i++)
        {
            UpstreamFault? fault = (await Client.ReadAsync(await upstream.OpenAsync(Client.Call(), default))).Fault;
            if (fault is not null)
                faults.Add(fault);
        }

        OriginFigures figures = transport.Figures[0];
        _output.WriteLine($"{Rounds} requests, {server.Requests} arrived, {faults.Count} failed, {figures.SentAgain} sent again, {figures.Opened} connections opened, {figures.Reused} reused");
        Assert.InRange(server.Requests, Rounds - faults.Count, Rounds);
        // What remains is a request that reached the closing socket's queue and was reset there: it may have been read, so it is not repeated.
        Assert.All(faults, f => Assert.Equal((FaultKind.ResetBeforeAnswer, false), (f.Kind, f.NothingSent)));
        // How often depends on the scheduler: 0.2 to 2.0 % were seen with this server, which aims at the race.
        Assert.InRange(faults.Count, 0, Rounds / 10);
    }

    [Fact]
    public async Task A_kept_connection_that_takes_the_request_and_closes_is_not_asked_again()
    {
        await using var server = new RawServer(async c =>
        {
            await c.ReadRequestAsync();
            await c.WriteAsync(Small);
            await c.ReadRequestAsync();
        });
        using var transport = new UpstreamTransport(TimeProvider.System);
        OpenAiUpstream upstream = Client.To(server.Url, transport);
        Assert.Null((await Client.ReadAsync(await upstream.OpenAsync(Client.Call(), default))).Fault);
        UpstreamFault fault = (await Client.ReadAsync(await upstream.OpenAsync(Client.Call(), default))).Fault!;
        Assert.Equal((FaultKind.ClosedBeforeAnswer, false, 2), (fault.Kind, fault.NothingSent, server.Requests));
    }

    [Fact]
    public async Task A_second_address_is_tried_when_the_first_refuses_and_names_are_kept()
    {
        await using RawServer server = RawServer.Answering("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}");
        int asked = 0;
        using var transport = new UpstreamTransport(TimeProvider.System, new TransportLimits(), (_, _) =>
        {
            asked++;
            return Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback]);
        });
        OpenAiUpstream upstream = Client.To(new Uri($"http://two.test:{server.Port}/"), transport);
        for (int i = 0; i < 3; i++)
            Assert.Equal("{}", (await Client.ReadAsync(await upstream.OpenAsync(Client.Call(), default))).Body);
        Assert.Equal((1, 3), (asked, server.Accepted));
    }

    private static async Task<(FaultKind, bool)> FaultOf(Uri url, UpstreamTransport transport, UpstreamClocks? clocks = null)
    {
        UpstreamReply reply = await Client.To(url, transport).OpenAsync(Client.Call(clocks: clocks), default);
        UpstreamFault fault = Assert.IsType<UpstreamReply.Refused>(reply).Fault;
        return (fault.Kind, fault.NothingSent);
    }
}
