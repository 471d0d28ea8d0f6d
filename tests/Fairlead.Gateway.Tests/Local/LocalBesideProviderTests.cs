using System.Text.Json;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;
using Fairlead.Shared;

namespace Fairlead.Gateway.Tests.Local;

/// <summary>A model of one's own that a provider serves too: one Hub id, two offers, and each stands in for the other where the caller lets it.</summary>
public sealed class LocalBesideProviderTests : IAsyncLifetime
{
    private const string LocalFirst = ",\"provider\":{\"order\":[\"local\"]}", ProviderFirst = ",\"provider\":{\"order\":[\"alpha\"]}";

    private readonly FaultWall _wall = new();
    private readonly TempFolder _folder = new();
    private GatewayYard _yard = null!;

    private string[] Notes => File.Exists(_folder["journal"]) ? File.ReadAllLines(_folder["journal"]) : [];

    [Theory]
    [InlineData("acme/good:local", "")]
    [InlineData("local/good", "")]
    [InlineData("acme/good", LocalFirst)]
    [InlineData("acme/good", ",\"provider\":{\"only\":[\"local\"]}")]
    [InlineData("acme/good", ",\"provider\":{\"ignore\":[\"alpha\"]}")]
    [InlineData("acme/good:cheapest", "")] // the machine is one's own
    public async Task It_answers_to_its_hub_id_pinned_preferred_or_alone_and_to_its_own_name(string model, string more)
    {
        Answer answer = await _yard.ChatAsync(model, more: more);
        Assert.Equal((200, "local", "acme/good", "1"), (answer.Status, answer.Header("x-fairlead-provider"), answer.Header("x-fairlead-model"), answer.Header("x-fairlead-attempts")));
        Assert.Equal(0, _wall.Arrivals("good"));
    }

    [Theory]
    [InlineData("acme/good:alpha", "")]
    [InlineData("acme/good", ",\"provider\":{\"ignore\":[\"local\"]}")]
    [InlineData("acme/good", ProviderFirst)]
    public async Task Who_excludes_it_or_prefers_another_has_it_not_even_started(string model, string more)
    {
        _wall.On("good", Scripts.Good("from alpha"));
        Answer answer = await _yard.ChatAsync(model, more: more);
        Assert.Equal((200, "alpha", "from alpha"), (answer.Status, answer.Header("x-fairlead-provider"), answer.Content));
        Assert.Empty(Notes);
    }

