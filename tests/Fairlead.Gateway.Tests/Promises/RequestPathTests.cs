using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Promises;

/// <summary>What callers are promised on the way in and out, over a whole gateway.</summary>
public sealed class RequestPathTests : IAsyncLifetime
{
    private readonly FaultWall _fast = new();
    private readonly FaultWall _cheap = new();
    private GatewayYard _yard = null!;

    [Fact]
    public async Task An_answer_says_who_served_it_why_and_for_how_much()
    {
        Answer answer = await _yard.ChatAsync("acme/good:cheapest");
        Assert.Equal(("cheap", "acme/good", "1", "cheapest", "0.000001800"), (answer.Header("x-fairlead-provider")!, answer.Header("x-fairlead-model")!,
            answer.Header("x-fairlead-attempts")!, answer.Header("x-fairlead-policy")!, answer.Header("x-fairlead-cost")!));
        Assert.Equal(answer.Header("x-request-id"), answer.Header("x-fairlead-request-id"));
        Assert.Equal("cheap", answer.Header("x-inference-provider"));
        Assert.Equal("0.0000018", answer.Json.GetProperty("usage").GetProperty("cost").GetRawText());
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal(1_800, record.GetProperty("cost_nano_usd").GetInt64());
        Assert.Equal(2, record.GetProperty("candidates").GetArrayLength());
    }

    [Theory]
    [InlineData("acme/good:preferred", "fast")]
    [InlineData("acme/good:fast", "fast")]
    [InlineData("acme/good:cheap", "cheap")]
    [InlineData("cheap/acme/good", "cheap")]
    [InlineData("fast/good", "fast")]
    [InlineData("ACME/Good:cheapest", "cheap")]
    [InlineData("house-chat:cheapest", "cheap")]
    public async Task A_selector_an_alias_and_a_provider_model_find_their_offer(string model, string provider) =>
        Assert.Equal(provider, (await _yard.ChatAsync(model)).Header("x-fairlead-provider"));

    [Fact]
    public async Task A_model_whose_name_holds_a_colon_is_found_by_its_whole_name()
    {
        Answer answer = await _yard.ChatAsync("acme/colon:latest");
        Assert.Equal((200, "acme/colon:latest", "fastest"), (answer.Status, answer.Header("x-fairlead-model"), answer.Header("x-fairlead-policy")));
    }

    [Theory]
    [InlineData("{\"only\":[\"cheap\"]}", "cheap")]
    [InlineData("{\"ignore\":[\"fast\"]}", "cheap")]
    [InlineData("{\"order\":[\"cheap\",\"fast\"]}", "cheap")]
    [InlineData("{\"sort\":\"price\"}", "cheap")]
    [InlineData("{\"max_price\":{\"completion\":0.3}}", "cheap")]
    [InlineData("{\"max_price\":{\"prompt\":\"0.100\"}}", "cheap")]
    public async Task The_provider_object_is_obeyed_and_not_forwarded(string wish, string provider)
    {
        Answer answer = await _yard.ChatAsync("acme/good", more: $",\"provider\":{wish}");
        Assert.Equal(provider, answer.Header("x-fairlead-provider"));
    }

