using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Dispatch;

/// <summary>Answers of an upstream that speaks Anthropic, over a whole gateway, at the door of its own dialect and at OpenAI's.</summary>
[Collection(Alone.Name)] // the store is locked in the middle of a request
public sealed class AnthropicUpstreamTests : IAsyncLifetime
{
    private const string Own = "/v1/messages";
    private const string Chat = "/v1/chat/completions";
    private const string InOrder = ",\"provider\":{\"order\":[\"ill\",\"well\"]}";
    private readonly FaultWall _ill = new();
    private readonly FaultWall _well = new();
    private GatewayYard _yard = null!;

    [Fact]
    public async Task A_stream_of_the_doors_own_dialect_leaves_byte_for_byte_with_its_cost()
    {
        Answer answer = await _yard.PostAsync(Own, ScriptedMessages.Asking("acme/good", stream: true));
        Assert.Equal(200, answer.Status);
        Assert.Equal(ScriptedMessages.Good().Replace("{\"output_tokens\":4}", "{\"output_tokens\":4,\"cost\":0.0000062}", StringComparison.Ordinal), answer.Body);
        await IsChargedAsync(answer);
    }

    [Fact]
    public async Task The_same_stream_leaves_the_other_door_in_chunks()
    {
        Answer answer = await _yard.PostAsync(Chat, ScriptedMessages.Asking("acme/good", stream: true, ",\"stream_options\":{\"include_usage\":true}"));
        Assert.Equal((200, "Hi there", true), (answer.Status, answer.Content, answer.EndsWithDone));
        JsonElement usage = answer.Events.Last().GetProperty("usage");
        Assert.Equal((100, 90, 4, "0.0000062"), (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32(),
            usage.GetProperty("completion_tokens").GetInt32(), usage.GetProperty("cost").GetRawText()));
        await IsChargedAsync(answer);
    }

    [Theory]
    [InlineData(Own)]
    [InlineData(Chat)]
    public async Task A_whole_answer_tells_its_cost(string door)
    {
        Answer answer = await _yard.PostAsync(door, ScriptedMessages.Asking("acme/whole", stream: false));
        Assert.Equal((200, "0.0000062"), (answer.Status, answer.Json.GetProperty("usage").GetProperty("cost").GetRawText()));
        if (door == Own)
            Assert.Equal(ScriptedMessages.Whole.Replace("\"output_tokens\":4}", "\"output_tokens\":4,\"cost\":0.0000062}", StringComparison.Ordinal), answer.Body);
        else
            Assert.Equal("Hi there", answer.Content);
        await IsChargedAsync(answer);
    }

    /// <summary>F057.</summary>
    [Theory]
    [InlineData(Own)]
    [InlineData(Chat)]
    public async Task A_whole_answer_to_a_request_for_a_stream_is_told_as_one(string door)
    {
        Answer answer = await _yard.PostAsync(door, ScriptedMessages.Asking("acme/whole", stream: true));
        Assert.Equal((200, "Hi there"), (answer.Status, ScriptedMessages.Said(answer.Body)));
        Assert.EndsWith(door == Own ? ScriptedMessages.Stop : "data: [DONE]\n\n", answer.Body, StringComparison.Ordinal);
        await IsChargedAsync(answer);
    }

    /// <summary>F157.</summary>
    [Theory]
    [InlineData(Own)]
    [InlineData(Chat)]
    public async Task An_error_before_the_first_piece_of_text_is_the_next_ones_turn(string door)
    {
        Answer answer = await _yard.PostAsync(door, ScriptedMessages.Asking("acme/early", stream: true, InOrder));
        Assert.Equal((200, "well", "2"), (answer.Status, answer.Header("x-fairlead-provider"), answer.Header("x-fairlead-attempts")));
        Assert.Equal("from well", ScriptedMessages.Said(answer.Body));
        Assert.DoesNotContain("error", answer.Body, StringComparison.Ordinal);
        if (door == Own)
            Assert.Equal(2, answer.Body.Split("event: message_start").Length);
        Assert.Equal((1, 1), (_ill.Arrivals("early"), _well.Arrivals("early")));
    }

