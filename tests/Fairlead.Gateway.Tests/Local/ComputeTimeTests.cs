using System.Text.Json;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;
using Fairlead.Shared;

namespace Fairlead.Gateway.Tests.Local;

/// <summary>What a model of one's own costs: the time that it computes at a price by the hour, on the real path, with real workers that wait for the test's
/// word and a clock that only the test moves. $0.60 an hour is 166,666⅔ nano-dollars a second.</summary>
public sealed class ComputeTimeTests : IAsyncLifetime
{
    private static readonly NanoDollars HourlyPrice = new(600_000_000);

    private readonly FaultWall _wall = new();
    private readonly TempFolder _folder = new();
    private readonly StandingTime _time = new();
    private GatewayYard _yard = null!;

    private string[] Notes => File.Exists(_folder["journal"]) ? File.ReadAllLines(_folder["journal"]) : [];

    [Theory]
    [InlineData("held", false, 3_000, 500_000)]
    [InlineData("held", true, 3_000, 500_000)]
    [InlineData("held", false, 1_000, 166_667)]
    [InlineData("held", true, 1_000, 166_667)]
    [InlineData("held", false, 0, 0)]
    [InlineData("gift", false, 3_000, 0)]
    [InlineData("gift", true, 3_000, 0)]
    public async Task The_time_is_charged_to_the_nano_dollar_and_told_in_every_place_streamed_and_whole_alike(string model, bool stream, int ms, long nano)
    {
        Task<Answer> asking = _yard.ChatAsync("local/" + model, stream, ",\"stream_options\":{\"include_usage\":true}");
        await ComputeAsync(TimeSpan.FromMilliseconds(ms));
        Answer answer = await asking;

        Assert.Equal(200, answer.Status);
        var cost = new NanoDollars(nano);
        decimal seconds = ms / 1000m;
        JsonElement usage = stream ? answer.Events.Last().GetProperty("usage") : answer.Json.GetProperty("usage");
        Assert.Equal(nano / 1e9m, usage.GetProperty("cost").GetDecimal());
        Assert.Equal(ms == 0 ? (decimal?)null : seconds, usage.TryGetProperty("compute_seconds", out JsonElement told) ? told.GetDecimal() : null);
        Assert.Equal(3, usage.GetProperty("prompt_tokens").GetInt32());
        if (!stream) // a stream's headers leave before either is known
            Assert.Equal((cost.ToString(), seconds), (answer.Header("x-fairlead-cost"), decimal.Parse(answer.Header("x-compute-time")!)));

        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal((nano, "ok"), (record.GetProperty("cost_nano_usd").GetInt64(), record.GetProperty("end_reason").GetString()));
        Assert.Equal(seconds, record.GetProperty("usage").GetProperty("compute_seconds").GetDecimal());
        Assert.Equal((model == "held" ? HourlyPrice : NanoDollars.Zero).ToString(), record.GetProperty("price").GetProperty("hourly").GetString());
        // Held was all the time that a request may take, of what is free nothing.
        Assert.Equal(model == "held" ? 600_000_000L * 60 / 3600 : 0, record.GetProperty("reserved_nano_usd").GetInt64());
        await HoldsAsync();

        (_, JsonElement sums) = await _yard.AdminAsync(HttpMethod.Get, "/api/usage?by=model");
        JsonElement sum = Assert.Single(sums.EnumerateArray());
        Assert.Equal((cost.ToString(), seconds), (sum.GetProperty("cost_usd").GetString(), sum.GetProperty("compute_seconds").GetDecimal()));
    }

    [Fact]
    public async Task Waiting_for_a_load_costs_nothing()
    {
        Task<Answer> asking = _yard.ChatAsync("local/loads");
        await ScriptedWorker.UntilAsync(() => Notes.Contains("start"), "the worker begins to load");
        _time.Advance(TimeSpan.FromSeconds(7));
        Go();
        Answer answer = await asking;

        Assert.Equal((200, "0.000000000", "0"), (answer.Status, answer.Header("x-fairlead-cost"), answer.Header("x-compute-time")));
        JsonElement attempt = Assert.Single((await _yard.RecordAsync(answer)).GetProperty("attempts").EnumerateArray());
        Assert.Equal(7_000, attempt.GetProperty("connected_ms").GetDouble() - attempt.GetProperty("start_ms").GetDouble());
    }

