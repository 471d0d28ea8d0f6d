using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Keys;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Routing;

/// <summary>Models that their provider has withdrawn, or will: the shipped sheet, on 20 November 2026, and a gateway in front of Anthropic that speaks
/// OpenAI's dialect.</summary>
public sealed class RetirementTests : IAsyncLifetime
{
    private const string Opus3 = "claude-3-opus-20240229";
    private const string Gone = "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"model: claude-3-haiku-20240307\"}}";

    private readonly FaultWall _wall = new();
    private readonly ShiftedTime _time = new(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));
    private GatewayYard _yard = null!;

    [Theory]
    [InlineData(Opus3)]
    [InlineData("claude-3-opus-latest")]
    [InlineData("Claude-3-Opus-Latest", ":cheapest")]
    [InlineData("anthropic/claude-3-opus-latest")]
    [InlineData("anthropic/claude-3-opus-20240229", ":anthropic")]
    public async Task Who_asks_for_a_model_that_was_withdrawn_hears_since_when_and_what_would_serve_instead(string name, string selector = "")
    {
        Answer answer = await _yard.ChatAsync(name + selector);
        Told(answer, name, "2026-01-05", "anthropic/claude-opus-5");
        Assert.Contains("provider anthropic since 5 Jan 2026", Message(answer), StringComparison.Ordinal);
        Assert.Contains("'anthropic/claude-opus-5' would serve instead", Message(answer), StringComparison.Ordinal);
        Assert.Equal(0, _wall.Arrivals(Opus3) + _wall.Arrivals("claude-opus-5"));
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal(("upstream_gone", 0, JsonValueKind.Null), (record.GetProperty("problem_code").GetString(), record.GetProperty("cost_nano_usd").GetInt64(), record.GetProperty("substitute_for").ValueKind));
    }

    [Fact]
    public async Task An_alias_all_of_whose_chain_was_withdrawn_is_gone_since_the_last_of_it_went()
    {
        Answer answer = await _yard.ChatAsync("good-old");
        Told(answer, "good-old", "2026-06-15", "anthropic/claude-opus-5");
    }

    [Fact]
    public async Task An_alias_of_which_one_is_left_is_served_by_that_and_nobody_stands_in_for_anybody()
    {
        _wall.On("claude-haiku-4-5-20251001", Scripts.Good());
        Answer answer = await _yard.ChatAsync("old-or-small");
        Assert.Equal((200, "anthropic/claude-haiku-4-5-20251001", null), (answer.Status, answer.Header("x-fairlead-model"), answer.Header("x-fairlead-substitute-for")));
    }

    [Fact]
    public async Task What_only_the_sheet_knows_and_only_as_withdrawn_is_told_as_that_with_the_way_to_its_successor()
    {
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", _wall.Url, "chat")], static s => s with { Aliases = [new AliasSettings("old", ["claude-2.1", "claude-3-opus-latest"], null)] }, _time);
        Answer answer = await yard.ChatAsync("claude-3-opus-latest");
        Told(answer, "claude-3-opus-latest", "2026-01-05", null);
        Assert.Contains("its successor 'claude-opus-5' is sold by anthropic: set ANTHROPIC_API_KEY", Message(answer), StringComparison.Ordinal);
        Told(await yard.ChatAsync("old"), "old", "2026-01-05", null);
        // One that is sold still is not withdrawn, and one that nobody ever had is unknown.
        Assert.Equal("model_not_supported", (await yard.ChatAsync("claude-haiku-4-5")).ErrorCode);
        Assert.Equal("model_not_found", (await yard.ChatAsync("claude-3-opus-earliest")).ErrorCode);
    }

    [Fact]
    public async Task A_successor_that_another_provider_offers_here_is_named_and_serves_with_consent()
    {
        _wall.On("claude-opus-5", Scripts.Good());
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", _wall.Url, "claude-opus-5")], null, _time);
        Told(await yard.ChatAsync("claude-3-opus-latest"), "claude-3-opus-latest", "2026-01-05", "acme/claude-opus-5");
        Answer answer = await yard.ChatAsync("claude-3-opus-latest", more: ",\"models\":[\"acme/claude-opus-5\"]");
        Assert.Equal((200, "claude-3-opus-latest; retired=2026-01-05"), (answer.Status, answer.Header("x-fairlead-substitute-for")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_model_that_the_request_names_beside_one_that_was_withdrawn_serves_and_the_answer_says_for_whom(bool stream)
    {
        _wall.On("claude-haiku-4-5-20251001", Scripts.Good());
        Answer answer = await _yard.ChatAsync("claude-3-opus-latest", stream, ",\"models\":[\"claude-3-5-sonnet-latest\",\"claude-haiku-4-5\"]");
        Assert.Equal((200, "Hi there", "anthropic/claude-haiku-4-5-20251001"), (answer.Status, answer.Content, answer.Header("x-fairlead-model")));
        Assert.Equal("claude-3-opus-latest; retired=2026-01-05", answer.Header("x-fairlead-substitute-for"));
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal(("claude-3-opus-latest", "2026-01-05"), (record.GetProperty("substitute_for").GetProperty("model").GetString(), record.GetProperty("substitute_for").GetProperty("retired_on").GetString()));
        Assert.Equal(11 * 1_000 + 7 * 5_000, record.GetProperty("cost_nano_usd").GetInt64()); // priced as what has served
        Assert.Equal(["anthropic/claude-3-opus-20240229", "anthropic/claude-3-5-sonnet-20241022"], record.GetProperty("excluded").EnumerateArray().Select(static e => e.GetProperty("offer").GetString()));
    }

    [Theory]
    [InlineData("consents", false)]
    [InlineData("consents", true)]
    [InlineData("narrow", false)] // may ask for the old one only: its successor is what was consented to
    public async Task With_the_consent_of_its_key_the_successor_serves_at_its_own_price_and_the_answer_says_so(string key, bool stream)
    {
        _wall.On("claude-opus-5", Scripts.Good());
        using HttpClient http = _yard.Client(_yard.KeyOf(key));
        using var body = new StringContent($"{{\"model\":\"claude-3-opus-latest\",\"stream\":{(stream ? "true" : "false")},\"max_tokens\":100,\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}", System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", body);
        var answer = new Answer(response, await response.Content.ReadAsStringAsync());
        Assert.Equal((200, "Hi there", "anthropic/claude-opus-5"), (answer.Status, answer.Content, answer.Header("x-fairlead-model")));
        Assert.Equal("claude-3-opus-latest; retired=2026-01-05", answer.Header("x-fairlead-substitute-for"));
        JsonElement record = JsonDocument.Parse(await http.GetStringAsync($"/v1/requests/{answer.Header("x-fairlead-request-id")}")).RootElement;
        Assert.Equal(("claude-3-opus-latest", "claude-3-opus-latest"), (record.GetProperty("model_asked").GetString(), record.GetProperty("substitute_for").GetProperty("model").GetString()));
        Assert.Equal(11 * 5_000 + 7 * 25_000, record.GetProperty("cost_nano_usd").GetInt64());
        // The dearest that input can be here is what is written to the cache for an hour, at $10 a million; that of the old model would be $30.
        long input = (record.GetProperty("reserved_nano_usd").GetInt64() - 100 * 25_000) / 10_000;
        Assert.InRange(input, 1, 1_000);
        Assert.Equal(input * 10_000 + 100 * 25_000, record.GetProperty("reserved_nano_usd").GetInt64());
    }

    [Fact]
    public async Task A_key_without_consent_gets_no_substitute_though_others_have_consented()
    {
        _wall.On("claude-opus-5", Scripts.Good());
        string asked = await _yard.MakeKeyAsync("consents-by-api", ",\"successors\":true");
        using HttpClient consents = _yard.Client(asked);
        using var body = new StringContent("{\"model\":\"claude-3-opus-latest\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}", System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage served = await consents.PostAsync("/v1/chat/completions", body);
        Assert.Equal(200, (int)served.StatusCode);
        Assert.Equal(410, (await _yard.ChatAsync("claude-3-opus-latest")).Status);
        Assert.Equal(1, _wall.Arrivals("claude-opus-5"));
        (_, JsonElement keys) = await _yard.AdminAsync(HttpMethod.Get, "/api/keys");
        Assert.Equal(
            [("consents", true), ("consents-by-api", true), ("narrow", true), ("rich", false)],
            keys.EnumerateArray().Select(static k => (k.GetProperty("name").GetString(), k.GetProperty("successors").GetBoolean())).Where(static k => k.Item1 != "first-key").Order());
    }

    [Fact]
    public async Task An_end_that_is_announced_is_told_with_every_answer_and_comes_on_its_day()
    {
        _wall.On("claude-sonnet-4-5-20250929", Scripts.Good());
        _wall.On("claude-opus-5", Scripts.Good());
        foreach (bool stream in new[] { false, true })
        {
            Answer answer = await _yard.ChatAsync("claude-sonnet-4-5", stream);
            Assert.Equal((200, "@1792540800", "Mon, 30 Nov 2026 00:00:00 GMT", null),
                (answer.Status, answer.Header("Deprecation"), answer.Header("Sunset"), answer.Header("x-fairlead-substitute-for")));
        }
        Answer lasting = await _yard.ChatAsync("claude-opus-5");
        Assert.Equal((200, null, null), (lasting.Status, lasting.Header("Deprecation"), lasting.Header("Sunset")));

        _time.Advance(TimeSpan.FromDays(10));
        Told(await _yard.ChatAsync("claude-sonnet-4-5"), "claude-sonnet-4-5", "2026-11-30", "anthropic/claude-sonnet-5");
        Assert.Equal(2, _wall.Arrivals("claude-sonnet-4-5-20250929"));
    }

    /// <summary>Anthropic says of a model that it has withdrawn what it says of one that it never had; that it has announced the end is what tells them apart.</summary>
    [Fact]
    public async Task What_a_provider_no_longer_knows_and_has_announced_to_withdraw_is_gone_since_that_day_also_after_a_restart()
    {
        _wall.On("claude-3-haiku-20240307", Scripts.Status(404, Gone));
        Answer first = await _yard.ChatAsync("claude-3-haiku-20240307");
        Told(first, "claude-3-haiku-20240307", "2026-11-20", "anthropic/claude-haiku-4-5-20251001");
        _time.Advance(TimeSpan.FromDays(1));
        Answer second = await _yard.ChatAsync("claude-3-haiku-20240307");
        Told(second, "claude-3-haiku-20240307", "2026-11-20", "anthropic/claude-haiku-4-5-20251001");
        Assert.Equal(Message(first), Message(second));
        await using GatewayYard later = await _yard.RestartAsync();
        Told(await later.ChatAsync("claude-3-haiku-20240307"), "claude-3-haiku-20240307", "2026-11-20", "anthropic/claude-haiku-4-5-20251001");
        Assert.Equal(1, _wall.Arrivals("claude-3-haiku-20240307"));
    }

    [Fact]
    public async Task With_consent_the_successor_serves_the_very_request_that_finds_the_model_withdrawn()
    {
        _wall.On("claude-3-haiku-20240307", Scripts.Status(404, Gone));
        _wall.On("claude-haiku-4-5-20251001", Scripts.Good());
        using HttpClient http = _yard.Client(_yard.KeyOf("consents"));
        for (int i = 1; i <= 2; i++)
        {
            using var body = new StringContent("{\"model\":\"claude-3-haiku-20240307\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}", System.Text.Encoding.UTF8, "application/json");
            using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", body);
            var answer = new Answer(response, await response.Content.ReadAsStringAsync());
            Assert.Equal((200, "anthropic/claude-haiku-4-5-20251001", "claude-3-haiku-20240307; retired=2026-11-20"),
                (answer.Status, answer.Header("x-fairlead-model"), answer.Header("x-fairlead-substitute-for")));
            JsonElement record = JsonDocument.Parse(await http.GetStringAsync($"/v1/requests/{answer.Header("x-fairlead-request-id")}")).RootElement;
            Assert.Equal((11 * 1_000 + 7 * 5_000, i == 1 ? 2 : 1), (record.GetProperty("cost_nano_usd").GetInt64(), record.GetProperty("attempts").GetArrayLength()));
            Assert.True(record.GetProperty("reserved_nano_usd").GetInt64() >= 1_000 * 5_000); // at the price of who might have to stand in
        }
        Assert.Equal(1, _wall.Arrivals("claude-3-haiku-20240307"));
    }

    [Theory]
    [InlineData(500, "upstream_status")]
    [InlineData(429, "upstream_rate_limited")]
    public async Task Consent_to_a_successor_is_no_consent_to_another_model_while_the_first_only_fails(int status, string code)
    {
        _wall.On("claude-3-haiku-20240307", Scripts.Status(status, "{\"error\":{\"message\":\"no\"}}"));
        _wall.On("claude-haiku-4-5-20251001", Scripts.Good());
        using HttpClient http = _yard.Client(_yard.KeyOf("consents"));
        using var body = new StringContent("{\"model\":\"claude-3-haiku-20240307\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}", System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", body);
        Assert.Equal(code, new Answer(response, await response.Content.ReadAsStringAsync()).ErrorCode);
        Assert.Equal(0, _wall.Arrivals("claude-haiku-4-5-20251001"));
    }

    [Fact]
    public async Task What_a_provider_does_not_know_and_has_not_announced_to_withdraw_is_a_name_that_is_wrong()
    {
        _wall.On("claude-opus-4-6", Scripts.Status(404, Gone.Replace("claude-3-haiku-20240307", "claude-opus-4-6", StringComparison.Ordinal)));
        Answer answer = await _yard.ChatAsync("claude-opus-4-6");
        Assert.Equal((502, "upstream_model_not_found"), (answer.Status, answer.ErrorCode));
    }

    [Fact]
    public async Task A_model_that_was_stated_by_hand_is_asked_though_the_sheet_calls_it_withdrawn()
    {
        _wall.On(Opus3, Scripts.Good());
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("anthropic", _wall.Url, Opus3) with { Dialect = Dialect.OpenAi }], null, _time);
        Answer answer = await yard.ChatAsync("claude-3-opus-20240229");
        Assert.Equal((200, "Mon, 05 Jan 2026 00:00:00 GMT"), (answer.Status, answer.Header("Sunset"))); // its provider's own date, which it has outlived
        _wall.On(Opus3, Scripts.Status(404, Gone));
        Told(await yard.ChatAsync("acme/claude-3-opus-20240229"), "acme/claude-3-opus-20240229", "2026-01-05", null);
    }

    [Fact]
    public async Task Lists_name_a_models_other_names_and_each_finds_it()
    {
        JsonElement list = JsonDocument.Parse(await _yard.Http.GetStringAsync("/v1/models")).RootElement.GetProperty("data");
        JsonElement haiku = list.EnumerateArray().Single(static m => m.GetProperty("id").GetString() == "anthropic/claude-haiku-4-5-20251001");
        Assert.Equal(["claude-haiku-4-5"], haiku.GetProperty("aliases").EnumerateArray().Select(static a => a.GetString()));
        JsonElement one = JsonDocument.Parse(await _yard.Http.GetStringAsync("/v1/models/claude-haiku-4-5")).RootElement;
        Assert.Equal("anthropic/claude-haiku-4-5-20251001", one.GetProperty("id").GetString());
        (_, JsonElement views) = await _yard.AdminAsync(HttpMethod.Get, "/api/models?search=claude-sonnet-4-5");
        JsonElement offer = Assert.Single(views.EnumerateArray()).GetProperty("offers")[0];
        Assert.Equal(("2026-11-30", "2026-10-21", "anthropic/claude-sonnet-5", "claude-sonnet-4-5"),
            (offer.GetProperty("retires_on").GetString(), offer.GetProperty("deprecated_on").GetString(), offer.GetProperty("successor").GetString(), offer.GetProperty("aliases")[0].GetString()));
    }

    [Fact]
    public async Task The_doctor_warns_of_what_is_about_to_be_withdrawn_and_finds_aliases_that_stand_for_nothing_any_more()
    {
        (_, JsonElement checks) = await _yard.AdminAsync(HttpMethod.Get, "/api/doctor");
        (string? Status, string? Detail, string? Fix) Of(string name)
        {
            JsonElement check = Assert.Single(checks.EnumerateArray(), c => c.GetProperty("name").GetString() == name);
            return (check.GetProperty("state").GetString(), check.GetProperty("detail").GetString(), check.GetProperty("fix").GetString());
        }
        Assert.Equal(("warn", "anthropic withdraws it on 2026-11-30", "Whoever asks for it should ask for anthropic/claude-sonnet-5 from then on."), Of("model anthropic/claude-sonnet-4-5-20250929"));
        Assert.Equal(("warn", "anthropic withdraws it and has not said when", "Whoever asks for it should ask for anthropic/claude-haiku-4-5-20251001 from then on."), Of("model anthropic/claude-3-haiku-20240307"));
        Assert.Equal(("bad", "all that it stands for was withdrawn", "Put anthropic/claude-opus-5 into models.good-old.try."), Of("alias good-old"));
        Assert.DoesNotContain(checks.EnumerateArray(), static c => c.GetProperty("name").GetString() == "alias old-or-small");
        Assert.Equal(2, checks.EnumerateArray().Count(static c => c.GetProperty("name").GetString()!.StartsWith("model ", StringComparison.Ordinal)));
    }

    public async ValueTask InitializeAsync() => _yard = await GatewayYard.StartAsync(
        [new ProviderSettings { Name = "anthropic", Url = new Uri(_wall.Url), Dialect = Dialect.OpenAi }],
        static s => s with
        {
            Aliases = [new AliasSettings("good-old", ["claude-3-opus-latest", "claude-opus-4-0"], null), new AliasSettings("old-or-small", ["claude-3-opus-latest", "claude-haiku-4-5"], null)],
            Keys =
            [
                .. s.Keys,
                new KeySettings("consents", new KeyLimits { Successors = true }),
                new KeySettings("narrow", new KeyLimits { Successors = true, Models = ["claude-3-opus-latest"] }),
            ],
        },
        _time);

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    private static string Message(Answer answer) => answer.Json.GetProperty("error").GetProperty("message").GetString()!;

    private static void Told(Answer answer, string name, string since, string? successor)
    {
        JsonElement error = answer.Json.GetProperty("error");
        Assert.Equal((410, "upstream_gone", "model"), (answer.Status, answer.ErrorCode, error.GetProperty("param").GetString()));
        Assert.Equal((since, successor), (error.GetProperty("retired_on").GetString(), error.GetProperty("successor").GetString()));
        Assert.Contains($"'{name}'", Message(answer), StringComparison.Ordinal);
        Assert.Null(answer.Header("x-fairlead-substitute-for"));
        Assert.Equal("0.000000000", answer.Header("x-fairlead-cost"));
    }
}
