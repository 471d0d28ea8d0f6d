using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fairlead.Shared;

/// <summary>The built product, serving as a child process on a free loopback port with a data folder of its own.</summary>
internal sealed class FairleadProcess : IAsyncDisposable
{
    private const int PortConflict = 7;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly TempFolder _folder;
    private readonly StringBuilder _output;

    private FairleadProcess(Process process, TempFolder folder, StringBuilder output, int port)
    {
        _process = process;
        _folder = folder;
        _output = output;
        BaseUrl = new Uri($"http://127.0.0.1:{port}/v1");
        Key = File.ReadAllText(Path.Combine(DataFolder, "first-key")).Trim();
    }

    /// <summary>With its <c>/v1</c>, as clients are configured.</summary>
    public Uri BaseUrl { get; }

    /// <summary>The key made at the first start.</summary>
    public string Key { get; }

    public string DataFolder => _folder["data"];

    /// <summary>What it has printed until now, for the message of a failing test.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Starts it and waits until it says that it can serve.</summary>
    /// <param name="yaml">The configuration but for <c>listen</c>, <c>data</c> and <c>discover</c>.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    public static async Task<FairleadProcess> StartAsync(string yaml, CancellationToken cancellationToken)
    {
        // A port that was free when asked may be taken a moment later; the product then says so by its exit code.
        for (int attempt = 1; ; attempt++)
        {
            var folder = new TempFolder();
            int port = FreePort.Take();
            await File.WriteAllTextAsync(folder["fairlead.yaml"], $"listen: 127.0.0.1:{port}\ndata: {folder["data"]}\ndiscover: false\n{yaml}", cancellationToken);
            var output = new StringBuilder();
            Process process = Launch(folder["fairlead.yaml"], output);
            try
            {
                await UntilHealthyAsync(process, port, cancellationToken);
                return new FairleadProcess(process, folder, output, port);
            }
            catch (Exception e)
            {
                bool conflict = process.HasExited && process.ExitCode == PortConflict;
                await EndAsync(process);
                folder.Dispose();
                if (conflict && attempt < 5)
                    continue;
                throw new InvalidOperationException($"The product did not start: {e.Message}\n{output}", e);
            }
        }
    }

    /// <summary>kill -9 of the gateway and of nobody else.</summary>
    public void KillAlone() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        await EndAsync(_process);
        _folder.Dispose();
    }

    private static Process Launch(string configuration, StringBuilder output)
    {
        var start = new ProcessStartInfo(Checkout.Binary) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("serve");
        start.ArgumentList.Add("--config");
        start.ArgumentList.Add(configuration);
        // Keys of the developer's own must not bring providers into the test.
        foreach (string variable in start.Environment.Keys.Where(IsCredential).ToList())
            start.Environment.Remove(variable);
        var process = new Process { StartInfo = start };
        void Keep(object sender, DataReceivedEventArgs line)
        {
            lock (output)
                output.AppendLine(line.Data);
        }
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static bool IsCredential(string variable) =>
        variable.StartsWith("FAIRLEAD", StringComparison.OrdinalIgnoreCase) || variable.EndsWith("_KEY", StringComparison.OrdinalIgnoreCase)
        || variable.EndsWith("_TOKEN", StringComparison.OrdinalIgnoreCase);

    private static async Task UntilHealthyAsync(Process process, int port, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") };
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(StartLimit);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await poll.WaitForNextTickAsync(late.Token))
        {
            if (process.HasExited)
                throw new InvalidOperationException($"it ended with code {process.ExitCode}");
            try
            {
                using HttpResponseMessage answer = await http.GetAsync("health", late.Token);
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // not listening yet
            }
        }
    }

    private static async Task EndAsync(Process process)
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
