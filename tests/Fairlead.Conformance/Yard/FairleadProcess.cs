using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Fairlead.Yard;

/// <summary>What a command-line call printed and how it ended.</summary>
public sealed record CliResult(int ExitCode, string Stdout, string Stderr)
{
    public JsonElement Json => JsonDocument.Parse(Stdout).RootElement;
}

/// <summary>The built binary as a real process, with its own folder, configuration and port.</summary>
/// <remarks>The binary is <c>FAIRLEAD_BINARY</c>, else the one the tests were built with. A watcher kills it should the test process die: no orphans.</remarks>
public sealed class FairleadProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly TempFolder _folder = new();
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly string _yaml;
    private Process? _process;
    private Process? _watcher;

    private FairleadProcess(string yaml, IReadOnlyDictionary<string, string>? environment, string? dataFolder)
    {
        _yaml = yaml;
        _environment = environment ?? new Dictionary<string, string>();
        DataFolder = dataFolder ?? _folder.In("data");
    }

    /// <summary>Chosen at start; kept over restarts.</summary>
    public int Port { get; private set; }

    /// <summary>Without <c>/v1</c>.</summary>
    public string BaseUrl => $"http://127.0.0.1:{Port}";

    public string DataFolder { get; }

    public string ConfigPath => _folder.In("fairlead.yaml");

    /// <summary>The key that the first start made.</summary>
    public string FirstKey => File.ReadAllText(Path.Combine(DataFolder, "first-key")).Trim();

    public int ProcessId => _process?.Id ?? throw new InvalidOperationException("Not running.");

    /// <summary>False before the start, after a kill, and after a polite end.</summary>
    public bool Running => _process is { HasExited: false };

    /// <summary>Everything printed so far, both streams, in the order it was read.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>How long the last start took until <c>/health</c> answered.</summary>
    public TimeSpan StartTook { get; private set; }

    /// <summary>Starts it and waits until it answers.</summary>
    /// <param name="yaml">The configuration without <c>listen</c>, <c>data</c> and <c>discover</c>, which are the yard's.</param>
    /// <param name="environment">Variables beside PATH, HOME (a temporary one) and the runtime's own; nothing else is inherited.</param>
    /// <param name="dataFolder">Another place for its data, such as a small file system; null: a temporary folder.</param>
    public static async Task<FairleadProcess> StartAsync(string yaml, IReadOnlyDictionary<string, string>? environment = null, string? dataFolder = null)
    {
        var fairlead = new FairleadProcess(yaml, environment, dataFolder);
        for (int tries = 0; ; tries++)
        {
            fairlead.Port = FreePort();
            await fairlead.WriteConfigAsync(yaml);
            try
            {
                await fairlead.StartAsync();
                return fairlead;
            }
            catch (InvalidOperationException) when (tries < 2 && fairlead.Output.Contains("in use", StringComparison.Ordinal))
            {
                // somebody took the port between our look and its start
            }
        }
    }

    /// <summary>Writes another configuration; the server notices by itself.</summary>
    public Task WriteConfigAsync(string yaml) =>
        File.WriteAllTextAsync(ConfigPath, $"listen: 127.0.0.1:{Port}\ndata: {DataFolder}\ndiscover: false\n{yaml}");

    /// <summary><c>kill -9</c>.</summary>
    public async Task KillAsync()
    {
        Process process = _process ?? throw new InvalidOperationException("Not running.");
        process.Kill();
        await process.WaitForExitAsync();
        Forget();
    }

    /// <summary>SIGTERM, and the exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        Process process = _process ?? throw new InvalidOperationException("Not running.");
        Signal("TERM");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await process.WaitForExitAsync(limit.Token);
        int code = process.ExitCode;
        Forget();
        return code;
    }

    /// <summary>Sends a signal by name, such as <c>TERM</c> or <c>HUP</c>.</summary>
    public void Signal(string name)
    {
        using Process kill = Process.Start("/bin/sh", ["-c", $"kill -{name} {ProcessId}"]);
        kill.WaitForExit();
    }

    /// <summary>Starts again on the same folder and port.</summary>
    public Task RestartAsync() => StartAsync();

    /// <summary>Runs a verb of the same binary with this configuration.</summary>
    public async Task<CliResult> CliAsync(params string[] arguments)
    {
        using var process = new Process { StartInfo = StartInfo([.. arguments, "--config", ConfigPath]) };
        process.StartInfo.RedirectStandardInput = true;
        process.Start();
        process.StandardInput.Close();
        Task<string> stdout = process.StandardOutput.ReadToEndAsync();
        Task<string> stderr = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException e)
        {
            process.Kill();
            throw new TimeoutException($"fairlead {string.Join(' ', arguments)} did not end within 60 s.", e);
        }
        return new CliResult(process.ExitCode, await stdout, await stderr);
    }

    /// <summary>Makes a key and returns its secret.</summary>
    /// <param name="name">Unique.</param>
    /// <param name="options">As on the command line, such as <c>--budget 5/day</c>.</param>
    public async Task<string> CreateKeyAsync(string name, params string[] options)
    {
        CliResult made = await CliAsync(["keys", "create", "--name", name, .. options, "--json"]);
        return made.ExitCode == 0
            ? made.Json.GetProperty("key").GetString()!
            : throw new InvalidOperationException($"keys create failed ({made.ExitCode}): {made.Stderr}{made.Stdout}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            if (!process.HasExited)
                process.Kill();
            await process.WaitForExitAsync();
            Forget();
        }
        _folder.Dispose();
    }

    private async Task StartAsync()
    {
        long began = Stopwatch.GetTimestamp();
        var process = new Process { StartInfo = StartInfo(["serve", "--config", ConfigPath]) };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        // Reads a pipe that only our death closes; then nobody is left to stop the server but this.
        var watch = new ProcessStartInfo("/bin/sh", ["-c", "read -r _; kill -9 \"$0\" 2>/dev/null", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]) { RedirectStandardInput = true, UseShellExecute = false };
        _watcher = Process.Start(watch);
        while (!await AnswersAsync())
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(began) > StartLimit)
            {
                string why = process.HasExited ? $"ended with {process.ExitCode}" : "did not answer in time";
                if (!process.HasExited)
                    process.Kill();
                await process.WaitForExitAsync();
                Forget();
                throw new InvalidOperationException($"fairlead serve {why}:\n{Output}\n--- configuration\n{_yaml}");
            }
            await Task.Delay(TimeSpan.FromMilliseconds(10)); // the one thing of a child that cannot be awaited: its listening
        }
        StartTook = Stopwatch.GetElapsedTime(began);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using HttpResponseMessage health = await Http.GetAsync(BaseUrl + "/health");
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private ProcessStartInfo StartInfo(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Binary, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = _folder.Path };
        start.Environment.Clear();
        foreach (string name in (string[])["PATH", "DOTNET_ROOT", "TMPDIR", "LANG", "LD_LIBRARY_PATH"])
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                start.Environment[name] = value;
        }
        start.Environment["HOME"] = _folder.Path;
        foreach ((string name, string value) in _environment)
            start.Environment[name] = value;
        return start;
    }

    private void Keep(string? line)
    {
        if (line is not null)
            _output.Enqueue(line);
    }

    private void Forget()
    {
        if (_watcher is { } watcher)
        {
            watcher.Kill();
            watcher.Dispose();
        }
        _watcher = null;
        _process?.Dispose();
        _process = null;
    }

    private static string Binary { get; } = FindBinary();

    private static string FindBinary()
    {
        if (Environment.GetEnvironmentVariable("FAIRLEAD_BINARY") is { Length: > 0 } named)
            return named;
        string configuration = AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";
        string built = Path.Combine(Repository.Root, "src", "Fairlead", "bin", configuration, "net10.0", "fairlead");
        return File.Exists(built) ? built : throw new FileNotFoundException($"Build src/Fairlead ({configuration}) first, or name a binary in FAIRLEAD_BINARY.", built);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