    [Fact]
    public async Task The_upstream_reads_the_callers_bytes_with_the_model_spliced_in()
    {
        string? seen = null;
        _cheap.On("good", async (c, stop) =>
        {
            seen = c.Body;
            await Scripts.Good()(c, stop);
        });
        await _yard.PostAsync("/v1/chat/completions",
            "{ \"foo\" : {\"a\": [1, 2.50e1,  null]},\"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9llo \\/ 🌍\"}],\"provider\":{\"only\":[\"cheap\"]},\"models\":[\"acme/good\"],\"temperature\":0.70,\"model\":\"acme/good\"}");
        Assert.Equal("{\"foo\" : {\"a\": [1, 2.50e1,  null]},\"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9llo \\/ 🌍\"}],\"temperature\":0.70,\"model\":\"good\"}", seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_provider_gets_otherwise_than_it_was_written_is_named_in_a_header(bool stream)
    {
        string? seen = null;
        _cheap.On("quirky", async (c, stop) =>
        {
            seen = c.Body;
            await Scripts.Good()(c, stop);
        });
        await using GatewayYard yard = await GatewayYard.StartAsync([GatewayYard.Provider("cerebras", _cheap.Url, "quirky")]); // it refuses `store`
        Answer answer = await yard.ChatAsync("acme/quirky", stream, ",\"store\":true");
        Assert.Equal((200, "Hi there", "store"), (answer.Status, answer.Content, answer.Header("x-fairlead-adapted")));
        Assert.DoesNotContain("store", seen, StringComparison.Ordinal);
        Assert.Null((await yard.ChatAsync("acme/quirky", stream)).Header("x-fairlead-adapted"));
    }

    [Fact]
    public async Task A_list_of_models_falls_over_from_one_to_the_next()
    {
        Answer answer = await _yard.ChatAsync("acme/broken", more: ",\"models\":[\"acme/good\"]");
        Assert.Equal(("acme/good", 200), (answer.Header("x-fairlead-model"), answer.Status));
    }

    [Fact]
    public async Task A_provider_that_keeps_failing_rests_and_callers_are_told_for_how_long()
    {
        Answer answer = await _yard.ChatAsync("acme/down");
        for (int i = 0; i < 20 && answer.ErrorCode != "all_cooling_down"; i++)
            answer = await _yard.ChatAsync("acme/down");
        Assert.Equal((503, "all_cooling_down"), (answer.Status, answer.ErrorCode));
        Assert.InRange(int.Parse(answer.Header("retry-after")!), 1, 11);
        Assert.InRange(_fast.Arrivals("down"), 5, 8);
    }

    [Fact]
    public async Task No_fallback_means_no_second_provider()
    {
        Answer answer = await _yard.ChatAsync("acme/halfbroken", more: ",\"provider\":{\"order\":[\"fast\"],\"allow_fallbacks\":false}");
        Assert.Equal((502, "1"), (answer.Status, answer.Header("x-fairlead-attempts")));
    }

    [Fact]
    public async Task A_model_that_is_gone_is_not_asked_again_and_says_so()
    {
        Assert.Equal((410, "upstream_gone"), await StatusAndCode("acme/gone"));
        Assert.Equal(1, _fast.Arrivals("gone"));
        Assert.Equal((410, "upstream_gone"), await StatusAndCode("acme/gone"));
        Assert.Equal(1, _fast.Arrivals("gone"));
    }

    [Theory]
    [InlineData("[\"acme/good:cheap\"]", "cheap", "acme/good")]
    [InlineData("[\"acme/good:cheapest\"]", "cheap", "acme/good")]
    [InlineData("[\"acme/colon:latest\"]", "fast", "acme/colon:latest")]
    [InlineData("[\"house-chat:fast\"]", "fast", "acme/good")]
    public async Task An_entry_of_the_list_of_models_may_have_a_selector_of_its_own(string models, string provider, string served)
    {
        Answer answer = await _yard.ChatAsync("acme/broken", more: $",\"models\":{models}");
        Assert.Equal((provider, served), (answer.Header("x-fairlead-provider"), answer.Header("x-fairlead-model")));
    }

    [Theory]
    [InlineData("\"models\":[\"acme/good:nosuch\"]", "model_not_supported", "models")]
    [InlineData("\"models\":[\"acme/nobody\"]", "model_not_found", "models")]
    [InlineData("\"provider\":{\"ignore\":[\"cheep\"]}", "field_invalid", "provider.ignore")]
    [InlineData("\"provider\":{\"order\":[\"cheap\",\"nosuch\"]}", "field_invalid", "provider.order")]
    [InlineData("\"provider\":{\"only\":[\"nosuch\"]}", "field_invalid", "provider.only")]
    [InlineData("\"provider\":{\"only\":[\"embedder\"]}", "no_offer_fits", "provider")]
    [InlineData("\"provider\":{\"max_price\":{\"completion\":0.01}}", "no_offer_fits", "provider.max_price")]
    public async Task A_wish_that_cannot_be_met_is_refused_with_the_field_that_is_at_fault(string field, string code, string param)
    {
        Answer answer = await _yard.ChatAsync("acme/good", more: "," + field);
        Assert.Equal((400, code, param), (answer.Status, answer.ErrorCode, answer.Json.GetProperty("error").GetProperty("param").GetString()));
    }

    [Theory]
    [InlineData("acme/nobody", 400, "model_not_found")]
    [InlineData("acme/good:nosuch", 400, "model_not_supported")]
    public async Task An_unknown_model_or_provider_is_told_with_what_to_do(string model, int status, string code)
    {
        Answer answer = await _yard.ChatAsync(model);
        Assert.Equal((status, code, "model"), (answer.Status, answer.ErrorCode, answer.Json.GetProperty("error").GetProperty("param").GetString()));
        Assert.Equal("false", answer.Header("x-should-retry"));
    }

    [Theory]
    [InlineData(null, "key_missing")]
    [InlineData("Bearer ", "key_missing")]
    [InlineData("Bearer sk-abcdef", "key_malformed")]
    [InlineData("Bearer hf_FL76f1aGcgFuT6VQeL3wsyaulj1Q320fdy", "key_unknown")]
    public async Task Strangers_are_refused_before_their_body_is_read(string? authorization, string code)
    {
        using var http = new HttpClient { BaseAddress = _yard.Http.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent("not even json") };
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using HttpResponseMessage response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(code, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetProperty("code").GetString());
        Assert.True(response.Headers.Contains("WWW-Authenticate"));
        Assert.True(response.Headers.Contains("x-request-id"));
    }

    [Fact]
    public async Task Two_different_keys_in_one_request_are_refused()
    {
        Answer answer = await _yard.PostAsync("/v1/chat/completions", "{}", ("x-api-key", _yard.FirstKey));
        Assert.Equal((401, "keys_conflict"), (answer.Status, answer.ErrorCode));
    }

    [Fact]
    public async Task Another_keys_request_is_as_unknown_as_one_that_never_was()
    {
        Answer answer = await _yard.ChatAsync("acme/good");
        using var other = new HttpClient { BaseAddress = _yard.Http.BaseAddress };
        other.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _yard.FirstKey);
        Assert.Equal(HttpStatusCode.NotFound, (await other.GetAsync($"/v1/requests/{answer.Header("x-request-id")}")).StatusCode);
    }

    [Fact]
    public async Task A_key_with_a_list_of_models_gets_those_and_no_others()
    {
        using HttpClient http = With("narrow");
        Assert.Equal(HttpStatusCode.OK, (await http.PostAsync("/v1/chat/completions", Body("house-chat"))).StatusCode);
        using HttpResponseMessage refused = await http.PostAsync("/v1/chat/completions", Body("acme/broken"));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    public async Task The_third_request_of_a_minute_is_told_when_to_come_back()
    {
        using HttpClient http = With("slow");
        HttpResponseMessage first = await http.PostAsync("/v1/chat/completions", Body("acme/good"));
        Assert.Contains("\"requests\";r=1;t=60", first.Headers.GetValues("RateLimit").Single(), StringComparison.Ordinal);
        Assert.Contains("q=2;w=60", first.Headers.GetValues("RateLimit-Policy").Single(), StringComparison.Ordinal);
        await http.PostAsync("/v1/chat/completions", Body("acme/good"));
        HttpResponseMessage third = await http.PostAsync("/v1/chat/completions", Body("acme/good"));
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.InRange(int.Parse(third.Headers.GetValues("Retry-After").Single()), 1, 60);
    }

    /// <summary>1,000 at once against a budget for a few: what is charged never exceeds it, and every refusal is a 402 that reached nobody.</summary>
    [Fact]
    public async Task A_thousand_requests_at_once_never_charge_more_than_the_budget()
    {
        using HttpClient http = With("poor");
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => http.PostAsync("/v1/chat/completions", Body("acme/budget", ",\"max_tokens\":7"))));
        int served = answers.Count(static a => a.StatusCode == HttpStatusCode.OK);
        Assert.All(answers, static a => Assert.True(a.StatusCode is HttpStatusCode.OK or HttpStatusCode.PaymentRequired, a.StatusCode.ToString()));
        Assert.Equal(served, _fast.Arrivals("budget"));
        Assert.InRange(served, 1, 100_000 / 6_400);
        string left = (await http.PostAsync("/v1/chat/completions", Body("acme/budget"))).Headers.GetValues("x-fairlead-budget-remaining").Single();
        Assert.True(NanoDollars.TryParseDollars(left, out NanoDollars remaining));
        Assert.Equal(100_000 - served * 6_400, remaining.Value);
    }