    [Fact]
    public async Task A_stream_that_breaks_off_costs_its_time_until_then()
    {
        Task<Answer> asking = _yard.ChatAsync("local/breaks", stream: true);
        await ComputeAsync(TimeSpan.FromSeconds(6));
        Answer answer = await asking;

        Assert.Equal((200, "worker_crash", "one two "), (answer.Status, answer.ErrorCode, answer.Content));
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal((1_000_000, 0, "worker_crash"), Money(record));
        Assert.Equal(6m, record.GetProperty("usage").GetProperty("compute_seconds").GetDecimal());
        await HoldsAsync();
    }

    [Fact]
    public async Task Where_what_broke_off_is_not_billed_its_time_is_the_platforms_waste()
    {
        await _yard.ApplyAsync(static s => s with { Dispatch = s.Dispatch with { BillDelivered = false } });
        Task<Answer> asking = _yard.ChatAsync("local/breaks", stream: true);
        await ComputeAsync(TimeSpan.FromSeconds(6));

        JsonElement record = await _yard.RecordAsync(await asking);
        Assert.Equal((0, 1_000_000, "worker_crash"), Money(record));
        Assert.Equal(0m, record.GetProperty("usage").GetProperty("compute_seconds").GetDecimal());
        await HoldsAsync();
    }

