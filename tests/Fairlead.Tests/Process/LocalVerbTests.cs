using System.Text.Json;
using Fairlead.Shared;

namespace Fairlead.Tests.Process;

/// <summary>Models of one's own from the command line: nothing is configured here but what comes with the product.</summary>
public sealed class LocalVerbTests : IAsyncLifetime
{
    private readonly FairleadProcess _fairlead = new("");

    private static string Model { get; } = Path.Combine(Checkout.Root, "tests", "data", "goldens", "qwen2");

    [Fact]
    public async Task With_nothing_configured_the_printed_question_and_chat_are_answered_by_the_guide()
    {
        await _fairlead.StartAsync();
        Assert.Contains("\"model\":\"fairlead/guide\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"What is Fairlead?\"}]", _fairlead.Said, StringComparison.Ordinal);
        (int code, string output, string error) = await _fairlead.PipeAsync("What is Fairlead?\n", "chat");
        Assert.True(code == 0, error);
        Assert.StartsWith("Fairlead is an inference hub that you run yourself.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_another_server_has_the_port_run_says_how_that_one_would_serve_the_model()
    {
        await _fairlead.StartAsync();
        string elsewhere = Path.Combine(_fairlead.Folder, "elsewhere");
        (int code, _, string error) = await _fairlead.RunAsync("run", Model, "--name", "mine", "--data", elsewhere, "--listen", $"127.0.0.1:{_fairlead.Port}");
        Assert.Equal(7, code);
        Assert.Contains($"Port {_fairlead.Port} is used by ", error, StringComparison.Ordinal);
        Assert.Contains($"local: {{ mine: {{ source: {Model} }} }}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_server_run_serves_the_model_in_the_foreground_until_it_is_told_to_stop()
    {
        Task<(int Code, string Out, string Error)> run = _fairlead.WatchAsync(out WatchedVerb verb, "run", Model, "--name", "mine", "--ctx", "96", "--keep", "forever");
        await verb.SawAsync("Try it:");
        Assert.Matches(@"(?m)^  Local      local/mine   \(together at most [0-9.]+ [MG]iB: fleet\.memory\)$", verb.Said.ReplaceLineEndings("\n"));
        JsonElement mine = (await _fairlead.JsonAsync("ps")).GetProperty("models").EnumerateArray().First();
        Assert.Equal(("local/mine", "ready", 96), (mine.GetProperty("name").GetString(), mine.GetProperty("state").GetString(), mine.GetProperty("context").GetInt32()));
        Assert.Equal(JsonValueKind.Null, mine.GetProperty("unloads_in_seconds").ValueKind);
        await verb.InterruptAsync();
        (int code, _, string error) = await run;
        Assert.Equal(0, code);
        Assert.DoesNotContain('\x1b', error);
    }

    [Theory]
    [InlineData(78, "does not exist", "/no/such/model")]
    [InlineData(78, "is a file and no .gguf", "/etc/hostname")]
    [InlineData(2, "--slots is '0'", "/etc", "--slots", "0")]
    [InlineData(2, "run", "")]
    public async Task What_cannot_be_served_is_said_before_anything_is_started(int expected, string words, params string[] arguments)
    {
        (int code, _, string error) = await _fairlead.RunAsync(["run", .. arguments.Where(static a => a.Length > 0)]);
        Assert.True(expected == code, $"{code}: {error}");
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_the_engine_refuses_ends_run_with_one_and_its_reason()
    {
        string model = Directory.CreateDirectory(Path.Combine(_fairlead.Folder, "model")).FullName;
        await File.WriteAllTextAsync(Path.Combine(model, "config.json"), "{\"model_type\":\"llama\"}");
        await File.WriteAllTextAsync(Path.Combine(model, "model.safetensors"), "this is no header");
        (int code, _, string error) = await _fairlead.RunAsync("run", model);
        Assert.Equal(1, code);
        Assert.Contains("cannot be served: the worker ended with code 1; its last line: model/model.safetensors at byte 0", error, StringComparison.Ordinal);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _fairlead.DisposeAsync();
}