    [Fact]
    public async Task The_same_idempotency_key_is_served_once_and_answered_twice_alike()
    {
        Answer first = await _yard.PostAsync("/v1/chat/completions", Chat("acme/once"), ("Idempotency-Key", "k-1"));
        Answer second = await _yard.PostAsync("/v1/chat/completions", Chat("acme/once"), ("Idempotency-Key", "k-1"));
        Assert.Equal((first.Status, first.Body, first.Header("x-fairlead-request-id")), (second.Status, second.Body, second.Header("x-fairlead-request-id")));
        Assert.Equal("true", second.Header("x-fairlead-replayed"));
        Assert.Equal(1, _fast.Arrivals("once"));
        Answer other = await _yard.PostAsync("/v1/chat/completions", Chat("acme/good"), ("Idempotency-Key", "k-1"));
        Assert.Equal((422, "idempotency_mismatch"), (other.Status, other.ErrorCode));
    }

    [Fact]
    public async Task A_second_request_with_a_running_idempotency_key_waits_its_turn()
    {
        var arrived = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        _fast.On("slowly", async (c, stop) =>
        {
            arrived.TrySetResult();
            await go.Task;
            await Scripts.Good()(c, stop);
        });
        Task<Answer> first = _yard.PostAsync("/v1/chat/completions", Chat("acme/slowly"), ("Idempotency-Key", "k-2"));
        await arrived.Task;
        Answer second = await _yard.PostAsync("/v1/chat/completions", Chat("acme/slowly"), ("Idempotency-Key", "k-2"));
        go.SetResult();
        Assert.Equal((409, "idempotency_in_flight"), (second.Status, second.ErrorCode));
        Assert.Equal(200, (await first).Status);
    }

