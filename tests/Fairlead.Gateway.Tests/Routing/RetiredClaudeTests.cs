using System.Text.Json;
using Fairlead.Domain.Keys;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Routing;

/// <summary>What <see cref="RetirementTests"/> promises, at Anthropic's door with Anthropic behind it.</summary>
public sealed class RetiredClaudeTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private readonly ShiftedTime _time = new(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));
    private GatewayYard _yard = null!;

    [Theory]
    [InlineData("claude-3-opus-latest", "2026-01-05", "anthropic/claude-opus-5")]
    [InlineData("claude-3-5-sonnet-20241022", "2025-10-22", "anthropic/claude-sonnet-5")]
    [InlineData("claude-instant-1.2", "2024-11-06", "anthropic/claude-haiku-4-5-20251001")]
    [InlineData("claude-mythos-preview", "2026-06-30", null)]
    public async Task Who_asks_for_a_model_that_was_withdrawn_hears_it_as_anthropic_says_it_and_what_would_serve_instead(string name, string since, string? successor) =>
        Told(await AskAsync(_yard.Http, name), name, since, successor);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_consent_the_successor_serves_and_the_answer_says_so(bool stream)
    {
        _wall.On("claude-opus-5", ClaudeScripts.Good("claude-opus-5"));
        using HttpClient http = _yard.Client(_yard.KeyOf("consents"));
        Answer answer = await AskAsync(http, "claude-3-opus-latest", stream);
        Assert.Equal((200, "claude-3-opus-latest; retired=2026-01-05"), (answer.Status, answer.Header("x-fairlead-substitute-for")));
        Assert.Contains("\"model\":\"claude-opus-5\"", answer.Body, StringComparison.Ordinal);
        Answer named = await AskAsync(_yard.Http, "claude-3-opus-latest", stream, ",\"models\":[\"claude-opus-5\"]");
        Assert.Equal((200, "claude-3-opus-latest; retired=2026-01-05"), (named.Status, named.Header("x-fairlead-substitute-for")));
        Assert.Equal("claude-3-opus-latest", (await _yard.RecordAsync(named)).GetProperty("substitute_for").GetProperty("model").GetString());
    }

    [Fact]
    public async Task An_end_that_is_announced_is_told_with_the_answer()
    {
        _wall.On("claude-sonnet-4-5-20250929", ClaudeScripts.Good("claude-sonnet-4-5-20250929"));
        Answer answer = await AskAsync(_yard.Http, "claude-sonnet-4-5");
        Assert.Equal((200, "@1792540800", "Mon, 30 Nov 2026 00:00:00 GMT"), (answer.Status, answer.Header("Deprecation"), answer.Header("Sunset")));
    }

    [Fact]
    public async Task What_anthropic_no_longer_knows_and_has_announced_to_withdraw_is_gone()
    {
        _wall.On("claude-sonnet-4-5-20250929", Scripts.Status(404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"model: claude-sonnet-4-5-20250929\"},\"request_id\":\"req_1\"}"));
        for (int i = 0; i < 2; i++)
            Told(await AskAsync(_yard.Http, "claude-sonnet-4-5"), "claude-sonnet-4-5", "2026-11-20", "anthropic/claude-sonnet-5");
        Assert.Equal(1, _wall.Arrivals("claude-sonnet-4-5-20250929"));
    }

    public async ValueTask InitializeAsync() => _yard = await GatewayYard.StartAsync(
        [new ProviderSettings { Name = "anthropic", Url = new Uri(_wall.Url.Replace("/v1", "", StringComparison.Ordinal)) }],
        static s => s with { Keys = [.. s.Keys, new KeySettings("consents", new KeyLimits { Successors = true })] },
        _time);

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    private static void Told(Answer answer, string name, string since, string? successor)
    {
        JsonElement error = answer.Json.GetProperty("error");
        Assert.Equal((404, "not_found_error", "upstream_gone"), (answer.Status, error.GetProperty("type").GetString(), error.GetProperty("details").GetProperty("error_code").GetString()));
        Assert.Equal((since, successor), (error.GetProperty("retired_on").GetString(), error.GetProperty("successor").GetString()));
        Assert.StartsWith($"model: {name}", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private static async Task<Answer> AskAsync(HttpClient http, string model, bool stream = false, string more = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = new StringContent($"{{\"model\":\"{model}\",\"max_tokens\":100,\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{more}}}", System.Text.Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("anthropic-version", "2023-06-01");
        using HttpResponseMessage response = await http.SendAsync(request);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }
}
