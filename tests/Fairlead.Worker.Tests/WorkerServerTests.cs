using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Fairlead.Shared;

namespace Fairlead.Worker.Tests;

/// <summary>A worker from its start to its end, in this process, with the shipped model.</summary>
public sealed class WorkerServerTests : IDisposable
{
    private static readonly CancellationToken Never = CancellationToken.None;
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task It_says_ready_tells_its_health_answers_and_ends_when_it_is_asked_to()
    {
        var stop = new TaskCompletionSource();
        var events = new ReadyLine();
        Task<bool> running = RunAsync(Path.Combine(Checkout.Root, "models", "guide"), events, new StringWriter(), stop.Task);
        using HttpClient http = Client();
        await await Task.WhenAny(running, events.Ready);
        Assert.Equal("ready\n", events.ToString());
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
        var events = new ReadyLine();
        Task<bool> running = RunAsync(Path.Combine(Checkout.Root, "models", "guide"), events, new StringWriter(), stop.Task);
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
        ParentPipe.Watch(new StringReader("stop\nwhat\nstop\n"), () => heard.Enqueue("stop"), () =>
        {
            heard.Enqueue("orphaned");
            over.SetResult();
        });
        await over.Task;
        Assert.Equal(["stop", "stop", "orphaned"], heard);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Standard output as whoever started the worker hears it.</summary>
    private sealed class ReadyLine : StringWriter
    {
        private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Ready => _ready.Task;

        public override async Task FlushAsync(CancellationToken cancellationToken)
        {
            await base.FlushAsync(cancellationToken);
            _ready.TrySetResult();
        }
    }

    private Task<bool> RunAsync(string model, TextWriter events, TextWriter log, Task stop) => WorkerServer.RunAsync(
        new WorkerOptions { Path = model, Socket = _folder["w.sock"], Model = "fairlead/guide" }, null, events, log, TimeProvider.System, stop, Never);

    private HttpClient Client()
    {
        string path = _folder["w.sock"];
        return new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = new Uri("http://worker"), DefaultRequestVersion = HttpVersion.Version11 };
    }
}