    [Theory]
    [InlineData("", 400, "body_malformed")]
    [InlineData("[]", 400, "body_malformed")]
    [InlineData("{\"model\":\"acme/good\",\"model\":\"acme/x\",\"messages\":[]}", 400, "body_malformed")]
    [InlineData("{\"model\":\"acme/good\",\"mod\\u0065l\":\"acme/x\",\"messages\":[]}", 400, "body_malformed")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 400, "field_invalid")]
    [InlineData("{\"model\":7,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 400, "field_invalid")]
    [InlineData("{\"model\":\"acme/good\"}", 400, "field_invalid")]
    [InlineData("{\"model\":\"acme/good\",\"messages\":\"hi\"}", 400, "field_invalid")]
    [InlineData("{\"model\":\"acme/good\",\"messages\":[]}", 400, "field_invalid")]
    [InlineData("{\"model\":\"acme/good\",\"messages\":[{\"role\":\"user\",\"content\":\"\\ud83d\"}]}", 400, "body_malformed")]
    [InlineData("{\"model\":\"acme/good\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":NaN}", 400, "body_malformed")]
    [InlineData("{\"model\":\"acme/good\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":\"hot\"}", 400, "field_invalid")]
    [InlineData("{\"model\":\"acme/good\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":0}", 400, "field_invalid")]
    [InlineData("{\"model\":\"acme/good\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":\"yes\"}", 400, "field_invalid")]
    [InlineData("{\"model\":\"acme/good\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"api_base\":\"http://evil\"}", 400, "destination_not_yours")]
    [InlineData("{\"model\":\"acme/good\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"provider\":{\"onyl\":[]}}", 400, "field_invalid")]
    public async Task Bad_bodies_get_a_clear_refusal(string body, int status, string code)
    {
        Answer answer = await _yard.PostAsync("/v1/chat/completions", body);
        Assert.Equal((status, code), (answer.Status, answer.ErrorCode));
        Assert.InRange(answer.Json.GetProperty("error").GetProperty("message").GetString()!.Length, 20, 300);
    }

    [Theory]
    [InlineData("POST", "/v1/chat/completionz", 404, "route_unknown")]
    [InlineData("GET", "/v1/chat/completions", 405, "method_not_allowed")]
    [InlineData("DELETE", "/v1/models", 405, "method_not_allowed")]
    [InlineData("GET", "/api/keys", 404, "route_unknown")]
    [InlineData("GET", "/v1/models/acme/nobody", 404, "model_not_found")]
    public async Task Wrong_routes_and_methods_say_what_is_right(string method, string path, int status, string code)
    {
        using HttpResponseMessage response = await _yard.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(code, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("/v1/models/acme/good")]
    [InlineData("/v1/models/acme%2Fgood")]
    public async Task A_model_is_found_with_its_slash_in_either_form(string path)
    {
        using var anonymous = new HttpClient { BaseAddress = _yard.Http.BaseAddress };
        JsonElement model = JsonDocument.Parse(await anonymous.GetStringAsync(path)).RootElement;
        Assert.Equal("acme/good", model.GetProperty("id").GetString());
        Assert.Equal(["fast", "cheap"], model.GetProperty("providers").EnumerateArray().Select(static p => p.GetProperty("provider").GetString()));
    }

    [Fact]
    public async Task Browsers_of_any_origin_may_ask_and_read()
    {
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions");
        preflight.Headers.Add("Origin", "https://example.org");
        preflight.Headers.Add("Access-Control-Request-Headers", "authorization,content-type,x-hf-bill-to");
        using var anonymous = new HttpClient { BaseAddress = _yard.Http.BaseAddress };
        using HttpResponseMessage response = await anonymous.SendAsync(preflight);
        Assert.True(response.IsSuccessStatusCode);
        Assert.Equal("*", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Equal("authorization,content-type,x-hf-bill-to", response.Headers.GetValues("Access-Control-Allow-Headers").Single());
        Assert.Contains("x-inference-provider", (await anonymous.GetAsync("/v1/models")).Headers.GetValues("Access-Control-Expose-Headers").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_name_nobody_gave_us_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Host = "evil.test:8080";
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await _yard.Http.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task A_body_over_the_limit_and_a_compressed_one_are_refused_unread()
    {
        using var large = new StringContent(new string(' ', 21 << 20));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await _yard.Http.PostAsync("/v1/chat/completions", large)).StatusCode);
        using var zipped = new ByteArrayContent([1, 2, 3]);
        zipped.Headers.ContentEncoding.Add("gzip");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await _yard.Http.PostAsync("/v1/chat/completions", zipped)).StatusCode);
    }

    [Fact]
    public async Task Health_and_metrics_answer_without_a_key_on_this_machine()
    {
        await _yard.ChatAsync("acme/good");
        using var anonymous = new HttpClient { BaseAddress = _yard.Http.BaseAddress };
        Assert.Equal("ok", JsonDocument.Parse(await anonymous.GetStringAsync("/health")).RootElement.GetProperty("status").GetString());
        string page = await anonymous.GetStringAsync("/metrics");
        Assert.Contains("fairlead_requests_total{end_reason=\"ok\",route=\"chat\"} 1\n", page, StringComparison.Ordinal); // and not what the gateways of other tests in this process were asked
    }

    [Fact]
    public async Task Embeddings_come_in_the_form_that_was_asked_for()
    {
        _fast.On("embed", Scripts.Status(200, "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.5,-1]}],\"model\":\"m\",\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3}}"));
        Answer floats = await _yard.PostAsync("/v1/embeddings", "{\"model\":\"acme/embed\",\"input\":\"a\"}");
        Assert.Equal(0.5, floats.Json.GetProperty("data")[0].GetProperty("embedding")[0].GetDouble());
        Answer base64 = await _yard.PostAsync("/v1/embeddings", "{\"model\":\"acme/embed\",\"input\":\"a\",\"encoding_format\":\"base64\"}");
        Assert.Equal("AAAAPwAAgL8=", base64.Json.GetProperty("data")[0].GetProperty("embedding").GetString());
        Assert.Equal((400, "field_invalid"), await Code("/v1/embeddings", "{\"model\":\"acme/embed\",\"input\":[]}"));
    }

    [Fact]
    public async Task A_caller_who_waits_long_for_the_first_word_gets_comments_and_may_still_fall_over()
    {
        var go = new TaskCompletionSource();
        _fast.On("thinking", async (c, stop) =>
        {
            await go.Task;
            c.Reset();
        });
        _cheap.On("thinking", Scripts.Good());
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent("{\"model\":\"acme/thinking\",\"stream\":true,\"provider\":{\"order\":[\"fast\"]},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}") };
        using HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(": keep-alive", await reader.ReadLineAsync());
        go.SetResult();
        string rest = await reader.ReadToEndAsync();
        Assert.Contains("Hi there", rest, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_stays_with_its_provider()
    {
        Answer first = await _yard.PostAsync("/v1/chat/completions", Chat("acme/good"), ("X-HF-Session-id", "s1"));
        for (int i = 0; i < 5; i++)
        {
            Answer next = await _yard.PostAsync("/v1/chat/completions", Chat("acme/good"), ("X-HF-Session-id", "s1"));
            Assert.Equal(first.Header("x-fairlead-provider"), next.Header("x-fairlead-provider"));
        }
    }

    public async ValueTask InitializeAsync()
    {
        foreach (string model in new[] { "good", "once", "budget", "colon:latest" })
            _fast.On(model, Scripts.Good());
        _cheap.On("good", Scripts.Good());
        _cheap.On("halfbroken", Scripts.Good());
        _fast.On("broken", Scripts.Status(500, "{\"error\":{\"message\":\"boom\"}}"));
        _fast.On("halfbroken", Scripts.Status(500, "{\"error\":{\"message\":\"boom\"}}"));
        _fast.On("down", Scripts.Status(500, "{\"error\":{\"message\":\"boom\"}}"));
        _fast.On("gone", Scripts.Status(410, "{\"error\":\"The requested model is deprecated and no longer supported\"}"));
        ProviderSettings cheap = GatewayYard.Provider("cheap", _cheap.Url, "good", "halfbroken", "thinking");
        ProviderSettings embed = GatewayYard.Provider("embedder", _fast.Url, "embed");
        _yard = await GatewayYard.StartAsync(
            [
                GatewayYard.Provider("fast", _fast.Url, "good", "once", "budget", "broken", "halfbroken", "gone", "slowly", "colon:latest", "thinking"),
                cheap with { Models = [.. cheap.Models.Select(static m => m with { Price = new OfferPrice(new TokenPrice(new NanoDollars(100_000_000)), new TokenPrice(new NanoDollars(100_000_000))) })] },
                GatewayYard.Provider("falling", _fast.Url, "down"),
                embed with { Models = [embed.Models[0] with { Embeddings = true }] },
            ],
            settings => settings with
            {
                Dispatch = new DispatchSettings { Heartbeat = TimeSpan.FromMilliseconds(200) }, // nothing stalls here; a busy machine must not look as if something did
                Aliases = [new AliasSettings("house-chat", ["acme/good"])],
                Keys =
                [
                    .. settings.Keys,
                    new KeySettings("narrow", new KeyLimits { Models = ["house-chat"] }),
                    new KeySettings("slow", new KeyLimits { RequestsPerMinute = 2 }),
                    new KeySettings("poor", new KeyLimits { Budget = new Budget(new NanoDollars(100_000), BudgetPeriod.Day) }),
                ],
            });
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _fast.DisposeAsync();
        await _cheap.DisposeAsync();
    }

    private HttpClient With(string key)
    {
        var http = new HttpClient { BaseAddress = _yard.Http.BaseAddress };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _yard.KeyOf(key));
        return http;
    }

    private static StringContent Body(string model, string more = "") => new(Chat(model, more));

    private static string Chat(string model, string more = "") => $"{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{more}}}";

    private async Task<(int Status, string? Code)> StatusAndCode(string model)
    {
        Answer answer = await _yard.ChatAsync(model);
        return (answer.Status, answer.ErrorCode);
    }

    private async Task<(int Status, string? Code)> Code(string path, string body)
    {
        Answer answer = await _yard.PostAsync(path, body);
        return (answer.Status, answer.ErrorCode);
    }
}
