using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Fairlead.Shared;

namespace Fairlead.Worker.Tests;

/// <summary>A worker in this process that is ready to answer, and a client on its socket.</summary>
internal sealed class RunningWorker : IAsyncDisposable
{
    public static readonly string Guide = Path.Combine(Checkout.Root, "models", "guide");

    private static readonly CancellationToken Never = CancellationToken.None;

    private readonly TempFolder _folder;
    private readonly TaskCompletionSource _stop;

    private RunningWorker(TempFolder folder, TaskCompletionSource stop, Task<bool> running, HttpClient http)
    {
        (_folder, _stop, Running, Http) = (folder, stop, running, http);
    }

    public HttpClient Http { get; }

    /// <summary>Ends with the worker.</summary>
    public Task<bool> Running { get; }

    /// <summary>A folder of the reference checkpoints.</summary>
    public static string Golden(string name) => Path.Combine(Checkout.Root, "tests", "data", "goldens", name);

    public static async Task<RunningWorker> StartAsync(string model, int? slots = null, string? draft = null)
    {
        var folder = new TempFolder();
        var stop = new TaskCompletionSource();
        var events = new EventLines();
        Task<bool> running = WorkerServer.RunAsync(
            new WorkerOptions { Path = model, Socket = folder["w.sock"], Model = "m", Slots = slots, Draft = draft }, null, events, new StringWriter(), TimeProvider.System, stop.Task, Never);
        await await Task.WhenAny(running, events.Ready);
        return new RunningWorker(folder, stop, running, Client(folder["w.sock"]));
    }

    /// <summary>A client whose host is the socket.</summary>
    public static HttpClient Client(string socketPath) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://worker"), DefaultRequestVersion = System.Net.HttpVersion.Version11 };

    public async Task<(int Status, JsonElement Body)> PostAsync(string path, string body)
    {
        using HttpResponseMessage answer = await Http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"), Never);
        return ((int)answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Never)).RootElement);
    }

    public async Task<JsonElement> HealthAsync() => JsonDocument.Parse(await Http.GetStringAsync("/health", Never)).RootElement;

    public async ValueTask DisposeAsync()
    {
        _stop.TrySetResult();
        await Running;
        Http.Dispose();
        _folder.Dispose();
    }
}
