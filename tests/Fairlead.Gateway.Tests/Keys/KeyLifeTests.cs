using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Keys;

/// <summary>What becomes of a key from its creation to its end, over real sockets: the admin API makes and ends it, the data plane is asked with it.</summary>
public sealed class KeyLifeTests : IAsyncLifetime
{
    private readonly FaultWall _wall = new();
    private readonly ShiftedTime _time = new(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));
    private GatewayYard _yard = null!;

    [Fact]
    public async Task A_key_has_37_characters_begins_with_hf_and_is_shown_once()
    {
        string key = await _yard.MakeKeyAsync("shown", ",\"models\":[\"acme/good\"],\"budget\":\"5/day\",\"rpm\":60,\"tpm\":100000,\"parallel\":4,\"expires\":\"90d\"");
        Assert.Matches("^hf_FL[0-9A-Za-z]{32}$", key);
        (int status, JsonElement list) = await _yard.AdminAsync(HttpMethod.Get, "/api/keys");
        Assert.Equal(200, status);
        Assert.DoesNotContain(key[5..^4], list.GetRawText(), StringComparison.Ordinal);
        JsonElement shown = list.EnumerateArray().Single(static k => k.GetProperty("name").GetString() == "shown");
        Assert.Equal(key[^4..], shown.GetProperty("tail").GetString());
    }

    /// <summary>C-02: nothing on the disk holds eight characters in a row of a secret, but for the files that hand a key over once.</summary>
    [Fact]
    public async Task No_file_but_its_own_holds_any_part_of_a_key()
    {
        var keys = new List<string>();
        for (int i = 0; i < 50; i++)
            keys.Add(await _yard.MakeKeyAsync($"canary-{i}"));
        foreach (string key in keys)
            Assert.Equal(200, await AskAsync(key));
        var parts = new HashSet<string>(keys.SelectMany(static key => Enumerable.Range(5, key.Length - 5 - 8 + 1).Select(at => key.Substring(at, 8))));
        foreach (string file in Directory.EnumerateFiles(_yard.Folder, "*", SearchOption.AllDirectories).Where(static f => Path.GetFileName(f) is not ("lock" or "control.sock")))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy);
            string text = System.Text.Encoding.Latin1.GetString(copy.ToArray());
            for (int at = 0; at + 8 <= text.Length; at++)
                Assert.False(parts.Contains(text.Substring(at, 8)), $"{file} holds a part of a key");
        }
    }

    [Fact]
    public async Task A_revoked_key_is_unknown_from_the_next_request_on()
    {
        string key = await _yard.MakeKeyAsync("gone");
        Assert.Equal(200, await AskAsync(key));
        Assert.Equal(200, (await _yard.AdminAsync(HttpMethod.Post, "/api/keys/gone/revoke")).Status);
        Assert.Equal(401, await AskAsync(key));
        _yard = await _yard.RestartAsync();
        Assert.Equal(401, await AskAsync(key));
    }

    [Fact]
    public async Task A_stream_whose_key_is_revoked_ends_at_its_next_event_and_is_paid_up_to_there()
    {
        string key = await _yard.MakeKeyAsync("cut");
        var go = new TaskCompletionSource();
        _wall.On("long", async (c, stop) =>
        {
            await c.SendAsync(Scripts.Sse);
            await c.ChunkAsync(Scripts.Chunk("{\"role\":\"assistant\",\"content\":\"first\"}"));
            await go.Task;
            await c.ChunkAsync(Scripts.Chunk("{\"content\":\"second\"}"));
            await c.UntilClosedAsync(stop);
        });
        using HttpClient http = _yard.Client(key);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(Chat("acme/long", ",\"stream\":true")) };
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Contains("first", await reader.ReadLineAsync(), StringComparison.Ordinal);
        await _yard.AdminAsync(HttpMethod.Post, "/api/keys/cut/revoke");
        go.SetResult();
        string rest = await reader.ReadToEndAsync();
        Assert.Contains("\"key_unknown\"", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("second", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", rest, StringComparison.Ordinal);
        (_, JsonElement record) = await _yard.AdminAsync(HttpMethod.Get, "/api/requests/" + response.Headers.GetValues("x-fairlead-request-id").Single());
        Assert.Equal("rejected_auth", record.GetProperty("end_reason").GetString());
        Assert.InRange(record.GetProperty("cost_nano_usd").GetInt64(), 1, record.GetProperty("reserved_nano_usd").GetInt64());
    }

    [Theory]
    [InlineData("{}", 401)]
    [InlineData("{\"overlap\":\"24h\"}", 200)]
    public async Task After_a_rotation_the_old_secret_is_good_for_the_overlap_and_no_longer(string body, int oldStatus)
    {
        string old = await _yard.MakeKeyAsync("turning");
        (int status, JsonElement made) = await _yard.AdminAsync(HttpMethod.Post, "/api/keys/turning/rotate", body);
        Assert.Equal(201, status);
        string key = made.GetProperty("key").GetString()!;
        Assert.Equal((oldStatus, 200), (await AskAsync(old), await AskAsync(key)));
        _yard = await _yard.RestartAsync();
        Assert.Equal((oldStatus, 200), (await AskAsync(old), await AskAsync(key)));
        _time.Advance(TimeSpan.FromHours(25));
        Assert.Equal((401, 200), (await AskAsync(old), await AskAsync(key)));
    }

    [Fact]
    public async Task Both_secrets_of_a_rotation_spend_one_budget_before_and_after_a_restart()
    {
        string old = await _yard.MakeKeyAsync("purse", ",\"budget\":\"0.0001/day\"");
        Assert.Equal(93_600, await LeftAsync(old));
        string key = (await _yard.AdminAsync(HttpMethod.Post, "/api/keys/purse/rotate", "{\"overlap\":\"24h\"}")).Json.GetProperty("key").GetString()!;
        Assert.Equal(87_200, await LeftAsync(key));
        Assert.Equal(80_800, await LeftAsync(old));
        _yard = await _yard.RestartAsync();
        Assert.Equal(74_400, await LeftAsync(key));
        Assert.Equal(68_000, await LeftAsync(old));
        string third = (await _yard.AdminAsync(HttpMethod.Post, "/api/keys/purse/rotate", "{}")).Json.GetProperty("key").GetString()!;
        Assert.Equal((61_600, 401), (await LeftAsync(third), await AskAsync(key)));
        // A key that is made anew is another key, also where it has the same name.
        await _yard.AdminAsync(HttpMethod.Post, "/api/keys/purse/revoke");
        string fresh = await _yard.MakeKeyAsync("purse", ",\"budget\":\"0.0001/day\"");
        Assert.Equal(93_600, await LeftAsync(fresh));
    }

    [Fact]
    public async Task Revoking_a_name_ends_the_secret_that_was_rotated_away_too()
    {
        string old = await _yard.MakeKeyAsync("leaked");
        string key = (await _yard.AdminAsync(HttpMethod.Post, "/api/keys/leaked/rotate", "{\"overlap\":\"24h\"}")).Json.GetProperty("key").GetString()!;
        await _yard.AdminAsync(HttpMethod.Post, "/api/keys/leaked/revoke");
        Assert.Equal((401, 401), (await AskAsync(old), await AskAsync(key)));
        _yard = await _yard.RestartAsync();
        Assert.Equal((401, 401), (await AskAsync(old), await AskAsync(key)));
    }

    [Fact]
    public async Task A_secret_that_was_rotated_away_is_not_rotated_again()
    {
        await _yard.MakeKeyAsync("twice");
        string id = (await _yard.AdminAsync(HttpMethod.Get, "/api/keys")).Json.EnumerateArray().Single(static k => k.GetProperty("name").GetString() == "twice").GetProperty("id").GetString()!;
        Assert.Equal(201, (await _yard.AdminAsync(HttpMethod.Post, "/api/keys/twice/rotate", "{\"overlap\":\"2h\"}")).Status);
        (int status, JsonElement answer) = await _yard.AdminAsync(HttpMethod.Post, $"/api/keys/{id}/rotate", "{\"overlap\":\"24h\"}");
        Assert.Equal((409, "key_rotated"), (status, answer.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task An_expired_key_is_refused_with_its_day_and_a_rotation_gives_it_as_long_again()
    {
        string old = await _yard.MakeKeyAsync("short", ",\"expires\":\"2h\"");
        Assert.Equal(200, await AskAsync(old));
        _time.Advance(TimeSpan.FromHours(3));
        using HttpClient http = _yard.Client(old);
        using HttpResponseMessage refused = await http.PostAsync("/v1/chat/completions", new StringContent(Chat("acme/good")));
        Assert.Equal((401, "key_expired"), ((int)refused.StatusCode, refused.Headers.GetValues("x-error-code").Single()));
        string key = (await _yard.AdminAsync(HttpMethod.Post, "/api/keys/short/rotate", "{}")).Json.GetProperty("key").GetString()!;
        Assert.Equal((401, 200), (await AskAsync(old), await AskAsync(key)));
        _time.Advance(TimeSpan.FromHours(3));
        Assert.Equal(401, await AskAsync(key));
    }

    [Fact]
    public async Task A_limit_the_configuration_no_longer_sets_is_the_keys_own_again()
    {
        string key = await _yard.MakeKeyAsync("mixed", ",\"budget\":\"0.0001/day\"");
        Assert.Equal(93_600, await LeftAsync(key));
        await _yard.ApplyAsync(static settings => settings with
        {
            Keys = [.. settings.Keys, new KeySettings("mixed", new Domain.Keys.KeyLimits { Budget = new Domain.Keys.Budget(new Domain.Money.NanoDollars(1_000_000), Domain.Keys.BudgetPeriod.Day) })],
        });
        Assert.Equal(1_000_000 - (2 * 6_400), await LeftAsync(key));
        await _yard.ApplyAsync(static settings => settings);
        Assert.Equal(100_000 - (3 * 6_400), await LeftAsync(key));
    }

    [Fact]
    public async Task Two_keys_of_one_name_never_live_also_when_both_are_asked_for_at_once()
    {
        (int Status, JsonElement Json)[] made = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _yard.AdminAsync(HttpMethod.Post, "/api/keys", "{\"name\":\"race\"}")));
        Assert.Equal(1, made.Count(static m => m.Status == 201));
        Assert.Equal(19, made.Count(static m => m.Status == 409));
    }

    /// <summary>C-06: whichever header carries it, a key is read the same; two that differ are refused rather than one of them chosen.</summary>
    [Theory]
    [InlineData("authorization", "Bearer {0}", 200)]
    [InlineData("authorization", "bearer {0}", 200)]
    [InlineData("authorization", "{0}", 200)]
    [InlineData("x-api-key", "{0}", 200)]
    [InlineData("api-key", "{0}", 200)]
    [InlineData("authorization", "Basic {0}", 401)]
    [InlineData("authorization", "Bearer ", 401)]
    [InlineData("authorization", "Bearer {0}x", 401)]
    [InlineData("authorization", "Bearer sk-ant-api03-abcdef", 401)]
    public async Task A_key_is_read_from_every_header_alike(string header, string form, int status)
    {
        using HttpClient http = _yard.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(Chat("acme/good")) };
        request.Headers.TryAddWithoutValidation(header, string.Format(System.Globalization.CultureInfo.InvariantCulture, form, _yard.FirstKey));
        using HttpResponseMessage response = await http.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.DoesNotContain(_yard.FirstKey[5..], await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x-api-key")]
    [InlineData("api-key")]
    public async Task Two_keys_that_differ_are_refused(string second)
    {
        string other = await _yard.MakeKeyAsync("other-" + second);
        using HttpClient http = _yard.Client(_yard.FirstKey);
        http.DefaultRequestHeaders.Add(second, other);
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent(Chat("acme/good")));
        Assert.Equal((HttpStatusCode.Unauthorized, "keys_conflict"), (response.StatusCode, response.Headers.GetValues("x-error-code").Single()));
    }

    [Fact]
    public async Task A_key_in_the_query_string_is_no_key()
    {
        using HttpClient http = _yard.Client();
        using HttpResponseMessage response = await http.PostAsync($"/v1/chat/completions?key={_yard.FirstKey}&api_key={_yard.FirstKey}", new StringContent(Chat("acme/good")));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    public async ValueTask InitializeAsync()
    {
        _wall.On("good", Scripts.Good());
        _yard = await GatewayYard.StartAsync([GatewayYard.Provider("wall", _wall.Url, "good", "long")], static settings => settings with { Dispatch = new DispatchSettings() }, _time);
    }

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _wall.DisposeAsync();
    }

    private async Task<int> AskAsync(string key)
    {
        using HttpClient http = _yard.Client(key);
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent(Chat("acme/good", ",\"max_tokens\":7")));
        return (int)response.StatusCode;
    }

    /// <summary>Asks once (6,400 nano-dollars) and returns what the answer says is left.</summary>
    private async Task<long> LeftAsync(string key)
    {
        using HttpClient http = _yard.Client(key);
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent(Chat("acme/good", ",\"max_tokens\":7")));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return Domain.Money.NanoDollars.TryParseDollars(response.Headers.GetValues("x-fairlead-budget-remaining").Single(), out Domain.Money.NanoDollars left) ? left.Value : -1;
    }

    private static string Chat(string model, string more = "") => $"{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]{more}}}";
}
