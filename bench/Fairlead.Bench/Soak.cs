using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Fairlead.Bench;

/// <summary>
/// The real gateway with three models of its own and memory for two, for as long as it is told: random questions, callers who hang up or do not want to
/// wait, models stopped by the operator, workers killed. At the end everything has to be as flat as it was, and every failure explained.
/// </summary>
internal sealed class Soak(string binary, TimeSpan length)
{
    private const int Callers = 4;
    private static readonly TimeSpan BetweenStops = TimeSpan.FromSeconds(11);
    private static readonly TimeSpan Explained = TimeSpan.FromSeconds(30); // a killed worker's waiters, its rest and its next load lie within this
    private static readonly string[] Models = ["local/one", "local/two", "local/three"];
    private static readonly string[] Questions = ["What is Fairlead?", "How do I add a provider?", "What is a worker?", "How do I set a budget?", "Where is my key?", "What is the weather?"];

    // In turn: no model dies thrice within the minute that would park it.
    private readonly TimeSpan _betweenKills = TimeSpan.FromSeconds(Math.Min(25, length.TotalSeconds / 4));
    private readonly ConcurrentDictionary<string, long> _killed = new();
    private readonly ConcurrentDictionary<string, int> _outcomes = new();
    private readonly ConcurrentQueue<string> _unexplained = new();
    private readonly SoakFigures _figures = new();
    private long _requests;