    [Theory]
    [InlineData("dies-early", false, "worker_crash")]
    [InlineData("dies-early", true, "worker_crash")]
    [InlineData("fails", false, "worker_load_failed")]
    [InlineData("fails", true, "worker_load_failed")]
    public async Task A_provider_answers_when_the_local_model_dies_before_its_first_word_or_cannot_be_loaded(string model, bool stream, string fault)
    {
        _wall.On(model, Scripts.Good("from alpha"));
        bool loads = model != "fails";
        if (loads)
            await _yard.Server.LoadAsync("local/" + model, TestContext.Current.CancellationToken);
        Answer answer = await _yard.ChatAsync("acme/" + model, stream, LocalFirst);
        Assert.Equal((200, "from alpha"), (answer.Status, answer.Content));
        if (loads || !stream) // a stream that waits for a load may have begun before it is known who answers
            Assert.Equal(("alpha", "2", "acme/" + model), (answer.Header("x-fairlead-provider"), answer.Header("x-fairlead-attempts"), answer.Header("x-fairlead-model")));
        JsonElement attempts = (await _yard.RecordAsync(answer)).GetProperty("attempts");
        Assert.Equal(("local/" + model, fault), (attempts[0].GetProperty("offer").GetString(), attempts[0].GetProperty("fault").GetString()));
        Assert.Equal(("alpha/" + model, JsonValueKind.Null), (attempts[1].GetProperty("offer").GetString(), attempts[1].GetProperty("fault").ValueKind));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_local_model_answers_when_the_provider_fails(bool stream)
    {
        _wall.On("good", Scripts.Status(500, "{\"error\":{\"message\":\"boom\"}}"));
        await _yard.Server.LoadAsync("local/good", TestContext.Current.CancellationToken);
        Answer answer = await _yard.ChatAsync("acme/good", stream, ProviderFirst);
        Assert.Equal((200, "local", "2"), (answer.Status, answer.Header("x-fairlead-provider"), answer.Header("x-fairlead-attempts")));
        JsonElement attempts = (await _yard.RecordAsync(answer)).GetProperty("attempts");
        Assert.Equal("server_error", attempts[0].GetProperty("fault").GetString());
    }

    [Fact]
    public async Task A_stream_that_begins_while_its_model_is_loaded_does_not_name_the_provider_that_failed_before()
    {
        _wall.On("loads", Scripts.Status(500, "{\"error\":{\"message\":\"boom\"}}"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent($"{{\"model\":\"acme/loads\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{ProviderFirst}}}"),
        };
        using HttpResponseMessage response = await _yard.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.False(response.Headers.Contains("x-fairlead-provider") || response.Headers.Contains("x-fairlead-attempts"), response.Headers.ToString());
        Assert.True(response.Headers.Contains("x-fairlead-cold"));
        File.WriteAllText(_folder["journal.go"], "");
        await GatewayYard.HearAsync(response, @"data: \[DONE]");
    }

    [Fact]
    public async Task Who_does_not_wait_is_answered_by_the_provider_while_the_model_is_loaded_for_the_next()
    {
        _wall.On("good", Scripts.Good("from alpha"));
        string body = $"{{\"model\":\"acme/good\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{LocalFirst}}}";
        Answer first = await _yard.PostAsync("/v1/chat/completions", body, ("x-wait-for-model", "false"));
        Assert.Equal((200, "alpha", "2"), (first.Status, first.Header("x-fairlead-provider"), first.Header("x-fairlead-attempts")));
        await ScriptedWorker.UntilAsync(() => _yard.Http.GetStringAsync("/v1/models/local/good").GetAwaiter().GetResult().Contains("\"state\":\"ready\"", StringComparison.Ordinal), "the model is loaded");
        Answer second = await _yard.PostAsync("/v1/chat/completions", body, ("x-wait-for-model", "false"));
        Assert.Equal((200, "local", "1"), (second.Status, second.Header("x-fairlead-provider"), second.Header("x-fairlead-attempts")));
    }

    [Fact]
    public async Task While_it_rests_after_a_failure_the_provider_answers_at_once_and_who_wants_no_other_hears_why()
    {
        _wall.On("fails", Scripts.Good("from alpha"));
        await using GatewayYard yard = await StartAsync(TimeSpan.FromSeconds(60));
        Assert.Equal("2", (await yard.ChatAsync("acme/fails", more: LocalFirst)).Header("x-fairlead-attempts"));
        Answer second = await yard.ChatAsync("acme/fails", more: LocalFirst);
        Assert.Equal(("from alpha", "1"), (second.Content, second.Header("x-fairlead-attempts")));
        JsonElement excluded = (await yard.RecordAsync(second)).GetProperty("excluded")[0];
        Assert.Equal(("local/fails", "cooling_down"), (excluded.GetProperty("offer").GetString(), excluded.GetProperty("reason").GetString()));
        for (int i = 0; i < 2; i++)
        {
            Answer pinned = await yard.ChatAsync("acme/fails:local");
            Assert.Equal((503, "worker_load_failed"), (pinned.Status, pinned.ErrorCode));
            Assert.Contains("the header is no JSON", pinned.Body, StringComparison.Ordinal);
            Assert.InRange(int.Parse(pinned.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 60);
        }
        Assert.Single(Notes, "start");
    }

    [Fact]
    public async Task Who_allows_no_fallback_hears_of_the_local_models_death()
    {
        _wall.On("dies-early", Scripts.Good());
        Answer answer = await _yard.ChatAsync("acme/dies-early", more: ",\"provider\":{\"order\":[\"local\"],\"allow_fallbacks\":false}");
        Assert.Equal((502, "worker_crash"), (answer.Status, answer.ErrorCode));
        Assert.Equal(0, _wall.Arrivals("dies-early"));
    }

    [Fact]
    public async Task After_the_first_word_nothing_is_replayed_elsewhere()
    {
        Answer answer = await _yard.ChatAsync("acme/dies-late", stream: true, LocalFirst);
        Assert.Equal((200, "worker_crash", "one two "), (answer.Status, answer.ErrorCode, answer.Content));
        Assert.Equal(0, _wall.Arrivals("dies-late"));
    }

    [Fact]
    public async Task The_catalogue_has_one_model_with_two_offers()
    {
        using HttpResponseMessage response = await _yard.Http.GetAsync("/v1/models/acme%2Fgood");
        JsonElement[] offers = [.. new Answer(response, await response.Content.ReadAsStringAsync()).Json.GetProperty("providers").EnumerateArray()];
        Assert.Equal(["alpha", "local"], offers.Select(static o => o.GetProperty("provider").GetString()));
        Assert.Equal([false, true], offers.Select(static o => o.GetProperty("is_free").GetBoolean()));
    }

    public async ValueTask InitializeAsync() => _yard = await StartAsync(TimeSpan.FromMilliseconds(20));

    private Task<GatewayYard> StartAsync(TimeSpan firstRest)
    {
        string[] behaviours = ["good", "fails", "dies-early", "dies-late", "loads"];
        return GatewayYard.StartAsync([GatewayYard.Provider("alpha", _wall.Url, behaviours)], s => s with
        {
            Worker = new WorkerCommand(ScriptedWorker.Command.Program, [.. ScriptedWorker.Command.Arguments]),
            Fleet = new FleetSettings { FirstRest = firstRest },
            Local = [.. behaviours.Select(b => new LocalModelSettings(b, $"{(b == "loads" ? "good,hold=load" : b)}@{_folder["journal"]}") { HubId = "acme/" + b })],
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
        _folder.Dispose();
    }
}
