using System.Net;
using System.Text.Json;

namespace Fairlead.Tests.Process;

/// <summary>The verbs as a person or a script uses them, against a real server.</summary>
public sealed class VerbTests : IAsyncLifetime
{
    private PlainUpstream _upstream = null!;
    private FairleadProcess _fairlead = null!;

    [Fact]
    public async Task Serve_prints_at_most_15_lines_with_a_curl_that_names_a_key_file_only_its_owner_can_read()
    {
        string[] lines = _fairlead.Said.Trim().Split('\n');
        Assert.InRange(lines.Length, 4, 15);
        string curl = Assert.Single(lines, static l => l.Contains("curl ", StringComparison.Ordinal));
        string keyFile = curl.Split("$(cat ")[1].Split(')')[0];
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(keyFile));
        Assert.Equal(37, (await File.ReadAllTextAsync(keyFile)).Trim().Length);
        Assert.DoesNotContain(await File.ReadAllTextAsync(keyFile), _fairlead.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_made_used_listed_rotated_and_revoked()
    {
        (int code, string output, _) = await _fairlead.RunAsync("keys", "create", "--name", "bob", "--budget", "5/day", "--rpm", "100");
        Assert.Equal(0, code);
        string key = output.Trim();
        Assert.Equal(HttpStatusCode.OK, await ChatAsync(key));
        (_, string list, _) = await _fairlead.RunAsync("keys", "list");
        Assert.Contains("bob", list, StringComparison.Ordinal);
        Assert.DoesNotContain(key[5..30], list, StringComparison.Ordinal);
        (int again, _, string twice) = await _fairlead.RunAsync("keys", "create", "--name", "bob");
        Assert.Equal(7, again);
        Assert.Contains("lives already", twice, StringComparison.Ordinal);
        JsonElement rotated = await _fairlead.JsonAsync("keys", "rotate", "bob");
        Assert.Equal(HttpStatusCode.Unauthorized, await ChatAsync(key));
        string fresh = rotated.GetProperty("key").GetString()!;
        Assert.Equal(HttpStatusCode.OK, await ChatAsync(fresh));
        Assert.Equal(0, (await _fairlead.RunAsync("keys", "revoke", "bob")).Code);
        Assert.Equal(HttpStatusCode.Unauthorized, await ChatAsync(fresh));
        Assert.Equal(3, (await _fairlead.RunAsync("keys", "revoke", "bob")).Code);
    }

    [Theory]
    [InlineData(2, "serv")]
    [InlineData(2, "keys", "create")]
    [InlineData(2, "keys", "create", "--name", "x", "--budget", "lots")]
    [InlineData(3, "requests", "show", "req_00000000000000000000000000")]
    [InlineData(3, "models", "show", "acme/nobody")]
    [InlineData(0, "--help")]
    [InlineData(0, "models")]
    [InlineData(0, "usage", "--by", "key,day")]
    [InlineData(0, "ledger", "verify")]
    [InlineData(0, "doctor")]
    [InlineData(0, "config", "validate")]
    [InlineData(0, "version")]
    public async Task Every_verb_ends_with_its_documented_code(int expected, params string[] arguments)
    {
        (int code, string output, string error) = await _fairlead.RunAsync(arguments);
        Assert.True(expected == code, $"{code}: {output}{error}");
        if (expected != 0)
            Assert.NotEmpty(error);
    }

    [Fact]
    public async Task Ask_prints_the_answer_and_nothing_else()
    {
        (int code, string output, _) = await _fairlead.RunAsync("ask", "hello");
        Assert.Equal((0, "Hi there\n"), (code, output));
    }

    [Fact]
    public async Task A_request_can_be_followed_from_its_answer_to_the_ledger()
    {
        using HttpClient http = _fairlead.Client();
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent("{\"model\":\"acme/chat\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"));
        string id = response.Headers.GetValues("x-request-id").Single();
        JsonElement record = await _fairlead.JsonAsync("requests", "show", id);
        Assert.Equal(6_400, record.GetProperty("cost_nano_usd").GetInt64());
        (_, string waterfall, _) = await _fairlead.RunAsync("requests", "show", id);
        Assert.Contains("charged $0.000006400", waterfall, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_server_on_the_same_folder_is_refused_with_the_pid_of_the_first()
    {
        (int code, _, string error) = await _fairlead.RunAsync("serve", "--listen", "127.0.0.1:1");
        Assert.Equal(78, code);
        Assert.Matches("in use by process [0-9]+", error);
    }

    [Fact]
    public async Task A_changed_configuration_is_in_force_without_a_restart_and_a_broken_one_is_not()
    {
        string good = await File.ReadAllTextAsync(_fairlead.Config);
        await File.WriteAllTextAsync(_fairlead.Config, good.Replace("acme/chat", "acme/renamed", StringComparison.Ordinal));
        await UntilAsync(async () => (await _fairlead.JsonAsync("models"))[0].GetProperty("id").GetString() == "acme/renamed");
        await File.WriteAllTextAsync(_fairlead.Config, good.Replace("providers:", "provders:", StringComparison.Ordinal));
        await UntilAsync(() => Task.FromResult(_fairlead.Said.Contains("Did you mean 'providers'?", StringComparison.Ordinal)));
        using HttpClient http = _fairlead.Client();
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent("{\"model\":\"acme/renamed\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_signal_to_stop_ends_the_server_with_zero_and_leaves_no_socket()
    {
        Assert.Equal(0, await _fairlead.StopAsync());
        Assert.False(File.Exists(Path.Combine(_fairlead.Data, "control.sock")));
        Assert.Equal(6, (await _fairlead.RunAsync("keys", "list")).Code);
    }

    public async ValueTask InitializeAsync()
    {
        _upstream = await PlainUpstream.StartAsync();
        _fairlead = new FairleadProcess($$"""
            providers:
              alpha: { url: {{_upstream.Url}}, models: { acme/chat: { as: m, input: 0.20, output: 0.60, context: 128k } } }
            """);
        await _fairlead.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _fairlead.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    private async Task<HttpStatusCode> ChatAsync(string key)
    {
        using var http = new HttpClient { BaseAddress = _fairlead.Url };
        http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        using HttpResponseMessage response = await http.PostAsync("/v1/chat/completions", new StringContent("{\"model\":\"acme/chat\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"));
        return response.StatusCode;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (!await holds())
            deadline.Token.ThrowIfCancellationRequested();
    }
}
