using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Fairlead.Shared;

namespace Fairlead.Bench;

/// <summary>What the gateway costs in front of a model of its own, beside asking the model's worker on its socket; and how long a model takes that is not loaded.</summary>
internal static class LocalBench
{
    private const string Model = "local/guide2";
    private const int Rounds = 5, Requests = 300, ColdStarts = 7;

    public static async Task RunAsync(string binary)
    {
        await using var gateway = new LocalGateway(binary);
        string guide = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Environment.ProcessPath)!, "..", "..", "..", "..", "..", "models", "guide"));
        long bytes = RandomCheckpoint.Write(guide, gateway.In("large"), 500_000_000);
        await gateway.StartAsync($"guide: false\nlocal:\n  guide2: {{ source: {guide}, slots: 4, threads: 1 }}\n  large: {{ source: {gateway.In("large")}, slots: 1 }}\n");
        await AskAsync(gateway.Http, gateway.Base, Model);
        string socket = Directory.GetFiles(gateway.SocketFolder).Single();
        using var direct = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, stop) =>
            {
                var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await unix.ConnectAsync(new UnixDomainSocketEndPoint(socket), stop);
                return new NetworkStream(unix, ownsSocket: true);
            },
        });
        int worker = gateway.WorkerOf(Model) ?? throw new InvalidOperationException("the model has no process");
        var gatewayCpu = new List<double>();
        var workerCpu = new List<double>();
        var directCpu = new List<double>();
        for (int round = 0; round <= Rounds; round++) // the first is warm-up
        {
            (double through, double ofWorker) = await CpuAsync(gateway, worker, () => AskAsync(gateway.Http, gateway.Base, Model));
            (_, double alone) = await CpuAsync(gateway, worker, () => AskAsync(direct, "http://worker", Model));
            if (round == 0)
                continue;
            gatewayCpu.Add(through);
            workerCpu.Add(ofWorker);
            directCpu.Add(alone);
        }
        Console.WriteLine("| CPU µs a request of 38 tokens, median [least–most] | |\n|---|---|");
        Console.WriteLine($"| the worker, asked on its socket | {Cell(directCpu)} |");
        Console.WriteLine($"| the worker, asked through the gateway | {Cell(workerCpu)} |");
        Console.WriteLine($"| the gateway | {Cell(gatewayCpu)} |");
        Console.WriteLine($"| both ÷ the worker alone | {((Median(gatewayCpu) + Median(workerCpu)) / Median(directCpu)).ToString("0.000", CultureInfo.InvariantCulture)} |");
        foreach ((string name, string what) in ((string, string)[])[("guide2", "the guide, 9.9 MB"), ("large", $"random weights, {bytes / 1_000_000} MB")])
        {
            (List<double> cold, List<double> warm) = await ColdAsync(gateway, name);
            Console.WriteLine($"| first token of {what}, cold, ms | {Cell(cold)} |\n| the same, loaded, ms | {Cell(warm)} |");
        }
    }

    private static async Task AskAsync(HttpClient http, string origin, string model)
    {
        using HttpRequestMessage request = LocalGateway.Chat(origin, model, "What is Fairlead?", 64, stream: false);
        using HttpResponseMessage answer = await http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode || !text.Contains("\"finish_reason\"", StringComparison.Ordinal))
            throw new InvalidOperationException($"{(int)answer.StatusCode}: {text}");
    }

    /// <summary>Processor time of gateway and worker for one request, over <see cref="Requests"/> of them one after the other.</summary>
    private static async Task<(double Gateway, double Worker)> CpuAsync(LocalGateway gateway, int worker, Func<Task> ask)
    {
        double before = ProcessFigures.CpuMicroseconds(gateway.Id), workerBefore = ProcessFigures.CpuMicroseconds(worker);
        for (int i = 0; i < Requests; i++)
            await ask();
        return ((ProcessFigures.CpuMicroseconds(gateway.Id) - before) / Requests, (ProcessFigures.CpuMicroseconds(worker) - workerBefore) / Requests);
    }

    /// <summary>Until the first byte of the answer, of a model that is stopped before each question, and of the same when it is loaded; files are in the system's cache.</summary>
    private static async Task<(List<double> Cold, List<double> Warm)> ColdAsync(LocalGateway gateway, string name)
    {
        var cold = new List<double>();
        var warm = new List<double>();
        for (int i = 0; i < ColdStarts; i++)
        {
            await gateway.CliAsync("stop", name);
            cold.Add(await FirstTokenAsync(gateway, "local/" + name));
            warm.Add(await FirstTokenAsync(gateway, "local/" + name));
        }
        return (cold[1..], warm[1..]); // the first may have had to read the disk
    }

    private static async Task<double> FirstTokenAsync(LocalGateway gateway, string model)
    {
        using HttpRequestMessage request = LocalGateway.Chat(gateway.Base, model, "What is Fairlead?", 1, stream: true);
        long began = Stopwatch.GetTimestamp();
        using HttpResponseMessage answer = await gateway.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        while (await lines.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal))
                return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }
        throw new InvalidOperationException($"{model} answered {(int)answer.StatusCode} and no event");
    }

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static string Cell(List<double> values) => string.Create(CultureInfo.InvariantCulture, $"{Median(values):#,##0} [{values.Min():#,##0}–{values.Max():#,##0}]");
}
