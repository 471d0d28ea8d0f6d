using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Fairlead.Bench;

/// <summary>The product as it is started by its user, with models of its own and a folder that is gone afterwards.</summary>
internal sealed class LocalGateway : IAsyncDisposable
{
    private readonly string _binary;
    private readonly string _folder = Directory.CreateTempSubdirectory("fairlead-soak-").FullName;
    private const int LinesKept = 2000;
    private readonly Queue<string> _said = new();
    private readonly int _port = FreePort();
    private Process? _process;

    public LocalGateway(string binary)
    {
        _binary = binary;
        Http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256, ResponseDrainTimeout = TimeSpan.Zero }) { Timeout = TimeSpan.FromMinutes(6) };
    }

    /// <summary>Bytes of new objects after which its collector runs; null: as many as the runtime thinks right for this processor.</summary>
    public int? CollectEvery { get; init; }

    public HttpClient Http { get; }

    public int Id => _process!.Id;

    public string Base => $"http://127.0.0.1:{_port}";

    public string SocketFolder => Path.Combine(_folder, "data", "workers");

    /// <summary>The last that it has printed, for when something is wrong.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return string.Join('\n', _said);
        }
    }

    /// <summary>A path in the folder that is gone afterwards.</summary>
    public string In(string name) => Path.Combine(_folder, name);

    /// <summary>Starts it on this configuration; on the same data where it ran before.</summary>
    public async Task StartAsync(string yaml)
    {
        await File.WriteAllTextAsync(In("fairlead.yaml"), $"listen: 127.0.0.1:{_port}\ndata: {In("data")}\ndiscover: false\n{yaml}");
        var process = new Process { StartInfo = Launch(["serve"]) };
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        long began = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await AnswersAsync())
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(60))
                throw new InvalidOperationException($"the gateway did not start:\n{Said}");
            await poll.WaitForNextTickAsync();
        }
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(Path.Combine(In("data"), "first-key"))).Trim());
    }

    /// <summary>SIGTERM, and its exit code.</summary>
    public async Task<int> StopAsync()
    {
        using (Process kill = Process.Start("/bin/sh", ["-c", $"kill -TERM {Id}"]))
            await kill.WaitForExitAsync();
        await _process!.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return _process.ExitCode;
    }

    /// <summary>A verb of its command line, and what it said.</summary>
    public async Task<(int Code, string Text)> CliAsync(params string[] arguments)
    {
        using Process verb = Process.Start(Launch(arguments))!;
        Task<string> errors = verb.StandardError.ReadToEndAsync();
        string text = await verb.StandardOutput.ReadToEndAsync();
        await verb.WaitForExitAsync();
        return (verb.ExitCode, text + await errors);
    }

    /// <summary>A chat; the caller reads the answer.</summary>
    public static HttpRequestMessage Chat(string origin, string model, string question, int tokens, bool stream)
    {
        string body = JsonSerializer.Serialize(new { model, max_tokens = tokens, temperature = 0, stream, messages = new[] { new { role = "user", content = question } } });
        return new HttpRequestMessage(HttpMethod.Post, origin + "/v1/chat/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
    }

    /// <summary>The process that holds a model; null while there is none.</summary>
    public int? WorkerOf(string model) => ProcessFigures.Children(Id).Select(static id => (int?)id).FirstOrDefault(id => ProcessFigures.CommandLine(id!.Value).Contains(model, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_process is { } process)
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // a process that was killed is still closing its files
        }
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using HttpResponseMessage health = await Http.GetAsync(Base + "/health");
            return health.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private ProcessStartInfo Launch(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(_binary, [.. arguments, "--config", In("fairlead.yaml")]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["HOME"] = _folder;
        if (CollectEvery is { } bytes)
            start.Environment["DOTNET_GCgen0size"] = bytes.ToString("x", CultureInfo.InvariantCulture);
        return start;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_said)
        {
            _said.Enqueue(line.Data ?? "");
            if (_said.Count > LinesKept)
                _said.Dequeue();
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