    [Fact]
    public async Task Who_hangs_up_in_mid_stream_pays_for_the_time_until_then()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(Chat("held", stream: true)) };
        using (HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            await GatewayYard.HearAsync(response, "one ");
            _time.Advance(TimeSpan.FromSeconds(3));
        }
        await ScriptedWorker.UntilAsync(() => Notes.Contains("left"), "the worker sees its caller go");

        Assert.Equal((500_000, 0, "client_gone"), Money(await OnlyRecordAsync()));
        await HoldsAsync();
    }

    [Fact]
    public async Task Who_hangs_up_on_a_whole_answer_got_nothing_and_pays_nothing_and_the_time_is_waste()
    {
        using var abort = new CancellationTokenSource();
        Task<HttpResponseMessage> asking = _yard.Http.PostAsync("/v1/chat/completions", new StringContent(Chat("held", stream: false)), abort.Token);
        await ScriptedWorker.UntilAsync(() => Notes.Contains("request"), "the worker has the request");
        _time.Advance(TimeSpan.FromSeconds(3));
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        await ScriptedWorker.UntilAsync(() => Notes.Contains("left"), "the worker sees its caller go");

        Assert.Equal((0, 500_000, "client_gone"), Money(await OnlyRecordAsync()));
        await HoldsAsync();
    }

    [Fact]
    public async Task Who_leaves_while_a_model_loads_has_cost_nobody_anything()
    {
        using var abort = new CancellationTokenSource();
        Task<HttpResponseMessage> asking = _yard.Http.PostAsync("/v1/chat/completions", new StringContent(Chat("loads", stream: false)), abort.Token);
        await ScriptedWorker.UntilAsync(() => Notes.Contains("start"), "the worker begins to load");
        _time.Advance(TimeSpan.FromSeconds(7));
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);

        Assert.Equal((0, 0, "client_gone"), Money(await OnlyRecordAsync()));
        await HoldsAsync();
    }

    /// <summary>And what a failed attempt has cost is booked although another one answered.</summary>
    [Fact]
    public async Task A_model_that_dies_before_its_answer_costs_its_caller_nothing_and_the_provider_after_it_is_charged_alone()
    {
        _wall.On("dies", Scripts.Good("from alpha"));
        Task<Answer> asking = _yard.ChatAsync("acme/dies", more: ",\"provider\":{\"order\":[\"local\"]}");
        await ComputeAsync(TimeSpan.FromSeconds(3));
        Answer answer = await asking;

        Assert.Equal((200, "from alpha", "0.000006400", null), (answer.Status, answer.Content, answer.Header("x-fairlead-cost"), answer.Header("x-compute-time")));
        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal((6_400, 500_000, "ok"), Money(record));
        Assert.Equal(0m, record.GetProperty("usage").GetProperty("compute_seconds").GetDecimal());
        Assert.Equal(JsonValueKind.Null, record.GetProperty("price").GetProperty("hourly").ValueKind);
        await HoldsAsync();
    }

    [Fact]
    public async Task An_answer_that_took_longer_than_was_held_costs_what_was_held_and_the_rest_is_written_off()
    {
        Task<Answer> asking = _yard.ChatAsync("local/held"); // without max_tokens: tokens beyond what is held would be charged
        await ComputeAsync(TimeSpan.FromSeconds(90));
        Answer answer = await asking;

        JsonElement record = await _yard.RecordAsync(answer);
        Assert.Equal((10_000_000, 5_000_000, 10_000_000), (record.GetProperty("cost_nano_usd").GetInt64(), record.GetProperty("written_off_nano_usd").GetInt64(), record.GetProperty("reserved_nano_usd").GetInt64()));
        await HoldsAsync();
    }

    [Fact]
    public async Task A_price_that_changes_while_a_request_runs_is_the_next_ones()
    {
        Task<Answer> asking = _yard.ChatAsync("local/held");
        await ScriptedWorker.UntilAsync(() => Notes.Contains("request"), "the worker has the request");
        await _yard.ApplyAsync(static s => s with { Local = [.. s.Local.Select(static m => m with { HourlyPrice = new NanoDollars(36 * NanoDollars.PerDollar) })] });
        await ComputeAsync(TimeSpan.FromSeconds(3));
        JsonElement record = await _yard.RecordAsync(await asking);

        Assert.Equal((500_000, 0, "ok"), Money(record));
        Assert.Equal(HourlyPrice.ToString(), record.GetProperty("price").GetProperty("hourly").GetString());
        Assert.Equal("{\"per_hour\":36}", (await OfferAsync("held")).GetProperty("pricing").GetRawText());
        await HoldsAsync();
    }

    [Fact]
    public async Task A_repetition_is_answered_with_the_first_ones_figures_and_computes_nothing()
    {
        Task<Answer> asking = _yard.PostAsync("/v1/chat/completions", Chat("held", stream: false), ("Idempotency-Key", "once"));
        await ComputeAsync(TimeSpan.FromSeconds(3));
        Answer first = await asking;
        _time.Advance(TimeSpan.FromSeconds(3));
        Answer second = await _yard.PostAsync("/v1/chat/completions", Chat("held", stream: false), ("Idempotency-Key", "once"));

        Assert.Equal((first.Body, "0.000500000", "3", "true"), (second.Body, second.Header("x-fairlead-cost"), second.Header("x-compute-time"), second.Header("x-fairlead-replayed")));
        Assert.Single(Notes, "request");
        Assert.Equal((500_000, 0, "ok"), Money(await OnlyRecordAsync()));
    }

    [Fact]
    public async Task A_budget_that_does_not_cover_the_longest_answer_refuses_it_before_it_is_asked()
    {
        using HttpClient poor = _yard.Client(_yard.KeyOf("poor"));
        using HttpResponseMessage response = await poor.PostAsync("/v1/chat/completions", new StringContent(Chat("held", stream: false)), TestContext.Current.CancellationToken);
        var answer = new Answer(response, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal((402, "budget_reached"), (answer.Status, answer.ErrorCode));
        Assert.Contains("this request may cost up to $0.01.", answer.Body, StringComparison.Ordinal);
        Assert.Empty(Notes);
    }

    [Fact]
    public async Task The_catalogue_tells_the_hour_and_never_a_token_for_nothing()
    {
        JsonElement priced = await OfferAsync("held");
        Assert.False(priced.GetProperty("is_free").GetBoolean());
        Assert.Equal("{\"per_hour\":0.6}", priced.GetProperty("pricing").GetRawText());
        JsonElement gift = await OfferAsync("gift");
        Assert.True(gift.GetProperty("is_free").GetBoolean());
        Assert.Equal("{\"input\":0,\"output\":0}", gift.GetProperty("pricing").GetRawText());

        (_, JsonElement models) = await _yard.AdminAsync(HttpMethod.Get, "/api/models?search=local/held");
        JsonElement offer = models[0].GetProperty("offers")[0];
        Assert.Equal(("0.6", JsonValueKind.Null), (offer.GetProperty("per_hour").GetString(), offer.GetProperty("input").ValueKind));
    }

    [Fact]
    public async Task A_limit_per_token_takes_out_what_is_priced_by_the_hour_and_says_so()
    {
        Answer refused = await _yard.ChatAsync("local/held", more: ",\"provider\":{\"max_price\":{\"completion\":1000}}");
        Assert.Equal("no_offer_fits", refused.ErrorCode);
        Assert.Contains("priced by the hour", refused.Body, StringComparison.Ordinal);
        _wall.On("dies", Scripts.Good("from alpha"));
        Answer other = await _yard.ChatAsync("acme/dies", more: ",\"provider\":{\"max_price\":{\"completion\":1000},\"order\":[\"local\"]}");
        Assert.Equal((200, "from alpha"), (other.Status, other.Content));
        JsonElement excluded = Assert.Single((await _yard.RecordAsync(other)).GetProperty("excluded").EnumerateArray());
        Assert.Equal(("local/dies", "priced_by_time"), (excluded.GetProperty("offer").GetString(), excluded.GetProperty("reason").GetString()));
        Assert.Empty(Notes);
    }

    public async ValueTask InitializeAsync()
    {
        LocalModelSettings Model(string name, string script) => new(name, $"{script}@{_folder["journal"]}") { HourlyPrice = HourlyPrice };
        _yard = await GatewayYard.StartAsync([GatewayYard.Provider("alpha", _wall.Url, "dies")], s => s with
        {
            Worker = new WorkerCommand(ScriptedWorker.Command.Program, [.. ScriptedWorker.Command.Arguments]),
            Local =
            [
                Model("held", "good,hold=answer"),
                Model("gift", "good,hold=answer") with { HourlyPrice = NanoDollars.Zero },
                Model("loads", "good,hold=load"),
                Model("breaks", "dies-late,hold=answer"),
                Model("dies", "dies-early,hold=answer") with { HubId = "acme/dies" },
            ],
            Keys = [.. s.Keys, new KeySettings("poor", new KeyLimits { Budget = new Budget(new NanoDollars(9_999_999), BudgetPeriod.Month) })],
            // The clock does not go by itself: the long ones are not reached, and none ends what the test holds.
            Dispatch = new DispatchSettings { Total = TimeSpan.FromSeconds(60), Headers = TimeSpan.FromMinutes(10), FirstToken = TimeSpan.FromMinutes(10), Idle = TimeSpan.FromMinutes(10) },
        }, _time);
    }

    public async ValueTask DisposeAsync()
    {
        Go(); // what a test left held must not keep the server from stopping
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
        _folder.Dispose();
    }

    private static string Chat(string model, bool stream) =>
        $"{{\"model\":\"local/{model}\",\"stream\":{(stream ? "true" : "false")},\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}";

    private static (long Cost, long Waste, string? Ended) Money(JsonElement record) =>
        (record.GetProperty("cost_nano_usd").GetInt64(), record.GetProperty("waste_nano_usd").GetInt64(), record.GetProperty("end_reason").GetString());

    /// <summary>Lets so much time pass while the worker has the request, and then has it go on.</summary>
    private async Task ComputeAsync(TimeSpan time)
    {
        await ScriptedWorker.UntilAsync(() => Notes.Contains("request"), "the worker has the request");
        _time.Advance(time);
        Go();
    }

    private void Go() => File.WriteAllText(_folder["journal.go"], "");

    private async Task HoldsAsync()
    {
        (_, JsonElement ledger) = await _yard.AdminAsync(HttpMethod.Get, "/api/ledger/verify");
        Assert.True(ledger.GetProperty("holds").GetBoolean(), ledger.GetRawText());
    }

    private async Task<JsonElement> OfferAsync(string model)
    {
        string text = await _yard.Http.GetStringAsync("/v1/models/local/" + model, TestContext.Current.CancellationToken);
        return JsonDocument.Parse(text).RootElement.GetProperty("providers")[0].Clone();
    }

    /// <summary>The record of the one request there was, once it is closed.</summary>
    private async Task<JsonElement> OnlyRecordAsync()
    {
        JsonElement requests = default;
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        do
        {
            (_, requests) = await _yard.AdminAsync(HttpMethod.Get, "/api/requests");
        }
        while (requests.GetArrayLength() == 0 && await poll.WaitForNextTickAsync(TestContext.Current.CancellationToken));
        string? id = Assert.Single(requests.EnumerateArray()).GetProperty("id").GetString();
        return JsonDocument.Parse(await _yard.Http.GetStringAsync($"/v1/requests/{id}", TestContext.Current.CancellationToken)).RootElement.Clone();
    }
}
