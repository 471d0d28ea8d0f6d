using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Fairlead.Shared;

namespace Fairlead.Worker.Tests;

/// <summary>The built product as one worker process, driven by its standard streams as a gateway drives it.</summary>
internal sealed class WorkerBinary : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Process _process;
    private readonly Task<string> _log;

    public WorkerBinary(string model, params string[] arguments)
        : this(model, new Dictionary<string, string>(), arguments)
    {
    }

    /// <param name="environment">Variables beside those of this process.</param>
    public WorkerBinary(string model, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(Checkout.Binary, ["worker", "--model", model, "--socket", _folder["w.sock"], "--name", "m", .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _log = _process.StandardError.ReadToEndAsync();
        Need = JsonDocument.Parse(_process.StandardOutput.ReadLine()!["needs ".Length..]).RootElement;
        Http = RunningWorker.Client(_folder["w.sock"]);
    }

    /// <summary>What it said it needs.</summary>
    public JsonElement Need { get; }

    public HttpClient Http { get; }

    /// <summary>All of it, in bytes.</summary>
    public long NeededBytes => Need.GetProperty("weights").GetInt64() + Need.GetProperty("cache").GetInt64() + Need.GetProperty("scratch").GetInt64();

    /// <summary>Lets it load; the lines of its progress, and whether it came to be ready.</summary>
    public (List<double> Progress, bool IsReady) Load()
    {
        _process.StandardInput.WriteLine("load");
        _process.StandardInput.Flush();
        List<double> progress = [];
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (line == "ready")
                return (progress, true);
            progress.Add(double.Parse(line["progress ".Length..], CultureInfo.InvariantCulture));
        }

        return (progress, false);
    }

    /// <summary>Bounds its private memory, as a gateway without a cgroup does (prlimit of util-linux).</summary>
    public void Bound(long bytes)
    {
        using Process prlimit = Process.Start("prlimit", [$"--pid={_process.Id}", $"--data={bytes}"]);
        prlimit.WaitForExit();
        Assert.Equal(0, prlimit.ExitCode);
    }

    /// <summary>A field of its <c>/proc/PID/status</c> in bytes; <c>VmHWM</c> is the most that it has occupied.</summary>
    public long Status(string field) => 1024 * long.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(field + ":", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    /// <summary>Asks for a polite end.</summary>
    public void Stop()
    {
        _process.StandardInput.WriteLine("stop");
        _process.StandardInput.Flush();
    }

    /// <summary>Its code and its last line, once it has ended.</summary>
    public async Task<(int Code, string LastLine)> EndAsync()
    {
        await _process.WaitForExitAsync();
        return (_process.ExitCode, (await _log).TrimEnd().Split('\n')[^1]);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Http.Dispose();
        _folder.Dispose();
    }
}