    /// <summary>Runs it and prints one table; true when no bound was broken.</summary>
    public async Task<bool> RunAsync()
    {
        // The collector lets garbage grow with the processor's cache: 300 MiB of it would hide for an hour what is held for good.
        await using var gateway = new LocalGateway(binary) { CollectEvery = 16 << 20 };
        string guide = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Environment.ProcessPath)!, "..", "..", "..", "..", "..", "models", "guide"));
        string models = "guide: false\nlocal:\n" + string.Concat(Models.Select(m => $"  {m[6..]}: {{ source: {guide}, slots: 2, threads: 1 }}\n"));
        long need = await NeedAsync(gateway, models);
        long budget = need * 5 / 2;
        await gateway.StartAsync(string.Create(CultureInfo.InvariantCulture, $"{models}fleet: {{ memory: {budget} }}\n"));
        int code;
        using (var over = new CancellationTokenSource(length))
        {
            Task[] all = [.. Enumerable.Range(0, Callers).Select(seed => CallAsync(gateway, new Random(seed), over.Token)), KillAsync(gateway, over.Token), StopAsync(gateway, over.Token), SampleAsync(gateway, over.Token)];
            await Task.WhenAll(all);
        }
        (int ledger, string said) = await gateway.CliAsync("ledger", "verify");
        int[] last = [.. ProcessFigures.Children(gateway.Id)];
        code = await gateway.StopAsync();
        _figures.Bound("unexplained failures", _unexplained.Count, 0);
        _figures.Bound("ledger verify, exit code", ledger, 0);
        _figures.Bound("polite end, exit code", code, 0);
        _figures.Bound("processes left behind", last.Count(ProcessFigures.Lives), 0);
        _figures.Bound("sockets left behind", Directory.Exists(gateway.SocketFolder) ? Directory.GetFiles(gateway.SocketFolder).Length : 0, 0);
        bool good = _figures.Judge(_requests, budget);
        Console.WriteLine($"{length.TotalSeconds:F0} s, {_requests:N0} requests: {string.Join(", ", _outcomes.OrderByDescending(static o => o.Value).Select(static o => $"{o.Key} {o.Value:N0}"))}");
        Console.WriteLine(_figures.ToMarkdown());
        foreach (string one in _unexplained.Take(10))
            Console.WriteLine("unexplained: " + one);
        if (ledger != 0)
            Console.WriteLine(said);
        if (!good)
            await Console.Error.WriteLineAsync(gateway.Said);
        return good;
    }

    /// <summary>What one of them needs, by its worker's own account.</summary>
    private static async Task<long> NeedAsync(LocalGateway gateway, string models)
    {
        await gateway.StartAsync(models);
        using (HttpRequestMessage request = LocalGateway.Chat(gateway.Base, Models[0], Questions[0], 1, stream: false))
        using (HttpResponseMessage answer = await gateway.Http.SendAsync(request))
        {
            if (!answer.IsSuccessStatusCode)
                throw new InvalidOperationException($"the first answer is {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
        }
        using JsonDocument list = JsonDocument.Parse(await gateway.Http.GetStringAsync(gateway.Base + "/v1/models"));
        long need = list.RootElement.GetProperty("data").EnumerateArray().First(static m => m.GetProperty("id").GetString() == Models[0]).GetProperty("memory_bytes").GetInt64();
        await gateway.StopAsync();
        return need;
    }

    private async Task CallAsync(LocalGateway gateway, Random random, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            string model = Models[random.Next(100) switch { < 60 => 0, < 98 => 1, _ => 2 }];
            int kind = random.Next(100);
            Interlocked.Increment(ref _requests);
            Count(await OneAsync(gateway, model, Questions[random.Next(Questions.Length)], stream: kind < 70, hangUp: kind < 5, wait: kind < 97));
        }
    }

    /// <summary>One request, and the word for what became of it.</summary>
    private async Task<string> OneAsync(LocalGateway gateway, string model, string question, bool stream, bool hangUp, bool wait)
    {
        using HttpRequestMessage request = LocalGateway.Chat(gateway.Base, model, question, 48, stream);
        if (!wait)
            request.Headers.Add("x-wait-for-model", "false");
        try
        {
            using HttpResponseMessage answer = await gateway.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            if (hangUp && answer.StatusCode == HttpStatusCode.OK)
            {
                await using Stream body = await answer.Content.ReadAsStreamAsync();
                return await body.ReadAsync(new byte[1], CancellationToken.None) > 0 ? "hung up" : "ended before its caller could hang up";
            }
            string text = await answer.Content.ReadAsStringAsync();
            if (answer.StatusCode == HttpStatusCode.OK && (stream ? text.Contains("data: [DONE]", StringComparison.Ordinal) : text.Contains("\"finish_reason\"", StringComparison.Ordinal)))
                return "answered";
            if (!wait && text.Contains("cold_starting", StringComparison.Ordinal))
                return "cold, as asked";
            if (text.Contains("was just unloaded by an operator", StringComparison.Ordinal))
                return "waited for a model that was stopped";
            bool ours = text.Contains("worker_crash", StringComparison.Ordinal) || text.Contains("worker_load_failed", StringComparison.Ordinal);
            if (ours && _killed.TryGetValue(model, out long when) && Stopwatch.GetElapsedTime(when) < Explained)
                return "failed with its killed worker";
            _unexplained.Enqueue($"{model} {(int)answer.StatusCode}: {text[Math.Max(0, text.Length - 400)..]}");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException)
        {
            _unexplained.Enqueue($"{model}: {e.GetType().Name} {e.Message}");
        }
        return "failed";
    }

    private void Count(string outcome) => _outcomes.AddOrUpdate(outcome, 1, static (_, n) => n + 1);

    private async Task KillAsync(LocalGateway gateway, CancellationToken over)
    {
        for (int i = 0; await WaitAsync(_betweenKills, over); i++)
        {
            string model = Models[i % Models.Length];
            if (gateway.WorkerOf(model) is not { } worker)
                continue;
            _killed[model] = Stopwatch.GetTimestamp();
            using Process kill = Process.Start("/bin/sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -9 {worker} 2>/dev/null")]);
            await kill.WaitForExitAsync(CancellationToken.None);
            Count("workers killed");
        }
    }

    private async Task StopAsync(LocalGateway gateway, CancellationToken over)
    {
        for (int i = 0; await WaitAsync(BetweenStops, over); i++)
        {
            (int code, string said) = await gateway.CliAsync("stop", Models[i % Models.Length]);
            if (code != 0 && !said.Contains("not loaded", StringComparison.Ordinal))
                _unexplained.Enqueue($"fairlead stop ended with {code}: {said}");
            Count("models stopped");
        }
    }

    private async Task SampleAsync(LocalGateway gateway, CancellationToken over)
    {
        while (await WaitAsync(TimeSpan.FromSeconds(1), over))
            _figures.Sample(gateway.Id, Interlocked.Read(ref _requests));
    }

    /// <returns>False when it is over.</returns>
    private static async Task<bool> WaitAsync(TimeSpan time, CancellationToken over)
    {
        try
        {
            await Task.Delay(time, over);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
