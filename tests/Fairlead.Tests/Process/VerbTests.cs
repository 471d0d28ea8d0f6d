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

    [Fact]
    public async Task A_stranger_ends_with_four_a_spent_budget_with_five_a_sick_server_with_eight_and_an_interrupt_with_130()
    {
        string file = Path.Combine(_fairlead.Folder, "key");
        await File.WriteAllTextAsync(file, "hf_FL00000000000000000000000000000000");
        Assert.Equal(4, (await _fairlead.RunAsync("ask", "hello", "--key-file", file)).Code);
        (_, string poor, _) = await _fairlead.RunAsync("keys", "create", "--name", "poor", "--budget", "0.000001/day");
        await File.WriteAllTextAsync(file, poor);
        (int spent, _, string why) = await _fairlead.RunAsync("ask", "hello", "--key-file", file);
        Assert.Equal(5, spent);
        Assert.Contains("budget", why, StringComparison.Ordinal);
        Assert.Equal(6, (await _fairlead.RunAsync("ask", "refuse my key")).Code);
        (int sick, string checks, _) = await _fairlead.RunAsync("doctor");
        Assert.Equal(8, sick);
        Assert.Contains("it refused the key", checks, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupt_ends_a_verb_with_130()
    {
        Task<(int Code, string Out, string Error)> asking = _fairlead.RunAsync(out int process, "ask", "wait for it");
        await _upstream.Asked;
        await FairleadProcess.SignalAsync(process, "INT");
        Assert.Equal(130, (await asking).Code);
    }

    [Fact]
    public async Task Ask_in_json_tells_who_answered_and_what_it_cost()
    {
        JsonElement answer = await _fairlead.JsonAsync("ask", "hello");
        Assert.Equal(("Hi there", "alpha", "0.000006400"), (answer.GetProperty("content").GetString(), answer.GetProperty("provider").GetString(), answer.GetProperty("cost_usd").GetString()));
        Assert.Equal(6_400, (await _fairlead.JsonAsync("requests", "show", answer.GetProperty("id").GetString()!)).GetProperty("cost_nano_usd").GetInt64());
    }

    [Fact]
    public async Task A_chat_goes_on_after_a_failure_and_sends_no_mistyped_command_to_a_model()
    {
        string talk = Path.Combine(_fairlead.Folder, "talk.json");
        (int code, string output, string error) = await _fairlead.PipeAsync($"/costt\nlet it fail\nhello\n/cost\n/save /no/such/folder/x\n/save {talk}\n/bye\n", "chat");
        Assert.Equal((0, "Hi there\n"), (code, output));
        Assert.Contains("'/costt' is not known here", error, StringComparison.Ordinal);
        Assert.Contains("$0.000006400 so far", error, StringComparison.Ordinal);
        Assert.Contains("Not saved:", error, StringComparison.Ordinal);
        Assert.Equal(2, JsonDocument.Parse(await File.ReadAllTextAsync(talk)).RootElement.GetArrayLength());
    }

    [Fact]
    public async Task A_key_takes_every_limit_that_it_can_have_and_json_gives_it_as_key()
    {
        JsonElement made = await _fairlead.JsonAsync(
            "keys", "create", "--name", "full", "--models", "acme/chat,acme/other", "--budget", "5/day", "--rpm", "60", "--tpm", "1000", "--parallel", "2", "--expires", "90d", "--successors");
        Assert.Matches("^hf_FL[0-9A-Za-z]{32}$", made.GetProperty("key").GetString());
        JsonElement view = (await _fairlead.JsonAsync("keys", "list")).EnumerateArray().Single(static k => k.GetProperty("name").GetString() == "full");
        Assert.Equal(["acme/chat", "acme/other"], view.GetProperty("models").EnumerateArray().Select(static m => m.GetString()));
        Assert.Equal(
            ("5.00/day", 60, 1000, 2, true),
            (view.GetProperty("budget").GetString(), view.GetProperty("rpm").GetInt32(), view.GetProperty("tpm").GetInt32(), view.GetProperty("parallel").GetInt32(), view.GetProperty("successors").GetBoolean()));
        Assert.InRange(view.GetProperty("expires_at").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddDays(89), DateTimeOffset.UtcNow.AddDays(91));
    }

    [Fact]
    public async Task Models_are_found_by_what_their_provider_calls_them()
    {
        JsonElement model = Assert.Single((await _fairlead.JsonAsync("models", "show", "m")).EnumerateArray());
        Assert.Equal("acme/chat", model.GetProperty("id").GetString());
        Assert.Equal("acme/chat", Assert.Single((await _fairlead.JsonAsync("models", "show", "alpha/m")).EnumerateArray()).GetProperty("id").GetString());
        (int code, string output, _) = await _fairlead.RunAsync("ask", "hello", "-m", "m");
        Assert.Equal((0, "Hi there\n"), (code, output));
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
        Assert.Equal(7, code);
        Assert.Matches("in use by process [0-9]+.*--data", error);
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
        using var deadline = new CancellationTokenSource(FairleadProcess.Patience);
        while (!await holds())
            deadline.Token.ThrowIfCancellationRequested();
    }
}
