using System.Text;
using System.Text.Json;
using Fairlead.Shared;

namespace Fairlead.Tests.Process;

/// <summary>The verbs that look after models of one's own, against a real server and a real, if tiny, model.</summary>
public sealed class FleetVerbTests : IAsyncLifetime
{
    /// <summary>Room for an answer that does not end while a test looks at it.</summary>
    private const int LongContext = 65_536;

    private readonly FairleadProcess _fairlead;
    private readonly string _model;
    private readonly string _other;
    private readonly string _broken;

    public FleetVerbTests()
    {
        string golden = Path.Combine(Checkout.Root, "tests", "data", "goldens", "qwen2");
        _fairlead = new FairleadProcess($"local: {{ written: {{ source: {golden}, slots: 3 }} }}");
        _other = golden;
        _model = Directory.CreateDirectory(Path.Combine(_fairlead.Folder, "model")).FullName;
        foreach (string file in Directory.GetFiles(golden))
            File.Copy(file, Path.Combine(_model, Path.GetFileName(file)));
        string config = Path.Combine(_model, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"max_position_embeddings\": 128", $"\"max_position_embeddings\": {LongContext}", StringComparison.Ordinal));
        _broken = Directory.CreateDirectory(Path.Combine(_fairlead.Folder, "broken")).FullName;
        File.WriteAllText(Path.Combine(_broken, "config.json"), "{\"model_type\":\"llama\"}");
        File.WriteAllText(Path.Combine(_broken, "model.safetensors"), "this is no header");
    }

    [Fact]
    public async Task A_model_is_run_seen_asked_read_about_stopped_and_loaded_again_by_its_next_request()
    {
        await _fairlead.StartAsync();
        (int code, string output, string error) = await _fairlead.RunAsync("run", _model, "--name", "mine", "--ctx", "512", "--slots", "2", "--keep", "forever");
        Assert.True(code == 0, error);
        Assert.Contains("local/mine is ready, with ", output, StringComparison.Ordinal);
        Assert.Contains("Ask it:  fairlead ask \"hello\" -m local/mine", output, StringComparison.Ordinal);
        Assert.Contains($"To keep it, write into fairlead.yaml:  local: {{ mine: {{ source: {_model} }} }}", error, StringComparison.Ordinal);

        JsonElement mine = await ModelAsync("local/mine");
        Assert.Equal(("ready", 512, 2), (mine.GetProperty("state").GetString(), mine.GetProperty("context").GetInt32(), mine.GetProperty("slots").GetInt32()));
        Assert.True(mine.GetProperty("temporary").GetBoolean());
        Assert.True(mine.GetProperty("memory_bytes").GetInt64() > 0);
        Assert.Equal(JsonValueKind.Null, mine.GetProperty("unloads_in_seconds").ValueKind);
        (_, output, error) = await _fairlead.RunAsync("ps");
        Assert.Matches("(?m)^NAME +STATE +MEM +CTX +SLOTS +BUSY +WAITING +IDLE-IN +COLD-P50 +SANDBOX", output);
        Assert.Matches("(?m)^local/mine +ready +[0-9.]+ [KMG]iB +512 +2 +0 +0 ", output);
        Assert.Matches("(?m)^local/written +cold ", output);
        Assert.Matches("^Memory: [0-9.]+ [KMG]iB of [0-9.]+ [KMG]iB taken", error);
        Assert.Matches("(?m)^local/mine +local +ready ", (await _fairlead.RunAsync("models")).Out);

        Assert.Equal(0, (await _fairlead.PipeAsync("", "ask", "hello", "-m", "local/mine")).Code);
        (code, output, error) = await _fairlead.RunAsync("stop", "mine");
        Assert.True(code == 0, error);
        Assert.Matches("^local/mine: freed [0-9.]+ [KMG]iB\\.", output);
        Assert.Equal("cold", (await ModelAsync("local/mine")).GetProperty("state").GetString());
        Assert.StartsWith("local/mine was not loaded.", (await _fairlead.RunAsync("stop", "LOCAL/Mine")).Out, StringComparison.Ordinal);
        (code, output, _) = await _fairlead.RunAsync("logs", "mine");
        Assert.Equal(0, code);
        Assert.Matches("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z ", output);

        Assert.Equal(0, (await _fairlead.PipeAsync("", "ask", "hello", "-m", "local/mine")).Code);
        Assert.Equal("ready", (await ModelAsync("local/mine")).GetProperty("state").GetString());
        Assert.Equal(2, (await ModelAsync("local/mine")).GetProperty("loads").GetInt32());
    }

    [Fact]
    public async Task What_run_has_added_outlives_a_changed_configuration_and_not_the_server()
    {
        await _fairlead.StartAsync();
        Assert.Equal(0, (await _fairlead.RunAsync("run", _model, "--name", "mine", "--ctx", "512")).Code);
        await RewriteAsync(text => text + "\nfleet: { queue: 7, memory: 1GiB }", "changed: fleet");
        Assert.Equal(1L << 30, (await _fairlead.JsonAsync("ps")).GetProperty("memory_bytes").GetInt64()); // in force without a restart
        JsonElement mine = await ModelAsync("local/mine");
        Assert.Equal(("ready", 1), (mine.GetProperty("state").GetString(), mine.GetProperty("loads").GetInt32()));

        // From now on the file has the word on it.
        await RewriteAsync(text => text.Replace("local: {", $"local: {{ mine: {{ source: {_model}, slots: 5, context: 256 }},", StringComparison.Ordinal), "changed: local");
        mine = await ModelAsync("local/mine");
        Assert.Equal((false, 5), (mine.GetProperty("temporary").GetBoolean(), mine.GetProperty("slots").GetInt32()));
    }

    [Fact]
    public async Task A_name_stands_for_one_source_and_what_is_written_holds()
    {
        await _fairlead.StartAsync();
        (int code, string output, string error) = await _fairlead.RunAsync("run", _other, "--name", "written");
        Assert.True(code == 0, error);
        Assert.Contains("local/written is ready", output, StringComparison.Ordinal);
        Assert.DoesNotContain("To keep it", error, StringComparison.Ordinal);
        Assert.Equal(0, (await _fairlead.RunAsync("stop", "written")).Code);
        (code, output, error) = await _fairlead.RunAsync("run", "local/written"); // no path, but a name that the server knows
        Assert.True(code == 0, error);
        Assert.Contains("local/written is ready", output, StringComparison.Ordinal);
        (code, _, error) = await _fairlead.RunAsync("run", _other, "--name", "Written", "--slots", "4");
        Assert.Equal(7, code);
        Assert.Contains("local/written stands in the configuration with other settings", error, StringComparison.Ordinal);
        (code, _, error) = await _fairlead.RunAsync("run", _model, "--name", "written");
        Assert.Equal(7, code);
        Assert.Contains($"local/written is {_other} already", error, StringComparison.Ordinal);

        Assert.Equal(0, (await _fairlead.RunAsync("run", _model, "--name", "mine", "--ctx", "128")).Code);
        Assert.Equal(7, (await _fairlead.RunAsync("run", _other, "--name", "mine")).Code);
        Assert.Equal(0, (await _fairlead.RunAsync("run", _model, "--name", "mine", "--ctx", "256")).Code); // it is run's own, which may change it
        Assert.Equal(256, (await ModelAsync("local/mine")).GetProperty("context").GetInt32());
    }

    [Fact]
    public async Task The_form_of_keys_and_values_and_the_longest_step_reach_the_worker_and_the_form_changes_its_fingerprint()
    {
        await _fairlead.StartAsync();
        using HttpClient http = _fairlead.Client();
        var fingerprints = new List<string?>();
        foreach (string[] options in (string[][])[["--stall", "20ms"], ["--kv", "f16"], ["--kv", "q8_0", "--stall", "1s"], ["--kv", "f32"]])
        {
            (int code, _, string error) = await _fairlead.RunAsync(["run", _model, "--name", "mine", "--ctx", "512", .. options]);
            Assert.True(code == 0, error);
            using HttpResponseMessage answer = await http.PostAsync("/v1/chat/completions", new StringContent("""{"model":"local/mine","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}""", Encoding.UTF8, "application/json"));
            fingerprints.Add(JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("system_fingerprint").GetString());
        }
        Assert.Equal(fingerprints[0], fingerprints[1]); // two bytes a number are what there is without a word
        Assert.Equal(3, fingerprints.Distinct(StringComparer.Ordinal).Count());
        (int conflict, _, string other) = await _fairlead.RunAsync("run", _other, "--name", "written", "--kv", "q8_0");
        Assert.Equal(7, conflict);
        Assert.Contains("local/written stands in the configuration with other settings", other, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_now_breaks_off_an_answer_whose_caller_is_told_so()
    {
        await _fairlead.StartAsync();
        Assert.Equal(0, (await _fairlead.RunAsync("run", _model, "--name", "mine", "--ctx", $"{LongContext}", "--slots", "1")).Code);
        using HttpClient http = _fairlead.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            // Its end-of-text token is kept out, so that it goes on for as long as there is room.
            Content = new StringContent("""{"model":"local/mine","stream":true,"max_tokens":60000,"logit_bias":{"2":-100},"messages":[{"role":"user","content":"hi"}]}""", Encoding.UTF8, "application/json"),
        };
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        string? line;
        while ((line = await reader.ReadLineAsync()) is not null && !line.StartsWith("data: {", StringComparison.Ordinal))
        {
        }
        Task<string> rest = reader.ReadToEndAsync();
        Assert.Equal(1, (await ModelAsync("local/mine")).GetProperty("busy").GetInt32());
        JsonElement report = await _fairlead.JsonAsync("stop", "mine", "--now");
        Assert.Equal(("local/mine", 1), (report.GetProperty("name").GetString(), report.GetProperty("broken_off").GetInt32()));
        Assert.True(report.GetProperty("freed_bytes").GetInt64() > 0);
        string told = await rest;
        Assert.Contains("\"code\":\"worker_crash\"", told, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", told, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ps")]
    [InlineData("ps", "-w")]
    [InlineData("stop", "written")]
    [InlineData("logs", "written", "-f")]
    public async Task Without_a_server_there_is_nothing_to_look_after(params string[] arguments)
    {
        (int code, _, string error) = await _fairlead.RunAsync(arguments);
        Assert.Equal(6, code);
        Assert.StartsWith("No Fairlead server answers here. Start one with 'fairlead serve'", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_is_told_by_run_by_ps_by_doctor_and_by_its_log()
    {
        await _fairlead.StartAsync();
        (int code, _, string error) = await _fairlead.RunAsync("run", _broken, "--name", "bad");
        Assert.True(code == 1, $"{code}: {error}");
        Assert.Contains("model.safetensors", error, StringComparison.Ordinal);
        Assert.Contains("See 'fairlead logs local/bad'.", error, StringComparison.Ordinal);
        JsonElement bad = await ModelAsync("local/bad");
        Assert.Contains(bad.GetProperty("state").GetString(), (string[])["resting", "cold"]); // its rest of some seconds may be over
        Assert.Equal(1, bad.GetProperty("failed_loads").GetInt32());
        Assert.Contains("model.safetensors", bad.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Contains("model.safetensors", (await _fairlead.RunAsync("logs", "bad")).Out, StringComparison.Ordinal);
        JsonElement check = (await _fairlead.JsonAsync("doctor")).EnumerateArray().Single(static c => c.GetProperty("name").GetString() == "model local/bad");
        Assert.Equal("warn", check.GetProperty("state").GetString());
        Assert.Contains("fairlead logs local/bad", check.GetProperty("fix").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_prints_a_line_for_each_change_until_it_is_interrupted()
    {
        await _fairlead.StartAsync();
        Task<(int Code, string Out, string Error)> watch = _fairlead.WatchAsync(out WatchedVerb verb, "ps", "-w");
        await verb.SawAsync("local/written  cold");
        Assert.Equal(0, (await _fairlead.RunAsync("run", _other, "--name", "written")).Code);
        await verb.SawAsync("local/written  ready");
        Assert.Equal(0, (await _fairlead.RunAsync("stop", "written")).Code);
        await verb.InterruptAsync();
        Assert.Equal(130, (await watch).Code);
        Assert.DoesNotContain("\x1b", verb.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_is_followed_over_the_starts_of_its_worker()
    {
        await _fairlead.StartAsync();
        Task<(int Code, string Out, string Error)> follow = _fairlead.WatchAsync(out WatchedVerb verb, "logs", "written", "-f");
        Assert.Equal(0, (await _fairlead.RunAsync("run", _other, "--name", "written")).Code);
        Assert.Equal(0, (await _fairlead.RunAsync("stop", "written")).Code);
        await verb.SawAsync("the worker ended with code 0");
        Assert.Equal(0, (await _fairlead.RunAsync("run", _other, "--name", "written")).Code);
        Assert.Equal(0, (await _fairlead.RunAsync("stop", "written")).Code);
        await verb.SawAsync("the worker ended with code 0", times: 2);
        Assert.Equal(0, await _fairlead.StopAsync());
        Assert.Equal(6, (await follow).Code); // the server is gone, and so is the log
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _fairlead.DisposeAsync();

    private async Task<JsonElement> ModelAsync(string name) =>
        (await _fairlead.JsonAsync("ps")).GetProperty("models").EnumerateArray().Single(m => m.GetProperty("name").GetString() == name);

    /// <summary>Replaces the configuration as an editor does, and waits for the log to say what came of it.</summary>
    private async Task RewriteAsync(Func<string, string> change, string said)
    {
        string draft = _fairlead.Config + ".new";
        await File.WriteAllTextAsync(draft, change(await File.ReadAllTextAsync(_fairlead.Config)));
        File.Move(draft, _fairlead.Config, overwrite: true);
        await _fairlead.SaidAsync(said);
    }
}
