using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;
using Microsoft.AspNetCore.Routing;

namespace Fairlead.Gateway.Tests.Money;

/// <summary>L-05: every paid route × every form a key comes in × every limit refuses, reaches nobody, and says what, how much and when. The routes are
/// read off the running server: a new one without a body here fails.</summary>
public sealed class LimitMatrixTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private GatewayYard _yard = null!;

    private static readonly Dictionary<string, string> Bodies = new()
    {
        ["/v1/chat/completions"] = "{\"model\":\"MODEL\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}",
        ["/v1/completions"] = "{\"model\":\"MODEL\",\"max_tokens\":100,\"prompt\":\"hello\"}",
        ["/v1/embeddings"] = "{\"model\":\"MODEL\",\"input\":\"hello\"}",
        ["/v1/messages"] = "{\"model\":\"MODEL\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}",
    };

    /// <summary>Costs nothing and is in no ledger; its limit, the requests of a minute, has tests of its own.</summary>
    private const string Free = "/v1/messages/count_tokens";

    private static readonly string[] Forms = ["authorization", "x-api-key", "api-key"];

    /// <summary>Each limit, used up: the key that has it, the model that is asked for, what the refusal is.</summary>
    private static readonly (string Key, string Model, int Status, string Code, string[] Says)[] UsedUp =
    [
        ("no-money", "acme/m", 402, "budget_reached", ["no-money", "budget of $", "is left", "resets", "UTC"]),
        ("no-month", "acme/m", 402, "budget_reached", ["no-month", "budget of $", "is left", "resets", "UTC"]),
        ("rich", "house", 402, "budget_reached", ["house", "budget of $", "is left", "resets", "UTC"]),
        ("no-rpm", "acme/m", 429, "rate_limited", ["no-rpm", "1 requests per minute", "Retry in"]),
        ("no-tpm", "acme/m", 429, "tokens_limited", ["no-tpm", "of 10 tokens per minute left", "needs about", "Retry in"]),
        ("no-slot", "acme/m", 429, "parallel_limited", ["no-slot", "1 requests under way", "Retry"]),
    ];

    [Fact]
    public async Task Every_paid_route_refuses_by_every_limit_for_every_form_of_key()
    {
        string[] routes = [.. _yard.Server.DataRoutes.Where(static r => r.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("POST") == true).Select(static r => r.RoutePattern.RawText!).Where(static route => route != Free)];
        Assert.Equal(Bodies.Keys.Order(StringComparer.Ordinal), routes.Order(StringComparer.Ordinal));
        Assert.Equal(200, (await AskAsync("authorization", "no-rpm", "/v1/chat/completions", "acme/m")).Status);
        Assert.Equal(200, (await AskAsync("authorization", "no-tpm", "/v1/chat/completions", "acme/m")).Status);
        var arrived = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        _wall.On("wait", async (c, stop) =>
        {
            arrived.TrySetResult();
            await go.Task;
            await Scripts.Good()(c, stop);
        });
        Task<Answer> running = AskAsync("authorization", "no-slot", "/v1/chat/completions", "acme/wait");
        await arrived.Task;
        int before = _wall.Arrivals("m");

        int cells = 0;
        foreach (string route in routes)
        {
            foreach (string form in Forms)
            {
                foreach ((string key, string model, int status, string code, string[] says) in UsedUp)
                {
                    Answer answer = await AskAsync(form, key, route, model);
                    Assert.Equal(($"{route} {form} {key}", status, code), ($"{route} {form} {key}", answer.Status, answer.ErrorCode));
                    string message = answer.Json.GetProperty("error").GetProperty("message").GetString()!;
                    Assert.All(says, word => Assert.Contains(word, message, StringComparison.Ordinal));
                    if (status == 429)
                        Assert.InRange(int.Parse(answer.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 60);
                    Assert.Equal("0.000000000", answer.Header("x-fairlead-cost"));
                    cells++;
                }
            }
        }
        Assert.Equal(routes.Length * Forms.Length * UsedUp.Length, cells);
        Assert.Equal(before, _wall.Arrivals("m"));
        go.SetResult();
        Assert.Equal(200, (await running).Status);
    }

    [Fact]
    public async Task A_refusal_for_one_limit_uses_up_none_of_the_others()
    {
        // Too dear for its budget, and refused ten times: the minute is as whole as it was.
        for (int i = 0; i < 10; i++)
            Assert.Equal(402, (await AskAsync("authorization", "all", "/v1/chat/completions", "acme/dear")).Status);
        // The alias has no money: nothing of the key is used either.
        for (int i = 0; i < 10; i++)
            Assert.Equal(402, (await AskAsync("authorization", "all", "/v1/chat/completions", "house")).Status);
        Answer served = await AskAsync("authorization", "all", "/v1/chat/completions", "acme/m");
        Assert.Equal(200, served.Status);
        Assert.StartsWith("\"requests\";r=2;t=", served.Header("RateLimit"), StringComparison.Ordinal);
        Assert.Equal("0.009993600", served.Header("x-fairlead-budget-remaining"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_success_tells_the_limits_and_the_money_left(bool stream)
    {
        string body = Bodies["/v1/chat/completions"].Replace("MODEL", "acme/m", StringComparison.Ordinal).Replace("{\"model\"", $"{{\"stream\":{(stream ? "true" : "false")},\"model\"", StringComparison.Ordinal);
        using HttpClient http = _yard.Client(_yard.KeyOf("all"));
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent(body));
        var answer = new Answer(response, await response.Content.ReadAsStringAsync());
        Assert.Matches("^\"requests\";r=2;t=\\d+, \"tokens\";r=\\d+;t=\\d+$", answer.Header("RateLimit"));
        Assert.Equal("\"fixed window\";\"requests\";q=3;w=60, \"fixed window\";\"tokens\";q=100000;w=60", answer.Header("RateLimit-Policy"));
        Assert.Equal(("3", "2", "100000"), (answer.Header("x-ratelimit-limit-requests"), answer.Header("x-ratelimit-remaining-requests"), answer.Header("x-ratelimit-limit-tokens")));
        Assert.Equal("0.010000000", answer.Header("x-fairlead-budget-limit"));
        Assert.True(NanoDollars.TryParseDollars(answer.Header("x-fairlead-budget-remaining"), out NanoDollars left));
        Assert.InRange(left.Value, 1, 10_000_000 - 1);
        Assert.InRange(int.Parse(answer.Header("x-fairlead-budget-reset")!, System.Globalization.CultureInfo.InvariantCulture), 0, 86_400);
    }

    [Fact]
    public async Task A_price_that_is_not_known_is_a_refusal_and_never_zero()
    {
        Answer answer = await AskAsync("authorization", "rich", "/v1/chat/completions", "acme/unpriced");
        Assert.Equal((400, "price_unknown"), (answer.Status, answer.ErrorCode));
        Assert.Equal(0, _wall.Arrivals("unpriced"));
    }

    [Fact]
    public async Task Without_money_one_may_still_ask_for_what_costs_nothing()
    {
        Assert.Equal(200, (await AskAsync("authorization", "no-money", "/v1/chat/completions", "acme/free")).Status);
        Assert.Equal(402, (await AskAsync("authorization", "no-money", "/v1/chat/completions", "acme/m")).Status);
    }

    /// <summary>L-04: the first request ever of many keys at once, each with room for one.</summary>
    [Fact]
    public async Task The_first_requests_of_200_new_keys_overshoot_none_of_their_budgets()
    {
        string[] keys = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => _yard.MakeKeyAsync($"new-{i}", ",\"budget\":\"0.0001/day\"")));
        var start = new TaskCompletionSource();
        Task<int>[] asking =
        [
            .. keys.SelectMany(key => Enumerable.Range(0, 3).Select(async _ =>
            {
                using HttpClient http = _yard.Client(key);
                await start.Task;
                // Of at most 93,000: two of these do not fit.
                using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent("{\"model\":\"acme/m\",\"max_tokens\":120,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"));
                Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.PaymentRequired);
                return response.StatusCode == HttpStatusCode.OK ? 1 : 0;
            })),
        ];
        start.SetResult();
        int served = (await Task.WhenAll(asking)).Sum();
        Assert.InRange(served, 200, 600);
        (_, JsonElement list) = await _yard.AdminAsync(HttpMethod.Get, "/api/usage?by=key");
        Assert.All(list.EnumerateArray().Where(static u => u.GetProperty("key").GetString()!.StartsWith("new-", StringComparison.Ordinal)), static u =>
        {
            Assert.True(NanoDollars.TryParseDollars(u.GetProperty("cost_usd").GetString(), out NanoDollars charged));
            Assert.InRange(charged.Value, 6_400, 100_000);
        });
    }

    public async ValueTask InitializeAsync()
    {
        foreach (string model in new[] { "m", "dear", "free", "unpriced" })
            _wall.On(model, Scripts.Good());
        ProviderSettings wall = GatewayYard.Provider("wall", _wall.Url, "m", "wait", "dear", "free", "unpriced");
        _yard = await GatewayYard.StartAsync(
            [wall with { Models = [.. wall.Models.Select(static m => m.ProviderModelId switch
            {
                "dear" => m with { Price = new OfferPrice(new TokenPrice(new NanoDollars(1_000 * NanoDollars.PerDollar)), new TokenPrice(new NanoDollars(1_000 * NanoDollars.PerDollar))) },
                "free" => m with { Price = OfferPrice.Free },
                "unpriced" => m with { Price = null },
                _ => m,
            }), wall.Models[0] with { HubId = "acme/vectors", ProviderModelId = "vectors", Embeddings = true }] }],
            static settings => settings with
            {
                Dispatch = new DispatchSettings(),
                Aliases =
                [
                    new AliasSettings("house", ["acme/m"], Money(1, BudgetPeriod.Day)),
                    new AliasSettings("house-vectors", ["acme/vectors"], Money(1, BudgetPeriod.Day)),
                ],
                Keys =
                [
                    .. settings.Keys,
                    new KeySettings("no-money", new KeyLimits { Budget = Money(1, BudgetPeriod.Day) }),
                    new KeySettings("no-month", new KeyLimits { Budget = Money(1, BudgetPeriod.Month) }),
                    new KeySettings("no-rpm", new KeyLimits { RequestsPerMinute = 1 }),
                    new KeySettings("no-tpm", new KeyLimits { TokensPerMinute = 10 }),
                    new KeySettings("no-slot", new KeyLimits { Parallel = 1 }),
                    new KeySettings("all", new KeyLimits { Budget = Money(10_000_000, BudgetPeriod.Day), RequestsPerMinute = 3, TokensPerMinute = 100_000, Parallel = 4 }),
                ],
            });
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    private static Budget Money(long nano, BudgetPeriod period) => new(new NanoDollars(nano), period);

    private async Task<Answer> AskAsync(string form, string key, string route, string model)
    {
        if (route == "/v1/embeddings")
            model = model == "house" ? "house-vectors" : "acme/vectors";
        using HttpClient http = _yard.Client();
        http.DefaultRequestHeaders.TryAddWithoutValidation(form, form == "authorization" ? "Bearer " + _yard.KeyOf(key) : _yard.KeyOf(key));
        using HttpResponseMessage response = await http.PostAsync(route, new StringContent(Bodies[route].Replace("MODEL", model, StringComparison.Ordinal)));
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }
}
