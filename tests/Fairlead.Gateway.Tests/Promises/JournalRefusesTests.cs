using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Promises;

/// <summary>L-16: the journal refuses for a while in the middle of requests. What callers are told is what the ledger says afterwards, and nothing is lost.</summary>
/// <remarks>The store is locked by another connection and the journal may hold one byte that the store has not taken: the reservation still goes in, the close does not.</remarks>
[Collection(Alone.Name)] // one of them reads the metrics page, which all gateways of a process share
public sealed class JournalRefusesTests : IAsyncLifetime
{
    private const string Budget = "1000000.000000000";
    private readonly FaultWall _wall = new();
    private GatewayYard _yard = null!;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_whole_answer_that_cannot_be_settled_is_not_handed_out_and_costs_nothing(bool replayed)
    {
        Answer answer;
        await using (await StoreLock.TakeAsync(_yard))
        {
            answer = await _yard.PostAsync("/v1/chat/completions", Chat(replayed ? "plain" : "good", replayed), ("Idempotency-Key", "late"));
            Assert.Equal((503, "storage_full"), (answer.Status, answer.ErrorCode));
            Assert.Contains("Nothing was charged", answer.Body, StringComparison.Ordinal);
            Assert.Equal((Budget, "0.000000000"), (answer.Header("x-fairlead-budget-remaining"), answer.Header("x-fairlead-cost")));
            Assert.Equal(1, await WaitingAsync());
            // It was not paid for, so its Idempotency-Key is free: a new try, refused like any other.
            Answer again = await _yard.PostAsync("/v1/chat/completions", Chat(replayed ? "plain" : "good", replayed), ("Idempotency-Key", "late"));
            Assert.Equal((503, "storage_full", "0"), (again.Status, again.ErrorCode, again.Header("x-fairlead-attempts")));
            Assert.Equal(1, await WaitingAsync()); // it held nothing, so nothing waits
        }
        JsonElement record = await ClosedAsync(answer);
        Assert.Equal((503, "rejected_overload", "storage_full"), (record.GetProperty("status").GetInt32(), Text(record, "end_reason"), Text(record, "problem_code")));
        Assert.Equal((0, 6_400), (record.GetProperty("cost_nano_usd").GetInt64(), record.GetProperty("waste_nano_usd").GetInt64()));
        await HoldsAfterRestartAsync(record);
    }

    [Fact]
    public async Task A_stream_that_has_begun_is_charged_and_ends_with_the_error_event()
    {
        Answer answer;
        await using (await StoreLock.TakeAsync(_yard))
        {
            answer = await _yard.ChatAsync("acme/good", stream: true);
            Assert.Equal((200, "Hi there", "storage_full", false), (answer.Status, answer.Content, answer.ErrorCode, answer.EndsWithDone));
            Assert.Contains("it is charged", answer.Body, StringComparison.Ordinal);
            Assert.Equal(1, await WaitingAsync());
        }
        JsonElement record = await ClosedAsync(answer);
        Assert.Equal((200, "rejected_overload", "storage_full"), (record.GetProperty("status").GetInt32(), Text(record, "end_reason"), Text(record, "problem_code")));
        Assert.Equal(6_400, record.GetProperty("cost_nano_usd").GetInt64());
        await HoldsAfterRestartAsync(record);
    }

    [Fact]
    public async Task A_stream_that_breaks_tells_how_and_is_charged_so()
    {
        Answer answer;
        await using (await StoreLock.TakeAsync(_yard))
        {
            answer = await _yard.ChatAsync("acme/broken", stream: true);
            Assert.Equal((200, "Half", "upstream_truncated"), (answer.Status, answer.Content, answer.ErrorCode));
            Assert.Equal(1, await WaitingAsync());
        }
        JsonElement record = await ClosedAsync(answer);
        Assert.Equal("upstream_truncated", Text(record, "problem_code"));
        Assert.NotEqual(0, record.GetProperty("cost_nano_usd").GetInt64());
        await HoldsAfterRestartAsync(record);
    }

