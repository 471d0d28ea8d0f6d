using Fairlead.Shared;

namespace Fairlead.Tests.Process;

/// <summary>Models of one's own from the command line: nothing is configured here but what comes with the product.</summary>
public sealed class LocalVerbTests : IAsyncLifetime
{
    private readonly FairleadProcess _fairlead = new("");

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
    public async Task Where_a_server_runs_already_run_says_how_it_would_serve_the_model()
    {
        await _fairlead.StartAsync();
        string model = Path.Combine(Checkout.Root, "tests", "data", "goldens", "qwen2");
        (int code, _, string error) = await _fairlead.RunAsync("run", model, "--name", "mine", "--listen", "127.0.0.1:1");
        Assert.Equal(7, code);
        Assert.Contains($"local: {{ mine: {{ source: {model} }} }}", error, StringComparison.Ordinal);
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
