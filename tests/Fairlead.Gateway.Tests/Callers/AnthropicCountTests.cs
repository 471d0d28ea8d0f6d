using System.Text.Json;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Callers;

/// <summary>Counts of tokens: the model's own where somebody can be asked for it, ours and marked as such everywhere else; free, and in no ledger.</summary>
public sealed class AnthropicCountTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private GatewayYard _yard = null!;
    private string _head = "";
    private string _sent = "";

    [Fact]
    public async Task Who_speaks_anthropic_is_asked_at_its_own_route_with_the_body_as_it_came()
    {
        On(Scripts.Status(200, "{\"input_tokens\":2095,\"context_management\":null}"));
        Answer answer = await CountAsync("acme/count", ("anthropic-version", "2026-10-21"), ("anthropic-beta", "token-counting-2024-11-01"));
        Assert.Equal((200, "{\"input_tokens\":2095}", null), (answer.Status, answer.Body, answer.Header("x-fairlead-estimated")));
        Assert.StartsWith("POST /v1/messages/count_tokens HTTP/1.1\r\n", _head, StringComparison.Ordinal);
        Assert.Contains("anthropic-version: 2026-10-21", _head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("anthropic-beta: token-counting-2024-11-01", _head, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(Body("count"), _sent);
        Assert.Equal(("application/json", "wall", "0.000000000"), (answer.Header("content-type"), answer.Header("x-fairlead-provider"), answer.Header("x-fairlead-cost")));
    }

    [Fact]
    public async Task Where_nobody_speaks_anthropic_it_is_an_estimate_and_says_so()
    {
        Answer answer = await CountAsync("acme/chat");
        Assert.Equal((200, "true"), (answer.Status, answer.Header("x-fairlead-estimated")));
        Assert.InRange(answer.Json.GetProperty("input_tokens").GetInt32(), 1, 50);
        Assert.Equal(0, _wall.Arrivals("chat"));
    }

    [Fact]
    public async Task Of_several_who_serve_it_the_one_that_can_count_is_asked()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("chatty", _wall.Url, "count"), AnthropicScripts.Provider("wall", _wall.Url, "count")]);
        On(Scripts.Status(200, "{\"input_tokens\":7}"));
        Answer answer = await yard.PostAsync("/v1/messages/count_tokens", Body("acme/count:preferred"));
        Assert.Equal(("{\"input_tokens\":7}", "wall"), (answer.Body, answer.Header("x-fairlead-provider")));
    }

    [Theory]
    [InlineData(404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"Not found\"}}")]
    [InlineData(500, "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"oops\"}}")]
    [InlineData(529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}")]
    [InlineData(401, "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}")]
    [InlineData(200, "{\"input_tokens\":\"many\"}")]
    [InlineData(200, "{\"input_tokens\":-1}")]
    [InlineData(200, "{\"output_tokens\":1}")]
    [InlineData(200, "{\"input_tokens\":1")]
    [InlineData(200, "<html>")]
    [InlineData(200, "")]
    public async Task Who_does_not_give_a_count_is_made_up_for_and_not_blamed(int status, string body)
    {
        On(Scripts.Status(status, body));
        Answer answer = await CountAsync("acme/count");
        Assert.True((200, "true") == (answer.Status, answer.Header("x-fairlead-estimated")), answer.Body);
        Assert.Equal("wall", answer.Header("x-fairlead-provider"));
        _wall.On("count", AnthropicScripts.Good());
        Assert.Equal(200, (await _yard.PostAsync("/v1/messages", Body("acme/count", "\"max_tokens\":16,"))).Status); // no circuit has heard of it
    }

    [Fact]
    public async Task A_silent_one_and_one_that_hangs_up_are_made_up_for_too()
    {
        await _yard.ApplyAsync(static s => s with { Dispatch = s.Dispatch with { Headers = GatewayYard.Stall, FirstToken = GatewayYard.Stall, Idle = GatewayYard.Stall } });
        foreach (FaultWall.Script script in new[] { Scripts.Silence, Scripts.Close, Scripts.Reset })
        {
            On(script);
            Answer answer = await CountAsync("acme/count");
            Assert.Equal((200, "true"), (answer.Status, answer.Header("x-fairlead-estimated")));
        }
        On(async (c, stop) =>
        {
            await c.SendAsync("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"input");
            await c.UntilClosedAsync(stop);
        });
        Assert.Equal("true", (await CountAsync("acme/count")).Header("x-fairlead-estimated"));
    }

    [Fact]
    public async Task A_request_that_is_wrong_is_not_guessed_at()
    {
        On(AnthropicScripts.Error(400, "invalid_request_error", "messages.0.content: must not be empty"));
        JsonElement error = AnthropicError.Check(await CountAsync("acme/count"), 400, "invalid_request_error", "upstream_refused_request");
        Assert.Contains("must not be empty", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_too_long_for_every_model_can_still_be_counted()
    {
        On(Scripts.Status(200, "{\"input_tokens\":9}"));
        Answer answer = await _yard.PostAsync("/v1/messages/count_tokens", $"{{\"model\":\"acme/count\",\"messages\":[{{\"role\":\"user\",\"content\":\"{string.Concat(Enumerable.Repeat("word ", 200_000))}\"}}]}}");
        Assert.True(answer.Status == 200, answer.Body);
        Assert.Equal("true", answer.Header("x-fairlead-estimated"));
        Assert.InRange(answer.Json.GetProperty("input_tokens").GetInt32(), 131_072, 1_000_000);
    }

    [Fact]
    public async Task It_costs_nothing_and_no_ledger_hears_of_it()
    {
        On(Scripts.Status(200, "{\"input_tokens\":9}"));
        Answer good = await CountAsync("acme/count");
        Answer wrong = await CountAsync("acme/nobody");
        Assert.Equal((200, 404), (good.Status, wrong.Status));
        (_, JsonElement requests) = await _yard.AdminAsync(HttpMethod.Get, "/api/requests?limit=10");
        Assert.Empty(requests.EnumerateArray());
        using HttpResponseMessage record = await _yard.Http.GetAsync("/v1/requests/" + good.Header("x-fairlead-request-id"));
        Assert.Equal(404, (int)record.StatusCode);
        string page = await _yard.Http.GetStringAsync("/metrics");
        Assert.Contains(page.Split('\n'), static line => line.Contains("route=\"count_tokens\"", StringComparison.Ordinal) && line.Contains("end_reason=\"ok\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_takes_a_slot_while_it_runs_and_gives_it_back()
    {
        using HttpClient http = _yard.Client(await _yard.MakeKeyAsync("single", ",\"parallel\":1"));
        var asked = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        On(async (c, stop) =>
        {
            asked.TrySetResult();
            await go.Task;
            await Scripts.Status(200, "{\"input_tokens\":9}")(c, stop);
        });
        Task<HttpResponseMessage> first = http.PostAsync("/v1/messages/count_tokens", new StringContent(Body("acme/count")));
        await asked.Task.WaitAsync(GatewayYard.Patience);
        using HttpResponseMessage second = await http.PostAsync("/v1/messages/count_tokens", new StringContent(Body("acme/count")));
        AnthropicError.Check(new Answer(second, await second.Content.ReadAsStringAsync()), 429, "rate_limit_error", "parallel_limited");
        go.SetResult();
        using HttpResponseMessage answered = await first;
        Assert.Equal(200, (int)answered.StatusCode);
        using HttpResponseMessage third = await http.PostAsync("/v1/messages/count_tokens", new StringContent(Body("acme/count")));
        Assert.Equal(200, (int)third.StatusCode);
    }

    public async ValueTask InitializeAsync() =>
        _yard = await GatewayYard.StartAsync([AnthropicScripts.Provider("wall", _wall.Url, "count"), GatewayYard.Provider("chatty", _wall.Url, "chat")]);

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    private void On(FaultWall.Script script) => _wall.On("count", (c, stop) =>
    {
        (_head, _sent) = (c.Head + "\r\n", c.Body);
        return script(c, stop);
    });

    private Task<Answer> CountAsync(string model, params (string Name, string Value)[] headers) => _yard.PostAsync("/v1/messages/count_tokens", Body(model), headers);

    private static string Body(string model, string more = "") => $"{{\"model\":\"{model}\",{more}\"messages\":[{{\"role\":\"user\",\"content\":\"hello, world\"}}]}}";
}
