using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Fairlead.Shared;

namespace Fairlead.Tests.Process;

/// <summary>The built product as a process of its own, with a configuration and data folder of its own.</summary>
internal sealed class FairleadProcess : IAsyncDisposable
{
    /// <summary>How long a test waits for what must come: as long as a machine takes that has other suites on its cores.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TempFolder _folder = new();
    private readonly string _config;
    private readonly Lock _gate = new();
    private readonly StringBuilder _said = new();
    private readonly List<(string Words, int Times, TaskCompletionSource Heard)> _listeners = [];
    private int _starts;
    private System.Diagnostics.Process? _process;

    public FairleadProcess(string yaml)
    {
        Port = FreePort.Take();
        _config = Path.Combine(Folder, "fairlead.yaml");
        File.WriteAllText(_config, $"listen: 127.0.0.1:{Port}\ndata: {Data}\ndiscover: false\n{yaml}");
    }

    public string Folder => _folder.Path;
    public string Data => Path.Combine(Folder, "data");
    public string Config => _config;
    public int Port { get; }

    /// <summary>Variables that its processes find beside those of the tests.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>All that the server has written, standard output and standard error as they came.</summary>
    public string Said
    {
        get
        {
            lock (_gate)
                return _said.ToString();
        }
    }

    /// <summary>CPU time that the last start had used when it gave its first answer: how long a start takes, whatever else the machine is doing.</summary>
    public TimeSpan StartCpu { get; private set; }

    /// <summary>Path of the binary that this build made.</summary>
    public static string Binary { get; } = Path.Combine(AppContext.BaseDirectory, "fairlead");

    /// <summary>Starts and waits for the first answer.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> StartAsync()
    {
        long began = Stopwatch.GetTimestamp();
        _process = Start(["serve", "--config", _config]);
        _process.OutputDataReceived += (_, e) => Note(e.Data);
        _process.ErrorDataReceived += (_, e) => Note(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        // The banner comes when it listens, and this is its last line. Asking again and again until then would take the processor from the very start that is waited for.
        Task banner = SaidAsync("Next:  ", ++_starts);
        Task first = await Task.WhenAny(banner, _process.WaitForExitAsync());
        Assert.True(first == banner, $"fairlead serve ended: {Said}");
        await banner;
        using var http = new HttpClient { BaseAddress = Url, Timeout = Patience };
        using HttpResponseMessage health = await http.GetAsync("/health");
        health.EnsureSuccessStatusCode();
        StartCpu = _process.TotalProcessorTime;
        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Waits until the server has written something, and so many times over all its starts.</summary>
    public async Task SaidAsync(string words, int times = 1)
    {
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (HasSaid(words, times))
                return;
            _listeners.Add((words, times, heard));
        }
        try
        {
            await heard.Task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Not said: {words}\n{Said}");
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, and the exit code when the process is gone.</summary>
    public async Task<int> StopAsync()
    {
        await SignalAsync("TERM");
        return await ExitAsync();
    }

    public Task SignalAsync(string signal) => SignalAsync(_process!.Id, signal);

    public static async Task SignalAsync(int process, string signal)
    {
        using System.Diagnostics.Process kill = System.Diagnostics.Process.Start("kill", ["-" + signal, process.ToString()])!;
        await kill.WaitForExitAsync();
    }

    /// <summary>Waits for the end; the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        await _process!.WaitForExitAsync();
        return _process.ExitCode;
    }

    public HttpClient Client(string key = "first-key")
    {
        var http = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = Url, Timeout = 2 * Patience };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(Path.Combine(Data, key)).Trim());
        return http;
    }

    /// <summary>Runs a verb against this server.</summary>
    public Task<(int Code, string Out, string Error)> RunAsync(params string[] arguments) => RunAsync(out _, arguments);

    /// <summary>The same, with the id of the verb's process.</summary>
    public Task<(int Code, string Out, string Error)> RunAsync(out int id, params string[] arguments)
    {
        System.Diagnostics.Process process = Start([.. arguments, "--config", _config]);
        id = process.Id;
        return EndAsync(process, "");
    }

    /// <summary>Starts a verb that goes on until it is interrupted or the server ends.</summary>
    public Task<(int Code, string Out, string Error)> WatchAsync(out WatchedVerb verb, params string[] arguments)
    {
        verb = new WatchedVerb(Start([.. arguments, "--config", _config]));
        return verb.EndAsync();
    }

    /// <summary>The same, with something on standard input.</summary>
    public Task<(int Code, string Out, string Error)> PipeAsync(string input, params string[] arguments) => EndAsync(Start([.. arguments, "--config", _config]), input);

    private static async Task<(int Code, string Out, string Error)> EndAsync(System.Diagnostics.Process process, string input)
    {
        using (process)
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, await output, await error);
        }
    }

    public async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        (int code, string output, string error) = await RunAsync([.. arguments, "--json"]);
        Assert.True(code is 0 or 1 or 8, $"{string.Join(' ', arguments)}: {code} {error}");
        return JsonDocument.Parse(output).RootElement.Clone();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
            await KillAsync();
        _process?.Dispose();
        _folder.Dispose();
    }

    // Standard output and standard error are read by a thread each.
    private void Note(string? line)
    {
        lock (_gate)
        {
            _said.AppendLine(line);
            foreach ((_, _, TaskCompletionSource heard) in _listeners.Where(l => HasSaid(l.Words, l.Times)))
                heard.TrySetResult();
            _listeners.RemoveAll(static l => l.Heard.Task.IsCompleted);
        }
    }

    private bool HasSaid(string words, int times) => _said.ToString().Split(words).Length > times;

    /// <summary>Through env(1), which executes the binary in its own place: whoever runs these tests in the background of a shell hands down an ignored SIGINT.</summary>
    private System.Diagnostics.Process Start(IEnumerable<string> arguments) => System.Diagnostics.Process.Start(
        new ProcessStartInfo("env", ["--default-signal=INT", .. Variables.Select(static v => $"{v.Key}={v.Value}"), Binary, .. arguments])
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        RedirectStandardInput = true,
    })!;
}
