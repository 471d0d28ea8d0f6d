using System.Text.Json;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Promises;

/// <summary>A provider that is loading the model (F111): its forecast is passed on, and waited for only by who waits.</summary>
public sealed class ColdProviderTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private GatewayYard _yard = null!;

    [Fact]
    public async Task A_providers_forecast_reaches_the_caller_as_ours_would()
    {
        _wall.On("chat", Loading("20.04"));
        Answer answer = await _yard.ChatAsync("acme/chat");
        Assert.Equal((503, "cold_starting"), (answer.Status, answer.ErrorCode));
        Assert.Contains("},\"estimated_time\":20.1}", answer.Body, StringComparison.Ordinal); // a tenth later is true; a tenth sooner is not
        Assert.Equal(("21", "loading; eta=21", "true"), (answer.Header("Retry-After"), answer.Header("x-fairlead-cold"), answer.Header("x-should-retry")));
    }

    [Theory]
    [InlineData(null, 2)]
    [InlineData("true", 2)]
    [InlineData("false", 1)]
    public async Task A_short_load_at_a_provider_is_waited_out_unless_the_caller_does_not_wait(string? wait, int asked)
    {
        _wall.On("chat", Loading("0.2"));
        Answer answer = await _yard.PostAsync("/v1/chat/completions", "{\"model\":\"acme/chat\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}",
            wait is null ? [] : [("x-wait-for-model", wait)]);
        Assert.Equal("cold_starting", answer.ErrorCode);
        Assert.Equal(asked, _wall.Arrivals("chat"));
    }

    [Fact]
    public async Task A_stream_that_waits_for_a_provider_hears_so_and_is_answered_after_it()
    {
        int tries = 0;
        _wall.On("chat", (c, stop) => (tries++ == 0 ? Loading("0.6") : Scripts.Good())(c, stop));
        Answer answer = await _yard.ChatAsync("acme/chat", stream: true);
        Assert.StartsWith(": loading, about 1 s\n\n", answer.Body, StringComparison.Ordinal);
        Assert.Equal(("Hi there", true), (answer.Content, answer.EndsWithDone));
        JsonElement attempts = (await _yard.RecordAsync(answer)).GetProperty("attempts");
        Assert.Equal("cold", attempts[0].GetProperty("fault").GetString());
    }

    [Fact]
    public async Task A_header_that_means_nothing_is_refused_before_anybody_is_asked()
    {
        Answer answer = await _yard.PostAsync("/v1/chat/completions", "{\"model\":\"acme/chat\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}", ("x-fairlead-hold", "a while"));
        Assert.Equal((400, "field_invalid", "x-fairlead-hold"), (answer.Status, answer.ErrorCode, answer.Json.GetProperty("error").GetProperty("param").GetString()));
        Assert.Equal(0, _wall.Arrivals("chat"));
    }

    private static FaultWall.Script Loading(string seconds) => Scripts.Status(503, $"{{\"error\":\"Model acme/chat is currently loading\",\"estimated_time\":{seconds}}}");

    public async ValueTask InitializeAsync() => _yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", _wall.Url, "chat")]);

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }
}