    /// <summary>F157.</summary>
    [Theory]
    [InlineData(Own)]
    [InlineData(Chat)]
    public async Task An_error_after_it_is_told_in_the_stream_and_what_was_sent_is_charged(string door)
    {
        Answer answer = await _yard.PostAsync(door, ScriptedMessages.Asking("acme/late", stream: true, InOrder));
        Assert.Equal((200, "ill", "Half"), (answer.Status, answer.Header("x-fairlead-provider"), ScriptedMessages.Said(answer.Body)));
        Assert.Contains(door == Own ? "event: error\ndata: {\"type\":\"error\"" : "data: {\"error\"", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("message_stop", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", answer.Body, StringComparison.Ordinal);
        Assert.Equal(0, _well.Arrivals("late"));
        // The input is known, with what the cache had of it; the one token of output is counted by us.
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal("estimated", record.GetProperty("usage").GetProperty("source").GetString());
        Assert.Equal((100, 90, 1), Counts(record));
    }

    [Theory]
    [InlineData(Own)]
    [InlineData(Chat)]
    public async Task Nothing_that_ends_an_answer_leaves_before_the_ledger_has_it(string door)
    {
        // One byte that the store has not taken is all that the journal may hold: the reservation still goes in, the close does not.
        await using GatewayYard yard = await GatewayYard.StartAsync([Speaking("ill", _ill.Url, "good")], static s => s with { Journal = s.Journal with { MaxUnshippedBytes = 1 } });
        Answer answer;
        await using (await StoreLock.TakeAsync(yard))
            answer = await yard.PostAsync(door, ScriptedMessages.Asking("acme/good", stream: true));
        Assert.Equal((200, "Hi there"), (answer.Status, ScriptedMessages.Said(answer.Body)));
        Assert.Contains("storage_full", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("message_delta", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("message_stop", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Own)]
    [InlineData(Chat)]
    public async Task A_caller_who_leaves_cancels_the_upstream_and_pays_cached_input_as_cached(string door)
    {
        var gone = new TaskCompletionSource();
        _ill.On("endless", async (c, stop) =>
        {
            await c.SendAsync(Scripts.Sse);
            await c.ChunkAsync(ScriptedMessages.Begin + ScriptedMessages.Text("Half"));
            await c.UntilClosedAsync(stop);
            gone.TrySetResult();
        });
        string id;
        using (var request = new HttpRequestMessage(HttpMethod.Post, door) { Content = new StringContent(ScriptedMessages.Asking("acme/endless", stream: true, InOrder)) })
        using (HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            id = response.Headers.GetValues("x-fairlead-request-id").Single();
            await using Stream body = await response.Content.ReadAsStreamAsync();
            Assert.NotEqual(0, await body.ReadAsync(new byte[64]));
        }
        await gone.Task.WaitAsync(GatewayYard.Patience);
        JsonElement record = await ClosedAsync(id);
        Assert.Equal(("client_gone", "estimated"), (record.GetProperty("end_reason").GetString(), record.GetProperty("usage").GetProperty("source").GetString()));
        Assert.Equal((100, 90, 1), Counts(record));
    }

    [Theory]
    [InlineData(Own)]
    [InlineData(Chat)]
    public async Task A_stream_that_breaks_off_is_told_so(string door)
    {
        Answer answer = await _yard.PostAsync(door, ScriptedMessages.Asking("acme/cut", stream: true, InOrder));
        Assert.Equal("Half", ScriptedMessages.Said(answer.Body));
        Assert.Contains("upstream_truncated", answer.Body, StringComparison.Ordinal);
    }

    public async ValueTask InitializeAsync()
    {
        _ill.On("good", Scripts.Stream(ScriptedMessages.Good()));
        _ill.On("whole", Scripts.Status(200, ScriptedMessages.Whole));
        _ill.On("early", Scripts.Stream(ScriptedMessages.Begin, ScriptedMessages.Ping, ScriptedMessages.Overloaded));
        _well.On("early", Scripts.Stream(ScriptedMessages.Good("from well")));
        _ill.On("late", Scripts.Stream(ScriptedMessages.Begin, ScriptedMessages.Text("Half"), ScriptedMessages.Overloaded));
        _ill.On("cut", Scripts.Stream(ScriptedMessages.Begin, ScriptedMessages.Text("Half")));
        string[] models = ["good", "whole", "early", "late", "cut", "endless"];
        _yard = await GatewayYard.StartAsync([Speaking("ill", _ill.Url, models), Speaking("well", _well.Url, models)]);
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _ill.DisposeAsync();
        await _well.DisposeAsync();
    }

    /// <summary>Ten tokens of new input are 2,000 nano-dollars, ninety of cached 1,800, four of output 2,400.</summary>
    private static ProviderSettings Speaking(string name, string url, params string[] models)
    {
        ProviderSettings provider = GatewayYard.Provider(name, url, models);
        return provider with
        {
            Dialect = Dialect.Anthropic,
            Models = [.. provider.Models.Select(static m => m with { Price = m.Price! with { CachedInput = new TokenPrice(new NanoDollars(20_000_000)) } })],
        };
    }

    private async Task IsChargedAsync(Answer answer)
    {
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal(("ok", "reported"), (record.GetProperty("end_reason").GetString(), record.GetProperty("usage").GetProperty("source").GetString()));
        Assert.Equal((100, 90, 4), Counts(record));
    }

    private static (int Input, int Cached, int Output) Counts(JsonElement record)
    {
        JsonElement usage = record.GetProperty("usage");
        return (usage.GetProperty("input_tokens").GetInt32(), usage.GetProperty("cached_input_tokens").GetInt32(), usage.GetProperty("output_tokens").GetInt32());
    }

    private async Task<JsonElement> ClosedAsync(string id)
    {
        using var deadline = new CancellationTokenSource(GatewayYard.Patience);
        while (true)
        {
            using HttpResponseMessage response = await _yard.Http.GetAsync($"/v1/requests/{id}", deadline.Token);
            if (response.IsSuccessStatusCode)
            {
                using JsonDocument record = JsonDocument.Parse(await response.Content.ReadAsStringAsync(deadline.Token));
                if (record.RootElement.TryGetProperty("end_reason", out JsonElement reason) && reason.ValueKind == JsonValueKind.String)
                    return record.RootElement.Clone();
            }
            await Task.Yield();
        }
    }
}
