using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Fairlead.Bench;

/// <summary>One of the engines that are compared, as a process that reads a line, does it, and answers with a line: see <see cref="EngineDriver"/>.</summary>
internal sealed class EngineProcess : IDisposable
{
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(1);

    /// <summary>A process whose processor time stays the same for so long rests; the system counts it in hundredths of a second.</summary>
    private static readonly TimeSpan s_still = TimeSpan.FromMilliseconds(60);

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;

    private EngineProcess(Process process, string engine, double loadSeconds, double startSeconds) =>
        (_process, Engine, LoadSeconds, StartSeconds) = (process, engine, loadSeconds, startSeconds);

    /// <summary>Name, version and family of kernels, as it says itself.</summary>
    public string Engine { get; }

    /// <summary>From the call to the model being ready, as it says itself.</summary>
    public double LoadSeconds { get; }

    /// <summary>From the start of the process to the model being ready, as we see it.</summary>
    public double StartSeconds { get; }

    /// <summary>Our language models.</summary>
    public static Task<EngineProcess> OursAsync(string model, int threads, int context, int slots) =>
        StartAsync(Environment.ProcessPath!, "engine-driver", model, Word(threads), Word(context), Word(slots));

    /// <summary>llama.cpp, by node.</summary>
    public static Task<EngineProcess> LlamaAsync(string model, int threads, int context, int slots) =>
        StartAsync("node", "bench/peers/llama.mjs", model, Word(threads), Word(context), Word(slots));

    /// <summary>Our encoders.</summary>
    public static Task<EngineProcess> OurEncoderAsync(string checkpoint, int threads) => StartAsync(Environment.ProcessPath!, "encoder-driver", checkpoint, Word(threads));

    /// <summary>onnxruntime, by node.</summary>
    public static Task<EngineProcess> OnnxRuntimeAsync(string model, int threads, int vocabulary) =>
        StartAsync("node", "bench/peers/onnxruntime.mjs", model, Word(threads), Word(vocabulary));

    /// <summary>Does one line for a second, or once: .NET compiles what is called often for good after some tens of calls.</summary>
    public async Task WarmUpAsync(string line, bool once)
    {
        long began = Stopwatch.GetTimestamp();
        do
            await DoAsync(line);
        while (!once && Stopwatch.GetElapsedTime(began) < s_warmUp);
    }

    /// <summary>Does one line.</summary>
    /// <exception cref="InvalidOperationException">It ended, or says that it did nothing.</exception>
    public async Task<EngineFigure> DoAsync(string line)
    {
        double? before = PowerMeter.Joules();
        await _process.StandardInput.WriteLineAsync(line);
        JsonElement answer = await ReadAsync(_process);
        double? joules = PowerMeter.Joules() - before;
        double seconds = answer.GetProperty("seconds").GetDouble();
        int tokens = answer.GetProperty("tokens").GetInt32();
        if (tokens <= 0 || seconds <= 0)
            throw new InvalidOperationException($"{Engine}: {line}: {answer.GetRawText()}");
        return new EngineFigure(seconds, answer.GetProperty("cpu").GetDouble(), tokens, answer.GetProperty("rss").GetInt64(), joules >= 0 ? joules : null) // the counter begins again now and then
        {
            OwnSeconds = answer.TryGetProperty("own", out JsonElement own) && own.ValueKind == JsonValueKind.Number ? own.GetDouble() : null,
            Values = answer.TryGetProperty("values", out JsonElement values) ? [.. values.EnumerateArray().Select(static value => value.GetDouble())] : null,
        };
    }

    /// <summary>
    /// Until its threads have stopped: those of an engine go on looking for more work for a while, and would take a processor from the other's turn. A process that never stops is an error.
    /// </summary>
    public async Task RestAsync()
    {
        using var timer = new PeriodicTimer(s_still);
        long began = Stopwatch.GetTimestamp();
        for (TimeSpan used = TimeSpan.MinValue, now = Used(); now != used; now = Used())
        {
            if (Stopwatch.GetElapsedTime(began) > s_patience)
                throw new InvalidOperationException($"{Engine} is still busy {s_patience.TotalSeconds} s after it has answered");
            used = now;
            await timer.WaitForNextTickAsync();
        }

        TimeSpan Used()
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private static async Task<EngineProcess> StartAsync(string program, params string[] arguments)
    {
        long began = Stopwatch.GetTimestamp();
        Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })
            ?? throw new InvalidOperationException($"{program} did not start");
        JsonElement ready = await ReadAsync(process);
        return new EngineProcess(process, ready.GetProperty("engine").GetString()!, ready.GetProperty("loaded").GetDouble(), Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    private static string Word(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task<JsonElement> ReadAsync(Process process)
    {
        string line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"{process.StartInfo.FileName} ended before it answered");
        return JsonDocument.Parse(line).RootElement;
    }
}
