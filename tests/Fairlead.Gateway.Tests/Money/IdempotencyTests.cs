using System.Net;
using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Money;

/// <summary>L-13: one Idempotency-Key is one upstream call and one charge, whatever happens to the connection, the process or the clock.</summary>
public sealed class IdempotencyTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private readonly ShiftedTime _time = new();
    private GatewayYard _yard = null!;

    [Fact]
    public async Task Of_1000_pairs_that_come_together_each_is_served_once()
    {
        var gate = new SemaphoreSlim(64);
        (int First, int Second)[] answers = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(async i =>
        {
            await gate.WaitAsync();
            try
            {
                using var barrier = new Barrier(2);
                Task<Answer> One() => Task.Run(() =>
                {
                    barrier.SignalAndWait();
                    return _yard.PostAsync("/v1/chat/completions", Chat("acme/once", i), ("Idempotency-Key", $"pair-{i}"));
                });
                Answer[] both = await Task.WhenAll(One(), One());
                Assert.All(both, static a => Assert.True(a.Status == 200 || a is { Status: 409, ErrorCode: "idempotency_in_flight" }, a.Body));
                Assert.All(both, static a => Assert.True(a.Status == 200 || a.Header("Retry-After") is not null));
                return (both[0].Status, both[1].Status);
            }
            finally
            {
                gate.Release();
            }
        }));
        Assert.All(answers, static a => Assert.True(a.First == 200 || a.Second == 200));
        Assert.Equal(1_000, _wall.Arrivals("once"));
        JsonElement usage = (await _yard.AdminAsync(HttpMethod.Get, "/api/usage")).Json;
        Assert.Equal("0.006400000", usage[0].GetProperty("cost_usd").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_repetition_gets_the_same_bytes(bool stream)
    {
        Answer first = await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 1, stream), ("Idempotency-Key", "same"));
        Answer second = await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 1, stream), ("Idempotency-Key", "same"));
        Assert.Equal((200, first.Body, first.Header("content-type")), (second.Status, second.Body, second.Header("content-type")));
        Assert.Equal(("true", first.Header("x-fairlead-request-id")), (second.Header("x-fairlead-replayed"), second.Header("x-fairlead-request-id")));
        Assert.Equal(1, _wall.Arrivals("once"));
    }

    [Fact]
    public async Task A_key_is_the_callers_own()
    {
        string other = await _yard.MakeKeyAsync("other");
        await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 1), ("Idempotency-Key", "mine"));
        using HttpClient http = _yard.Client(other);
        http.DefaultRequestHeaders.Add("Idempotency-Key", "mine");
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent(Chat("acme/once", 2)));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(2, _wall.Arrivals("once"));
    }

    [Fact]
    public async Task After_a_restart_the_charge_is_remembered_and_the_refusals_are_not()
    {
        Answer first = await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 1), ("Idempotency-Key", "kept"));
        Answer refused = await _yard.PostAsync("/v1/chat/completions", Chat("acme/broken", 1), ("Idempotency-Key", "refused"));
        Assert.Equal(502, refused.Status);
        _yard = await _yard.RestartAsync();
        _wall.On("broken", Scripts.Good());
        Answer again = await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 1), ("Idempotency-Key", "kept"));
        Assert.Equal((409, "idempotency_completed"), (again.Status, again.ErrorCode));
        Assert.Contains(first.Header("x-fairlead-request-id")!, again.Body, StringComparison.Ordinal);
        Answer mismatch = await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 2), ("Idempotency-Key", "kept"));
        Assert.Equal((422, "idempotency_mismatch"), (mismatch.Status, mismatch.ErrorCode));
        Answer retried = await _yard.PostAsync("/v1/chat/completions", Chat("acme/broken", 1), ("Idempotency-Key", "refused"));
        Assert.Equal(200, retried.Status);
        Assert.Equal(1, _wall.Arrivals("once"));
    }

    [Fact]
    public async Task A_key_is_free_again_after_24_hours_counted_from_its_request_and_not_from_a_restart()
    {
        await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 1), ("Idempotency-Key", "day"));
        _time.Advance(TimeSpan.FromHours(23));
        _yard = await _yard.RestartAsync();
        Assert.Equal(409, (await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 1), ("Idempotency-Key", "day"))).Status);
        _time.Advance(TimeSpan.FromHours(1.1));
        Assert.Equal(200, (await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 1), ("Idempotency-Key", "day"))).Status);
        Assert.Equal(2, _wall.Arrivals("once"));
    }

    [Fact]
    public async Task A_refused_key_that_is_claimed_again_keeps_its_whole_day()
    {
        Assert.Equal(502, (await _yard.PostAsync("/v1/chat/completions", Chat("acme/broken", 1), ("Idempotency-Key", "again"))).Status);
        _time.Advance(TimeSpan.FromHours(23));
        _wall.On("broken", Scripts.Good());
        Assert.Equal(200, (await _yard.PostAsync("/v1/chat/completions", Chat("acme/broken", 1), ("Idempotency-Key", "again"))).Status);
        int arrivals = _wall.Arrivals("broken");
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(200, (await _yard.PostAsync("/v1/chat/completions", Chat("acme/broken", 1), ("Idempotency-Key", "again"))).Status);
        Assert.Equal(arrivals, _wall.Arrivals("broken"));
    }

    /// <summary>The connection that breaks while the answer is on its way is what the header is for.</summary>
    [Fact]
    public async Task A_caller_who_left_in_mid_answer_is_told_that_it_was_charged_and_never_served_twice()
    {
        _wall.On("long", async (c, stop) =>
        {
            await c.SendAsync(Scripts.Sse);
            await c.ChunkAsync(Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"first\"}"));
            await c.UntilClosedAsync(stop);
        });
        string id;
        using (HttpClient http = _yard.Client(_yard.KeyOf("rich")))
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(Chat("acme/long", 1, stream: true)) };
            request.Headers.Add("Idempotency-Key", "left");
            using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            id = response.Headers.GetValues("x-fairlead-request-id").Single();
            await using Stream body = await response.Content.ReadAsStreamAsync();
            Assert.NotEqual(0, await body.ReadAsync(new byte[4096]));
        }
        Answer again;
        using var deadline = new CancellationTokenSource(GatewayYard.Patience);
        do
        {
            deadline.Token.ThrowIfCancellationRequested();
            again = await _yard.PostAsync("/v1/chat/completions", Chat("acme/long", 1, stream: true), ("Idempotency-Key", "left"));
        }
        while (again.ErrorCode == "idempotency_in_flight");
        Assert.Equal((409, "idempotency_completed"), (again.Status, again.ErrorCode));
        Assert.Contains(id, again.Body, StringComparison.Ordinal);
        Assert.Equal(1, _wall.Arrivals("long"));
    }

    [Fact]
    public async Task A_key_of_256_characters_is_refused()
    {
        Answer answer = await _yard.PostAsync("/v1/chat/completions", Chat("acme/once", 1), ("Idempotency-Key", new string('k', 256)));
        Assert.Equal((400, "field_invalid"), (answer.Status, answer.ErrorCode));
        Assert.Contains("Idempotency-Key", answer.Body, StringComparison.Ordinal);
    }

    public async ValueTask InitializeAsync()
    {
        _wall.On("once", Scripts.Good());
        _wall.On("broken", Scripts.Status(500, "{\"error\":{\"message\":\"boom\"}}"));
        _yard = await GatewayYard.StartAsync([GatewayYard.Provider("wall", _wall.Url, "once", "broken", "long")], static settings => settings with { Dispatch = new DispatchSettings() }, _time);
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    private static string Chat(string model, int number, bool stream = false) =>
        $"{{\"model\":\"{model}\",\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"hello {number}\"}}]}}";
}
