using System.Diagnostics;
using System.Net.Sockets;

namespace Fairlead.Bench;

/// <summary>One proxy under test: how it is started, where it listens, what a request to it looks like.</summary>
internal sealed class Contender(string name, int port, string path, IReadOnlyList<string> headers, Func<ProcessStartInfo> start) : IDisposable
{
    private Process? _process;

    public string Name => name;
    public int Port => port;

    /// <summary>Starts it on its core and waits for its first answer.</summary>
    /// <returns>Time from start to first answer.</returns>
    public async Task<TimeSpan> StartAsync(byte[] probe, string? core)
    {
        ProcessStartInfo info = start();
        if (core is not null)
        {
            info.ArgumentList.Insert(0, info.FileName);
            info.ArgumentList.Insert(0, core);
            info.ArgumentList.Insert(0, "-c");
            info.FileName = "taskset";
        }
        info.UseShellExecute = false;
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        long began = Stopwatch.GetTimestamp();
        _process = Process.Start(info)!;
        var said = new System.Text.StringBuilder();
        _process.OutputDataReceived += (_, e) => said.AppendLine(e.Data);
        _process.ErrorDataReceived += (_, e) => said.AppendLine(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        while (true)
        {
            try
            {
                using var caller = new Caller(port);
                await caller.AskAsync(probe);
                return Stopwatch.GetElapsedTime(began);
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                if (_process.HasExited || Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(30))
                    throw new InvalidOperationException($"{name} does not answer ({e.Message}); it said: {said}", e);
                await Task.Delay(5);
            }
        }
    }

    /// <summary>It is the product, and not one of those that it is compared with.</summary>
    public bool IsOurs => name.StartsWith("Fairlead", StringComparison.Ordinal);

    /// <summary>A whole request to this contender.</summary>
    /// <param name="body">Its body.</param>
    /// <param name="to">Another path than the one of chats.</param>
    public byte[] Request(string body, string? to = null)
    {
        string head = $"POST {to ?? path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n"
            + string.Concat(headers.Select(static h => h + "\r\n")) + "\r\n";
        return System.Text.Encoding.ASCII.GetBytes(head + body);
    }

    /// <summary>Processor time of the process and all its children so far, in microseconds.</summary>
    public double CpuMicroseconds() => ProcessFigures.Tree(_process!.Id).Sum(ProcessFigures.CpuMicroseconds);

    public long ResidentBytes() => ProcessFigures.Tree(_process!.Id).Sum(ProcessFigures.ResidentBytes);

    public void Dispose()
    {
        if (_process is null)
            return;
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }
}
