using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Promises;

/// <summary>What becomes of requests when a provider fails while others are well.</summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private const string Tools = ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}]";
    private readonly FaultWall _ill = new();
    private readonly FaultWall _well = new();
    private GatewayYard _yard = null!;

    /// <summary>U-47: nobody who could serve is left unasked, however many fail at one moment.</summary>
    [Fact]
    public async Task A_hundred_requests_that_fail_at_one_moment_are_all_served_by_who_is_well()
    {
        var everybody = new TaskCompletionSource();
        int waiting = 0;
        _ill.On("many", async (c, stop) =>
        {
            if (Interlocked.Increment(ref waiting) == 100)
                everybody.SetResult();
            await everybody.Task.WaitAsync(stop);
            await Scripts.Status(500, "{\"error\":{\"message\":\"boom\"}}")(c, stop);
        });
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => _yard.ChatAsync("acme/many", more: Ordered)));
        Assert.All(answers, static a => Assert.Equal((200, "well", "2"), (a.Status, a.Header("x-fairlead-provider"), a.Header("x-fairlead-attempts"))));
        Assert.Equal(100, _well.Arrivals("many"));
    }

    /// <summary>A repetition whose caller leaves gives its place back; a leak would end all repetitions after three of them.</summary>
    [Fact]
    public async Task Callers_who_leave_during_a_repetition_take_no_repetition_from_others()
    {
        for (int i = 0; i < 4; i++)
        {
            var second = new TaskCompletionSource();
            var gone = new TaskCompletionSource();
            int arrivals = 0;
            _ill.On("leaving", async (c, stop) =>
            {
                if (Interlocked.Increment(ref arrivals) == 1)
                {
                    await Scripts.Status(409, "{\"error\":{\"message\":\"conflict\"}}")(c, stop);
                    return;
                }
                second.SetResult();
                await c.UntilClosedAsync(stop);
                gone.SetResult();
            });
            using var abort = new CancellationTokenSource();
            Task<HttpResponseMessage> sending = _yard.Http.PostAsync("/v1/chat/completions", new StringContent("{\"model\":\"acme/leaving\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"), abort.Token);
            await second.Task.WaitAsync(GatewayYard.Patience);
            await abort.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
            await gone.Task.WaitAsync(GatewayYard.Patience);
        }
        int tries = 0;
        _ill.On("again", async (c, stop) => await (Interlocked.Increment(ref tries) == 1 ? Scripts.Status(409, "{\"error\":{\"message\":\"conflict\"}}") : Scripts.Good())(c, stop));
        Answer answer = await _yard.ChatAsync("acme/again");
        Assert.Equal((200, "2"), (answer.Status, answer.Header("x-fairlead-attempts")));
    }

    /// <summary>F225.</summary>
    [Fact]
    public async Task A_target_that_refuses_tools_is_asked_once_and_then_passed_over_for_requests_with_tools_only()
    {
        _ill.On("tools", static async (c, stop) => await (c.Body.Contains("\"tools\":[", StringComparison.Ordinal)
            ? Scripts.Status(400, "{\"error\":{\"message\":\"\\\"auto\\\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}")
            : Scripts.Good())(c, stop));
        Answer first = await _yard.ChatAsync("acme/tools", more: Tools + Ordered);
        Assert.Equal((200, "well", "2"), (first.Status, first.Header("x-fairlead-provider"), first.Header("x-fairlead-attempts")));
        Answer second = await _yard.ChatAsync("acme/tools", more: Tools + Ordered);
        Assert.Equal((200, "well", "1"), (second.Status, second.Header("x-fairlead-provider"), second.Header("x-fairlead-attempts")));
        JsonElement record = await _yard.RecordAsync(second);
        Assert.Equal("no_tools", record.GetProperty("excluded")[0].GetProperty("reason").GetString());
        Assert.Equal("ill", (await _yard.ChatAsync("acme/tools", more: Ordered)).Header("x-fairlead-provider"));
        Assert.Equal(2, _ill.Arrivals("tools"));
    }

    [Fact]
    public async Task A_prompt_too_long_for_one_goes_to_a_larger_window_and_to_no_other()
    {
        const string TooLong = "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens\",\"code\":\"context_length_exceeded\"}}";
        _ill.On("long", Scripts.Status(400, TooLong));
        Answer answer = await _yard.ChatAsync("acme/long", more: ",\"provider\":{\"order\":[\"ill-long\",\"narrow\"]}");
        Assert.Equal((200, "wide", "2"), (answer.Status, answer.Header("x-fairlead-provider"), answer.Header("x-fairlead-attempts")));
        Assert.Equal(0, _well.Arrivals("narrow-long"));
    }

    [Theory]
    [InlineData(404, "{\"error\":{\"message\":\"The model `disguised` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations\",\"code\":\"model_not_found\"}}")]
    [InlineData(400, "{\"error\":{\"message\":\"The model `disguised` has been decommissioned and is no longer supported.\",\"code\":\"model_decommissioned\"}}")]
    [InlineData(410, "<html><body>Gone</body></html>")]
    [InlineData(400, "{\"error\":{\"code\":\"1221\",\"message\":\"API retired\"}}")]
    [InlineData(404, "{\"error\":{\"message\":\"The requested model is no longer available.\"}}")]
    public async Task A_model_that_is_gone_in_whatever_disguise_is_taken_out_at_once_and_stays_out_over_a_restart(int status, string body)
    {
        await using var wall = new FaultWall();
        wall.On("disguised", Scripts.Status(status, body));
        ProviderSettings[] providers = [GatewayYard.Provider("seller", wall.Url, "disguised")];
        await using GatewayYard yard = await GatewayYard.StartAsync(providers);
        for (int i = 0; i < 3; i++)
        {
            Answer answer = await yard.ChatAsync("acme/disguised");
            Assert.Equal((410, "upstream_gone"), (answer.Status, answer.ErrorCode));
        }
        await using GatewayYard restarted = await yard.RestartAsync();
        Assert.Equal(410, (await restarted.ChatAsync("acme/disguised")).Status);
        Assert.Equal(1, wall.Arrivals("disguised"));
    }

    /// <summary>F240.</summary>
    [Fact]
    public async Task A_client_that_repeats_by_itself_gets_no_repetition_from_us()
    {
        _ill.On("repeating", Scripts.Status(503, "{\"error\":{\"message\":\"busy\"}}"));
        const string Body = "{\"model\":\"acme/repeating\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
        Assert.Equal("1", (await _yard.PostAsync("/v1/chat/completions", Body, ("X-Stainless-Retry-Count", "2"))).Header("x-fairlead-attempts"));
        Assert.Equal("2", (await _yard.PostAsync("/v1/chat/completions", Body, ("X-Stainless-Retry-Count", "0"))).Header("x-fairlead-attempts"));
        Assert.Equal("2", (await _yard.PostAsync("/v1/chat/completions", Body, ("X-Stainless-Retry-Count", "nonsense"))).Header("x-fairlead-attempts"));
    }

    [Fact]
    public async Task What_a_provider_says_loses_its_keys_and_addresses_before_anybody_reads_it()
    {
        _ill.On("chatty", Scripts.Status(500, "{\"error\":{\"message\":\"boom at http://10.0.0.7:8080/internal?key=abc and redis://cache:6379 with sk-live-abcdefgh12345678 (api_key=verysecret) on db.svc.cluster.local:5432, see https://status.example.com/incident\"}}"));
        Answer answer = await _yard.ChatAsync("acme/chatty");
        string record = (await _yard.RecordAsync(answer)).GetRawText();
        foreach (string text in new[] { answer.Body, record })
        {
            foreach (string secret in new[] { "10.0.0.7", "6379", "abcdefgh12345678", "verysecret", "svc.cluster" })
                Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
            Assert.Contains("https://status.example.com/incident", text, StringComparison.Ordinal);
        }
    }

    private const string Ordered = ",\"provider\":{\"order\":[\"ill\",\"well\"]}";

    public async ValueTask InitializeAsync()
    {
        _well.On("many", Scripts.Good());
        _well.On("tools", Scripts.Good());
        _well.On("narrow-long", Scripts.Good());
        _well.On("wide-long", Scripts.Good());
        ProviderModelSettings LongModel(string name, long context) => GatewayYard.Provider("x", _well.Url, "long").Models[0] with { ProviderModelId = name, ContextLength = context };
        _yard = await GatewayYard.StartAsync(
            [
                GatewayYard.Provider("ill", _ill.Url, "many", "leaving", "again", "tools", "chatty", "repeating"),
                GatewayYard.Provider("well", _well.Url, "many", "tools"),
                GatewayYard.Provider("narrow", _well.Url) with { Models = [LongModel("narrow-long", 8_192)] },
                GatewayYard.Provider("wide", _well.Url) with { Models = [LongModel("wide-long", 131_072)] },
                GatewayYard.Provider("ill-long", _ill.Url) with { Models = [LongModel("long", 8_192)] },
            ],
            static settings => settings with { Dispatch = new DispatchSettings() }); // nothing stalls here; a busy machine must not look as if something did
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _ill.DisposeAsync();
        await _well.DisposeAsync();
    }
}
