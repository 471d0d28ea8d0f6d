using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Callers;

/// <summary>C-01 to C-03: a caller who hangs up, at whatever point and however, cancels the upstream at once, pays for what was sent and leaves nothing behind.</summary>
/// <remarks>They count what the whole process holds open, so nothing else runs beside them.</remarks>
[Collection(Alone.Name)]
public sealed class HangUpTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private readonly ConcurrentDictionary<string, long> _hungUpAt = new();
    private readonly ConcurrentDictionary<string, double> _heardAfterMs = new();
    private readonly ConcurrentDictionary<string, long> _askedAt = new();
    private readonly ConcurrentDictionary<string, double> _cameAfterMs = new();
    private GatewayYard _yard = null!;

    [Theory]
    [InlineData("stream", 1_500)]
    [InlineData("silent", 500)]
    [InlineData("whole", 500)]
    public async Task The_upstream_hears_of_it_and_nothing_is_left_behind(string kind, int times)
    {
        string key = _yard.KeyOf("rich");
        await HangUpAsync(key, kind, "warm", new Random(1));
        await UntilQuietAsync();
        int descriptors = Descriptors();
        var random = new Random(20261126);
        int[] seeds = [.. Enumerable.Range(0, times).Select(_ => random.Next())];

        await Parallel.ForEachAsync(Enumerable.Range(0, times), new ParallelOptions { MaxDegreeOfParallelism = 24 },
            async (i, _) => await HangUpAsync(key, kind, $"{kind}-{i}", new Random(seeds[i])));

        await UntilQuietAsync();
        double[] waits = Sorted(_heardAfterMs), ways = Sorted(_cameAfterMs);
        output.WriteLine($"{kind}: {waits.Length} upstream closes; p50 {waits[waits.Length / 2]:0.0} ms, p99 {waits[(int)(waits.Length * 0.99)]:0.0} ms, max {waits[^1]:0.0} ms; the way there: p50 {ways[ways.Length / 2]:0.0} ms");
        Assert.Equal((times, times), (waits.Length, ways.Length));
        // The promise is 100 ms at the 99th percentile on a machine of its own. How much that is on a busy one the way there tells, which the same requests took in the same crowd.
        Assert.InRange(waits[waits.Length / 2] / ways[ways.Length / 2], 0, 3);
        await UntilAsync(() => Descriptors() <= descriptors + 30);
        (_, JsonElement ledger) = await _yard.AdminAsync(HttpMethod.Get, "/api/ledger/verify");
        Assert.True(ledger.GetProperty("holds").GetBoolean(), ledger.GetRawText());
        Answer after = await _yard.ChatAsync("acme/good");
        Assert.Equal(200, after.Status); // hang-ups are not the upstream's fault: no circuit opened

        double[] Sorted(ConcurrentDictionary<string, double> times) =>
            [.. times.Where(pair => pair.Key.StartsWith(kind, StringComparison.Ordinal)).Select(static pair => pair.Value).Order()];
    }

    /// <summary>C-04: while the gateway waits before it asks again, the caller leaves: nobody is asked again.</summary>
    [Fact]
    public async Task Who_leaves_during_the_back_off_is_not_asked_for_again()
    {
        var refused = new TaskCompletionSource();
        _wall.On("later", async (c, stop) =>
        {
            await Scripts.Status(429, "{\"error\":{\"message\":\"slow down\"}}", "retry-after: 5\r\n")(c, stop);
            refused.TrySetResult();
        });
        using var abort = new CancellationTokenSource();
        using HttpClient http = _yard.Client(_yard.KeyOf("rich"));
        Task<HttpResponseMessage> asking = http.PostAsync("/v1/chat/completions", new StringContent(Chat("later", "x", stream: true)), abort.Token);
        await refused.Task;
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        await UntilQuietAsync();
        Assert.Equal(1, _wall.Arrivals("later"));
        (_, JsonElement requests) = await _yard.AdminAsync(HttpMethod.Get, "/api/requests?model=acme/later");
        JsonElement request = Assert.Single(requests.EnumerateArray());
        Assert.Equal(("client_gone", "0.000000000"), (request.GetProperty("end_reason").GetString(), request.GetProperty("cost_usd").GetString()));
    }

    /// <summary>K-05: what a caller does not read stays with the upstream, and after the limit the request ends as if the caller had hung up.</summary>
    [Fact]
    public async Task A_caller_who_never_reads_holds_little_and_not_for_long()
    {
        long sent = 0;
        var closed = new TaskCompletionSource();
        _wall.On("flood", async (c, stop) =>
        {
            await c.SendAsync(Scripts.Sse);
            string chunk = Scripts.Chunk($"{{\"content\":\"{new string('x', 8_000)}\"}}");
            try
            {
                while (true)
                {
                    await c.ChunkAsync(chunk);
                    Interlocked.Add(ref sent, chunk.Length);
                }
            }
            catch (SocketException)
            {
                closed.SetResult();
                throw;
            }
        });
        using Socket socket = await SendAsync(_yard.KeyOf("rich"), Chat("flood", "x", stream: true));
        await closed.Task.WaitAsync(GatewayYard.Patience);
        await UntilQuietAsync();
        output.WriteLine($"the upstream had got rid of {sent / 1024} KiB");
        Assert.InRange(sent, 8_000, 32 << 20); // what two pairs of kernel buffers take, not what it had
        (_, JsonElement requests) = await _yard.AdminAsync(HttpMethod.Get, "/api/requests?model=acme/flood");
        JsonElement request = Assert.Single(requests.EnumerateArray());
        Assert.Equal("client_gone", request.GetProperty("end_reason").GetString());
        Assert.NotEqual("0.000000000", request.GetProperty("cost_usd").GetString());
        Assert.Equal(1, _wall.Arrivals("flood"));
        Assert.Equal(200, (await _yard.ChatAsync("acme/good")).Status);
    }

    [Fact]
    public async Task A_caller_who_never_reads_a_whole_answer_is_given_up_too()
    {
        _wall.On("big", Scripts.Status(200, Scripts.Full(new string('x', 12 << 20))));
        using Socket socket = await SendAsync(_yard.KeyOf("rich"), Chat("big", "x", stream: false));
        await UntilAsync(() => _wall.Arrivals("big") == 1);
        await UntilQuietAsync();
        (_, JsonElement requests) = await _yard.AdminAsync(HttpMethod.Get, "/api/requests?model=acme/big");
        Assert.Equal("0.000006400", Assert.Single(requests.EnumerateArray()).GetProperty("cost_usd").GetString());
    }

    public async ValueTask InitializeAsync()
    {
        _wall.On("good", Scripts.Good());
        _wall.On("stream", async (c, stop) =>
        {
            await c.SendAsync(Scripts.Sse);
            Task over = UntilClosedAsync(c, stop);
            try
            {
                for (int i = 0; i < 200 && !over.IsCompleted; i++)
                    await c.ChunkAsync(Scripts.Chunk($"{{\"content\":\"word {i} \"}}"));
            }
            catch (SocketException)
            {
                // The gateway was quicker than this script.
            }
            await over;
        });
        _wall.On("silent", UntilClosedAsync);
        _wall.On("whole", async (c, stop) =>
        {
            string body = Scripts.Full("x");
            await c.SendAsync($"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {body.Length}\r\n\r\n{body[..20]}");
            await UntilClosedAsync(c, stop);
        });
        _yard = await GatewayYard.StartAsync(
            [GatewayYard.Provider("wall", _wall.Url, "good", "stream", "silent", "whole", "later", "flood", "big")],
            static settings => settings with { Dispatch = settings.Dispatch with { CallerWrite = TimeSpan.FromSeconds(2) } }); // no other clock ends anything while these wait
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    /// <summary>Asks, reads a random number of bytes of the answer or none, and is gone, by FIN or by RST.</summary>
    private async Task HangUpAsync(string key, string kind, string mark, Random random)
    {
        _askedAt[mark] = Stopwatch.GetTimestamp();
        using (Socket socket = await SendAsync(key, Chat(kind, mark, stream: kind != "whole")))
        {
            if (kind == "stream")
            {
                var buffer = new byte[4096];
                for (int want = random.Next(1, 20_000); want > 0;)
                {
                    int read = await socket.ReceiveAsync(buffer.AsMemory(0, Math.Min(want, buffer.Length)));
                    if (read == 0)
                        break;
                    want -= read;
                }
            }
            else
            {
                await UntilAsync(() => _hungUpAt.ContainsKey("here:" + mark));
            }
            _hungUpAt[mark] = Stopwatch.GetTimestamp();
            if (random.Next(2) == 0)
                socket.LingerState = new LingerOption(true, 0);
        }
        await UntilAsync(() => _heardAfterMs.ContainsKey(mark));
    }

    private async Task UntilClosedAsync(WallConnection c, CancellationToken stop)
    {
        string mark = c.Body.Split("mark:", 2)[1].Split('"')[0];
        _cameAfterMs[mark] = Stopwatch.GetElapsedTime(_askedAt[mark]).TotalMilliseconds;
        _hungUpAt["here:" + mark] = 0;
        await c.UntilClosedAsync(stop);
        long now = Stopwatch.GetTimestamp();
        await UntilAsync(() => _hungUpAt.ContainsKey(mark));
        _heardAfterMs[mark] = Math.Max(0, Stopwatch.GetElapsedTime(_hungUpAt[mark], now).TotalMilliseconds);
    }

    private async Task<Socket> SendAsync(string key, string body)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 16 * 1024 };
        await socket.ConnectAsync(IPAddress.Loopback, _yard.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {body.Length}\r\n\r\n{body}"));
        return socket;
    }

    private static string Chat(string model, string mark, bool stream) =>
        $"{{\"model\":\"acme/{model}\",\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"mark:{mark}\"}}]}}";

    /// <summary>No request runs any more, by the gateway's own count.</summary>
    private Task UntilQuietAsync() => UntilAsync(async () =>
    {
        using HttpResponseMessage health = await _yard.Http.GetAsync("/health");
        return JsonDocument.Parse(await health.Content.ReadAsStringAsync()).RootElement.GetProperty("running").GetInt32() == 0;
    });

    private static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = new CancellationTokenSource(GatewayYard.Patience);
        while (!await holds())
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}