    [Fact]
    public async Task A_caller_who_leaves_pays_for_what_was_sent()
    {
        string id;
        await using (await StoreLock.TakeAsync(_yard))
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(Chat("endless", stream: true)) };
            using (HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
            {
                id = response.Headers.GetValues("x-fairlead-request-id").Single();
                await using Stream body = await response.Content.ReadAsStreamAsync();
                Assert.NotEqual(0, await body.ReadAsync(new byte[64]));
            }
            await UntilAsync(async () => await WaitingAsync() == 1);
        }
        JsonElement record = await ClosedAsync(id);
        Assert.Equal("client_gone", Text(record, "end_reason"));
        Assert.NotEqual(0, record.GetProperty("cost_nano_usd").GetInt64());
        await HoldsAfterRestartAsync(record);
    }

    [Fact]
    public async Task Who_watches_sees_how_many_wait_and_how_many_may()
    {
        await using (await StoreLock.TakeAsync(_yard))
        {
            await _yard.ChatAsync("acme/good");
            string metrics = await _yard.Http.GetStringAsync("/metrics");
            Assert.Matches("(?m)^fairlead_late_closes({[^}]*})? 1( |$)", metrics);
            Assert.Matches("(?m)^fairlead_late_closes_limit({[^}]*})? 10000( |$)", metrics);
        }
        await UntilAsync(async () => await WaitingAsync() == 0);
    }

    public async ValueTask InitializeAsync()
    {
        _wall.On("good", Scripts.Good());
        _wall.On("plain", Scripts.Status(200, Scripts.Full("Hi there")));
        _wall.On("broken", static async (c, _) =>
        {
            await c.SendAsync(Scripts.Sse);
            await c.ChunkAsync(Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"Half\"}"));
            await c.SendAsync("0\r\n\r\n");
        });
        _wall.On("endless", static async (c, stop) =>
        {
            await c.SendAsync(Scripts.Sse);
            await c.ChunkAsync(Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"Half\"}"));
            await c.UntilClosedAsync(stop);
        });
        _yard = await GatewayYard.StartAsync(
            [GatewayYard.Provider("alpha", _wall.Url, "good", "plain", "broken", "endless")],
            static s => s with { Journal = s.Journal with { MaxUnshippedBytes = 1 } });
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    private static string Chat(string model, bool stream) =>
        $"{{\"model\":\"acme/{model}\",\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}";

    private static string? Text(JsonElement record, string name) => record.GetProperty(name).GetString();

    private async Task<int> WaitingAsync()
    {
        using HttpResponseMessage response = await _yard.Http.GetAsync("/health");
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("journal").GetProperty("waiting_closes").GetInt32();
    }

    private Task<JsonElement> ClosedAsync(Answer answer) => ClosedAsync(answer.Header("x-fairlead-request-id")!);

    /// <summary>The record, once the journal has taken it.</summary>
    private async Task<JsonElement> ClosedAsync(string id)
    {
        await UntilAsync(async () => await WaitingAsync() == 0);
        return JsonDocument.Parse(await _yard.Http.GetStringAsync($"/v1/requests/{id}")).RootElement.Clone();
    }

    /// <summary>The next start finds nothing to close, the same record, and a ledger that holds.</summary>
    private async Task HoldsAfterRestartAsync(JsonElement record)
    {
        GatewayYard before = _yard;
        _yard = await before.RestartAsync();
        await before.DisposeAsync();
        string after = await _yard.Http.GetStringAsync($"/v1/requests/{Text(record, "id")}");
        Assert.Equal(record.GetRawText(), JsonDocument.Parse(after).RootElement.GetRawText());
        (_, JsonElement requests) = await _yard.AdminAsync(HttpMethod.Get, "/api/requests");
        Assert.DoesNotContain(requests.EnumerateArray(), static r => r.GetProperty("end_reason").GetString() == "interrupted");
        (_, JsonElement ledger) = await _yard.AdminAsync(HttpMethod.Get, "/api/ledger/verify");
        Assert.True(ledger.GetProperty("holds").GetBoolean(), ledger.GetRawText());
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = new CancellationTokenSource(GatewayYard.Patience);
        while (!await holds())
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
