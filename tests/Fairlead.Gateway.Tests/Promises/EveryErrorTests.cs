using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Identity;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Tests.Promises;

/// <summary>Errors of the closed list that no other test of a whole gateway meets, each provoked as a caller would meet it. That none of the list
/// is left out is checked by <c>ErrorCatalogue</c> of the shape tests.</summary>
public sealed class EveryErrorTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();

    [Fact]
    public async Task Host_not_allowed()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([]);
        Told("host_not_allowed", await yard.PostAsync("/v1/chat/completions", "{}", ("Host", "evil.test")));
    }

    [Theory]
    [InlineData("line_too_long", 9 * 1024, 0)]
    [InlineData("head_too_large", 0, 33 * 1024)]
    public async Task A_head_that_is_too_long(string code, int line, int header)
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([]);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models?" + new string('a', line));
        request.Headers.Add("x-long", new string('a', header));
        using HttpResponseMessage response = await yard.Http.SendAsync(request);
        Told(code, new Answer(response, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Bill_to_not_allowed()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([]);
        Told("bill_to_not_allowed", await yard.PostAsync("/v1/chat/completions", "{}", ("X-HF-Bill-To", "somebody-else")));
    }

    [Fact]
    public async Task No_providers()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([]);
        Told("no_providers", await yard.ChatAsync("acme/chat"));
    }

    [Fact]
    public async Task Request_not_found()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([]);
        using HttpResponseMessage response = await yard.Http.GetAsync("/v1/requests/req_00000000000000000000000000");
        Told("request_not_found", new Answer(response, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Model_not_allowed()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync(
            [GatewayYard.Provider("alpha", _wall.Url, "chat", "other")],
            static s => s with { Keys = [s.Keys[0] with { Limits = s.Keys[0].Limits with { Models = ["acme/other"] } }] });
        Told("model_not_allowed", await yard.ChatAsync("acme/chat"));
    }

    [Fact]
    public async Task Overloaded()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", _wall.Url, "chat")], static s => s with { Limits = s.Limits with { Running = 0 } });
        Told("overloaded", await yard.ChatAsync("acme/chat"));
    }

    [Fact]
    public async Task Storage_full()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync(
            [GatewayYard.Provider("alpha", _wall.Url, "chat")], static s => s with { Journal = s.Journal with { MaxUnshippedBytes = 0 } });
        Told("storage_full", await yard.ChatAsync("acme/chat"));
    }

    [Fact]
    public void Too_many_wrong_keys()
    {
        var authenticator = new KeyAuthenticator(new KeyTable(), new WrongKeyThrottle(TimeProvider.System), new KeyHasher(new byte[32]), TimeProvider.System);
        Problem? told = null;
        for (int i = 0; i <= 20; i++)
        {
            var http = new DefaultHttpContext();
            http.Connection.RemoteIpAddress = IPAddress.Parse("203.0.113.9"); // loopback is not counted
            http.Request.Headers.Authorization = "Bearer " + ApiKey.Create(RandomNumberGenerator.Fill).Reveal();
            Assert.Null(authenticator.Authenticate(http, out told));
        }
        Assert.Equal(("too_many_wrong_keys", 429), (told!.Kind.Code, told.Status));
        Reads(told.Message);
    }

    [Theory]
    [InlineData("upstream_permission", 403, "{\"error\":{\"message\":\"This model is gated\",\"code\":\"model_gated\"}}")]
    [InlineData("cold_starting", 503, "{\"error\":\"Model acme/chat is currently loading\",\"estimated_time\":40}")]
    [InlineData("content_filter", 400, "{\"error\":{\"message\":\"The prompt was filtered\",\"code\":\"content_filter\"}}")]
    public async Task What_a_provider_says(string code, int status, string body)
    {
        _wall.On("chat", Scripts.Status(status, body));
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", _wall.Url, "chat")]);
        Told(code, await yard.ChatAsync("acme/chat"));
    }

    [Fact]
    public async Task Upstream_dns()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", "http://nobody.invalid/v1", "chat")]);
        Told("upstream_dns", await yard.ChatAsync("acme/chat"));
    }

    [Fact]
    public async Task Upstream_tls()
    {
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        using var stop = new CancellationTokenSource();
        Task serving = SpeakNoTlsAsync(plain, stop.Token);
        await using (GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", $"https://127.0.0.1:{((IPEndPoint)plain.LocalEndpoint).Port}/v1", "chat")]))
            Told("upstream_tls", await yard.ChatAsync("acme/chat"));
        await stop.CancelAsync();
        await serving;
    }

    [Fact]
    public async Task Upstream_connect_stall()
    {
        // A listener that never accepts: when its queue is full, the kernel leaves further connections without an answer.
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var waiting = new List<Socket>();
        for (int i = 0; i < 4; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            waiting.Add(socket);
            try
            {
                socket.Connect(full.LocalEndPoint!);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                continue; // under way, as all of them
            }
        }
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", $"http://127.0.0.1:{((IPEndPoint)full.LocalEndPoint!).Port}/v1", "chat")], static s => s with { Dispatch = s.Dispatch with { Connect = GatewayYard.Stall } });
        Told("upstream_connect_stall", await yard.ChatAsync("acme/chat"));
        waiting.ForEach(static s => s.Dispose());
    }

    [Fact]
    public async Task Internal()
    {
        var clock = new ClockThatBreaks();
        FaultWall.Script good = Scripts.Good();
        _wall.On("chat", async (connection, stop) =>
        {
            clock.BreakOnce();
            await good(connection, stop);
        });
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", _wall.Url, "chat")], time: clock);
        Answer answer = await yard.ChatAsync("acme/chat");
        Told("internal", answer);
        Assert.DoesNotContain(nameof(ClockThatBreaks), answer.Body, StringComparison.Ordinal);
        Assert.Equal(0, (await yard.RecordAsync(answer)).GetProperty("cost_nano_usd").GetInt64());
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _wall.DisposeAsync();

    private static async Task SpeakNoTlsAsync(TcpListener listener, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                using Socket socket = await listener.AcceptSocketAsync(stop);
                await socket.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), stop);
            }
        }
        catch (OperationCanceledException)
        {
            return; // the test is over
        }
    }

    /// <summary>The answer is the error of that code, whole: status, type, id, page, and a text that says what to do.</summary>
    private static void Told(string code, Answer answer)
    {
        ProblemKind kind = ProblemKind.All.First(k => k.Code == code);
        Assert.Equal((kind.Status, code), (answer.Status, answer.ErrorCode));
        Assert.Equal(code, answer.Header("x-error-code"));
        JsonElement error = answer.Json.GetProperty("error");
        Assert.Equal(kind.Type, error.GetProperty("type").GetString());
        Assert.Equal(kind.Retryable, error.GetProperty("retryable").GetBoolean());
        Assert.Equal($"docs/errors.md#{code}", error.GetProperty("docs").GetString());
        Assert.StartsWith("req_", error.GetProperty("request_id").GetString(), StringComparison.Ordinal);
        Reads(error.GetProperty("message").GetString()!);
    }

    private static void Reads(string message)
    {
        Assert.InRange(message.Length, 20, 300);
        Assert.True(message.Split([". ", "; ", ": "], StringSplitOptions.None).Length >= 2, $"One part only: {message}");
        Assert.DoesNotContain("Exception", message, StringComparison.Ordinal);
    }

    /// <summary>The system's clock, which throws the next time it is read: a bug anywhere on the path, as far as the path can tell.</summary>
    private sealed class ClockThatBreaks : TimeProvider
    {
        private int _broken;

        public void BreakOnce() => Interlocked.Exchange(ref _broken, 1);

        public override long GetTimestamp() =>
            Interlocked.Exchange(ref _broken, 0) == 1 ? throw new InvalidOperationException(nameof(ClockThatBreaks)) : base.GetTimestamp();
    }
}
