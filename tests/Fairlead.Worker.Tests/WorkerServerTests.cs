using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Fairlead.Shared;

namespace Fairlead.Worker.Tests;

/// <summary>A worker from its start to its end, in this process, with the shipped model.</summary>
public sealed class WorkerServerTests : IDisposable
{
    private static readonly string Guide = RunningWorker.Guide;
    private static readonly CancellationToken Never = CancellationToken.None;
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task It_says_ready_tells_its_health_answers_and_ends_when_it_is_asked_to()
    {
        var stop = new TaskCompletionSource();
        var events = new EventLines();
        Task<bool> running = RunAsync(Guide, events, new StringWriter(), stop.Task);
        using HttpClient http = Client();
        await await Task.WhenAny(running, events.Ready);
        string[] lines = events.ToString().TrimEnd().Split('\n');
        Assert.StartsWith("needs {", lines[0], StringComparison.Ordinal);
        Assert.All(lines[1..^1], static line => Assert.StartsWith("progress ", line, StringComparison.Ordinal));
        Assert.Equal(["progress 1", "ready"], lines[^2..]);
        JsonElement health = JsonDocument.Parse(await http.GetStringAsync("/health", Never)).RootElement;
        Assert.Equal(("ready", "fairlead/guide", 512), (health.GetProperty("status").GetString(), health.GetProperty("model").GetString(), health.GetProperty("context_length").GetInt32()));
        using HttpResponseMessage answer = await http.PostAsync("/v1/chat/completions", new StringContent("{\"messages\":[{\"role\":\"user\",\"content\":\"What is Fairlead?\"}],\"max_tokens\":3}"), Never);
        JsonElement body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Never)).RootElement;
        Assert.Equal("Fairlead is an", body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        stop.SetResult();
        Assert.True(await running);
        Assert.False(File.Exists(_folder["w.sock"]));
    }

    [Theory]
    [InlineData("POST", "/v1/chat/completions", "{", 400, "body_malformed")]
    [InlineData("POST", "/v1/chat/completions", "[]", 400, "body_malformed")]
    [InlineData("POST", "/v1/chat/completions", "{\"model\":\"a\",\"model\":\"b\"}", 400, "body_malformed")]
    [InlineData("POST", "/v1/chat/completions", "{}", 400, "field_invalid")]
    [InlineData("POST", "/v1/completions", "{\"prompt\":\"x\",\"n\":9}", 400, "field_invalid")]
    [InlineData("POST", "/v1/embeddings", "{\"input\":\"x\"}", 400, "field_invalid")]
    [InlineData("POST", "/v1/images/generations", "{}", 404, "route_unknown")]
    public async Task What_it_cannot_do_is_an_error_object_with_the_gateways_id(string method, string path, string body, int status, string code)
    {
        var stop = new TaskCompletionSource();
        var events = new EventLines();
        Task<bool> running = RunAsync(Guide, events, new StringWriter(), stop.Task);
        using HttpClient http = Client();
        await await Task.WhenAny(running, events.Ready);
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(body) };
        request.Headers.Add("x-request-id", "req_1");
        using HttpResponseMessage answer = await http.SendAsync(request, Never);
        JsonElement error = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Never)).RootElement.GetProperty("error");
        Assert.Equal((status, code, "req_1"), ((int)answer.StatusCode, error.GetProperty("code").GetString(), error.GetProperty("request_id").GetString()));
        stop.SetResult();
        Assert.True(await running);
    }

    [Fact]
    public async Task It_says_what_it_needs_before_a_weight_is_read_and_waits_to_be_let_load()
    {
        var parent = new Pipe();
        var events = new EventLines();
        Task<bool> running = WorkerServer.RunAsync(
            new WorkerOptions { Path = Guide, Socket = _folder["w.sock"], Model = "fairlead/guide", Slots = 2, Context = 256 },
            parent.Reader, events, new StringWriter(), TimeProvider.System, new TaskCompletionSource().Task, Never);
        using HttpClient http = Client();
        string needs = await events.LineAsync("needs ");
        JsonElement need = JsonDocument.Parse(needs["needs ".Length..]).RootElement;
        // 6 layers × 2 heads × 128 numbers × 2 bytes = 3,072 bytes a token, and the account of the blocks.
        Assert.InRange(need.GetProperty("cache").GetInt64(), 2 * 256 * 3_072, (2 * 256 * 3_072) + 8_192);
        Assert.InRange(need.GetProperty("weights").GetInt64(), 9_902_592 + 2_097_152, 12_200_000); // 4,951,296 numbers of two bytes; the table of tokens twice, for it is also the head, which is packed; norms in four
        Assert.Equal(("language", 256, 512, 2), (need.GetProperty("kind").GetString(), need.GetProperty("context").GetInt32(), need.GetProperty("longest_context").GetInt32(), need.GetProperty("slots").GetInt32()));
        Assert.Equal(new FileInfo(Path.Combine(Guide, "model.safetensors")).Length, need.GetProperty("files").GetInt64());

        using HttpResponseMessage loading = await http.GetAsync("/health", Never);
        JsonElement health = JsonDocument.Parse(await loading.Content.ReadAsStringAsync(Never)).RootElement;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "loading", 0.0), (loading.StatusCode, health.GetProperty("status").GetString(), health.GetProperty("progress").GetDouble()));
        using HttpResponseMessage early = await http.PostAsync("/v1/completions", new StringContent("{\"prompt\":\"x\"}"), Never);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, early.StatusCode);
        Assert.False(events.Ready.IsCompleted);

        parent.Say("load");
        await await Task.WhenAny(running, events.Ready);
        using HttpResponseMessage ready = await http.GetAsync("/health", Never);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        parent.Say("stop");
        Assert.True(await running);
    }

    [Theory]
    [InlineData(null, 32)]
    [InlineData("f16", 32)]
    [InlineData("f32", 64)]
    [InlineData("q8_0", 18)] // a byte for each of 16 numbers, and half of a scale that 32 of them share
    public async Task What_it_needs_for_keys_and_values_follows_their_form(string? kv, int bytesOf16)
    {
        var parent = new Pipe();
        var events = new EventLines();
        Task<bool> running = WorkerServer.RunAsync(
            new WorkerOptions { Path = Guide, Socket = _folder["w.sock"], Model = "fairlead/guide", Slots = 2, Context = 256, Kv = kv },
            parent.Reader, events, new StringWriter(), TimeProvider.System, new TaskCompletionSource().Task, Never);
        JsonElement need = JsonDocument.Parse((await events.LineAsync("needs "))["needs ".Length..]).RootElement;
        // 6 layers × 2 heads × 128 numbers for each of 512 tokens, and the account of the blocks.
        long numbers = 512 * 6 * 2 * 128 / 16 * bytesOf16;
        Assert.InRange(need.GetProperty("cache").GetInt64(), numbers, numbers + 8_192);
        parent.Say("stop");
        Assert.True(await running);
    }

    [Fact]
    public async Task An_encoder_says_that_settings_of_answers_do_nothing()
    {
        var stop = new TaskCompletionSource();
        var events = new EventLines();
        var log = new StringWriter();
        Task<bool> running = WorkerServer.RunAsync(
            new WorkerOptions { Path = RunningWorker.Golden("bert"), Socket = _folder["w.sock"], Model = "m", Kv = "f32", Stall = WorkerOptions.MostStall }, null, events, log, TimeProvider.System, stop.Task, Never);
        await await Task.WhenAny(running, events.Ready);
        Assert.StartsWith("--kv and --stall have no effect: an encoder", log.ToString(), StringComparison.Ordinal);
        stop.SetResult();
        Assert.True(await running);
    }

    [Fact]
    public async Task A_file_that_is_changed_between_measuring_and_loading_is_refused_by_name()
    {
        Directory.CreateDirectory(_folder["model"]);
        foreach (string file in Directory.EnumerateFiles(Guide))
            File.Copy(file, Path.Combine(_folder["model"], Path.GetFileName(file)));
        string weights = Path.Combine(_folder["model"], "model.safetensors");
        foreach ((Action change, string said) in ((Action, string)[])
        [
            (() => File.SetLastWriteTimeUtc(weights, DateTime.UnixEpoch), "was written to"),
            (() => { File.Copy(weights, weights + ".new"); File.Move(weights + ".new", weights, overwrite: true); }, "was replaced by another file"),
            (() => { using FileStream file = File.OpenWrite(weights); file.SetLength(5_000_000); }, "was shortened"),
            (() => File.Delete(weights), "was deleted"),
        ])
        {
            var parent = new Pipe();
            var events = new EventLines();
            var log = new StringWriter();
            Task<bool> running = WorkerServer.RunAsync(
                new WorkerOptions { Path = _folder["model"], Socket = _folder["w.sock"], Model = "m" }, parent.Reader, events, log, TimeProvider.System, new TaskCompletionSource().Task, Never);
            await events.LineAsync("needs ");
            change();
            parent.Say("load");
            Assert.False(await running);
            string last = log.ToString().TrimEnd().Split('\n')[^1];
            Assert.StartsWith($"model/model.safetensors: {said}", last, StringComparison.Ordinal);
            File.Copy(Path.Combine(Guide, "model.safetensors"), weights, overwrite: true);
        }
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_is_told_in_the_last_line_without_the_folders_of_this_machine()
    {
        string model = Directory.CreateDirectory(_folder["model"]).FullName;
        var log = new StringWriter();
        Assert.False(await RunAsync(model, new StringWriter(), log, new TaskCompletionSource().Task));
        string last = log.ToString().TrimEnd().Split('\n')[^1];
        Assert.StartsWith("model: holds no weights", last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_pipe_of_the_parent_asks_for_a_stop_and_its_end_for_more()
    {
        var heard = new ConcurrentQueue<string>();
        var over = new TaskCompletionSource();
        ParentPipe.Watch(new StringReader("load\nstop\nwhat\nstop\n"), () => heard.Enqueue("load"), () => heard.Enqueue("stop"), () =>
        {
            heard.Enqueue("orphaned");
            over.SetResult();
        });
        await over.Task;
        Assert.Equal(["load", "stop", "stop", "orphaned"], heard);
    }

    public void Dispose() => _folder.Dispose();


    private Task<bool> RunAsync(string model, TextWriter events, TextWriter log, Task stop) => WorkerServer.RunAsync(
        new WorkerOptions { Path = model, Socket = _folder["w.sock"], Model = "fairlead/guide" }, null, events, log, TimeProvider.System, stop, Never);

    private HttpClient Client() => RunningWorker.Client(_folder["w.sock"]);
}
