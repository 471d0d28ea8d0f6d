using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Fairlead.Bench;

/// <summary>What one line of work came to.</summary>
/// <param name="Joules">Of the whole machine meanwhile; null where it does not tell.</param>
internal readonly record struct EngineFigure(double Seconds, double CpuSeconds, int Tokens, long ResidentBytes, double? Joules)
{
    public double TokensPerSecond => Tokens / Seconds;
}

/// <summary>One of the engines that are compared, as a process that reads a line, does it, and answers with a line: see <see cref="EngineDriver"/>.</summary>
internal sealed class EngineProcess : IDisposable
{
    private readonly Process _process;

    private EngineProcess(Process process, string engine, double loadSeconds) => (_process, Engine, LoadSeconds) = (process, engine, loadSeconds);

    /// <summary>Name, version and family of kernels, as it says itself.</summary>
    public string Engine { get; }

    /// <summary>From the call to the model being ready, as it says itself.</summary>
    public double LoadSeconds { get; }

    /// <summary>Ours.</summary>
    public static Task<EngineProcess> OursAsync(string model, int threads, int context, int slots) =>
        StartAsync(Environment.ProcessPath!, "engine-driver", model, threads, context, slots);

    /// <summary>llama.cpp, by node.</summary>
    public static Task<EngineProcess> LlamaAsync(string model, int threads, int context, int slots) =>
        StartAsync("node", "bench/peers/llama.mjs", model, threads, context, slots);

    /// <summary>Does one line.</summary>
    public async Task<EngineFigure> DoAsync(string line)
    {
        double? before = PowerMeter.Joules();
        await _process.StandardInput.WriteLineAsync(line);
        JsonElement answer = await ReadAsync(_process);
        double? joules = PowerMeter.Joules() - before;
        return new EngineFigure(
            answer.GetProperty("seconds").GetDouble(), answer.GetProperty("cpu").GetDouble(), answer.GetProperty("tokens").GetInt32(), answer.GetProperty("rss").GetInt64(), joules >= 0 ? joules : null); // the counter begins again now and then
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private static async Task<EngineProcess> StartAsync(string program, string first, string model, int threads, int context, int slots)
    {
        string[] arguments = [first, model, .. new[] { threads, context, slots }.Select(static number => number.ToString(CultureInfo.InvariantCulture))];
        Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })
            ?? throw new InvalidOperationException($"{program} did not start");
        JsonElement ready = await ReadAsync(process);
        return new EngineProcess(process, ready.GetProperty("engine").GetString()!, ready.GetProperty("loaded").GetDouble());
    }

    private static async Task<JsonElement> ReadAsync(Process process)
    {
        string line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"{process.StartInfo.FileName} ended before it answered");
        return JsonDocument.Parse(line).RootElement;
    }
}
