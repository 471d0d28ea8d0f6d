using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Money;

/// <summary>Each part of the input at its own price, from the provider's count to the invoice, at the shipped prices of Claude Opus 5: $5 in, $0.50 read,
/// $6.25 kept for five minutes, $10 kept for an hour, $25 out.</summary>
public sealed class CachePriceTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private GatewayYard _yard = null!;

    [Theory]
    // 10 plain, 40 read, 20 for minutes, 30 for an hour, 7 out
    [InlineData("\"cache_creation_input_tokens\":50,\"cache_read_input_tokens\":40,\"cache_creation\":{\"ephemeral_5m_input_tokens\":20,\"ephemeral_1h_input_tokens\":30}", 40, 50, 30, 10 * 5_000 + 40 * 500 + 20 * 6_250 + 30 * 10_000 + 7 * 25_000)]
    [InlineData("\"prompt_tokens_details\":{\"cached_tokens\":40,\"cache_write_tokens\":50,\"cache_write_hour_tokens\":30}", 40, 50, 30, 670_000)]
    [InlineData("\"prompt_tokens_details\":{\"cached_tokens\":40,\"cache_write_tokens\":50}", 40, 50, 0, 10 * 5_000 + 40 * 500 + 50 * 6_250 + 7 * 25_000)]
    [InlineData("\"prompt_tokens_details\":{\"cached_tokens\":0}", 0, 0, 0, 100 * 5_000 + 7 * 25_000)]
    public async Task Every_part_of_the_input_is_charged_at_its_own_price_and_told_apart_everywhere(string details, long read, long written, long hour, long cost)
    {
        string usage = $"{{\"prompt_tokens\":100,\"completion_tokens\":7,\"total_tokens\":107,{details}}}";
        _wall.On("claude-opus-5", async (c, stop) => await (c.Streams
            ? Scripts.Stream(
                Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"Hi\"}"), Scripts.Finish(),
                $"data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[],\"usage\":{usage}}}\n\n", Scripts.Done)
            : Scripts.Status(200, $"{{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"m1\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"Hi\"}},\"finish_reason\":\"stop\"}}],\"usage\":{usage}}}"))(c, stop));
        foreach (bool stream in new[] { false, true })
        {
            Answer answer = await _yard.ChatAsync("claude-opus-5", stream, stream ? ",\"stream_options\":{\"include_usage\":true}" : "");
            Assert.Equal(200, answer.Status);
            JsonElement told = (stream ? answer.Events.Last() : answer.Json).GetProperty("usage");
            Assert.Equal(cost, told.GetProperty("cost").GetDecimal() * 1_000_000_000);
            JsonElement record = await _yard.RecordAsync(answer);
            Assert.Equal(cost, record.GetProperty("cost_nano_usd").GetInt64());
            JsonElement used = record.GetProperty("usage");
            Assert.Equal((100, read, written, hour), (used.GetProperty("input_tokens").GetInt64(), used.GetProperty("cached_input_tokens").GetInt64(),
                used.GetProperty("cache_write_tokens").GetInt64(), used.GetProperty("cache_write_hour_tokens").GetInt64()));
            JsonElement price = record.GetProperty("price");
            Assert.Equal(("5.000000000", "0.500000000", "6.250000000", "10.000000000"), (price.GetProperty("input").GetString(), price.GetProperty("cached_input").GetString(),
                price.GetProperty("cache_write").GetString(), price.GetProperty("cache_write_hour").GetString()));
            Assert.True(record.GetProperty("reserved_nano_usd").GetInt64() >= cost);
        }
        (_, JsonElement lines) = await _yard.AdminAsync(HttpMethod.Get, "/api/usage?by=model");
        JsonElement line = Assert.Single(lines.EnumerateArray());
        Assert.Equal((200, 2 * read, 2 * written, 2 * hour), (line.GetProperty("input_tokens").GetInt64(), line.GetProperty("cached_input_tokens").GetInt64(),
            line.GetProperty("cache_write_tokens").GetInt64(), line.GetProperty("cache_write_hour_tokens").GetInt64()));
        (_, JsonElement verified) = await _yard.AdminAsync(HttpMethod.Get, "/api/ledger/verify");
        Assert.True(verified.GetProperty("holds").GetBoolean());
    }

    /// <summary>Anthropic counts what its cache read and wrote beside the input, and says in a stream's first event alone for how long it keeps it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_anthropic_itself_counts_is_charged_the_same(bool stream)
    {
        _wall.On("claude-opus-5", ClaudeScripts.Good(
            "claude-opus-5",
            "\"input_tokens\":10,\"cache_read_input_tokens\":40,\"cache_creation_input_tokens\":50,\"cache_creation\":{\"ephemeral_5m_input_tokens\":20,\"ephemeral_1h_input_tokens\":30}"));
        await using GatewayYard yard = await GatewayYard.StartAsync([new ProviderSettings { Name = "anthropic", Url = new Uri(_wall.Url.Replace("/v1", "", StringComparison.Ordinal)) }]);
        Answer answer = await yard.ChatAsync("claude-opus-5", stream, stream ? ",\"stream_options\":{\"include_usage\":true}" : "");
        Assert.Equal((200, "Hi there"), (answer.Status, answer.Content));
        JsonElement told = (stream ? answer.Events.Last() : answer.Json).GetProperty("usage");
        Assert.Equal((100, 7, 40, 0.00067m), (told.GetProperty("prompt_tokens").GetInt64(), told.GetProperty("completion_tokens").GetInt64(),
            told.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt64(), told.GetProperty("cost").GetDecimal()));
        JsonElement record = await yard.RecordAsync(answer);
        Assert.Equal((670_000, 50, 30), (record.GetProperty("cost_nano_usd").GetInt64(), record.GetProperty("usage").GetProperty("cache_write_tokens").GetInt64(),
            record.GetProperty("usage").GetProperty("cache_write_hour_tokens").GetInt64()));
    }

    public async ValueTask InitializeAsync() =>
        _yard = await GatewayYard.StartAsync([new ProviderSettings { Name = "anthropic", Url = new Uri(_wall.Url), Dialect = Dialect.OpenAi }]);

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }
}
