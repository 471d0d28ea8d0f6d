using System.Diagnostics;
using System.Globalization;
using Fairlead.Bench;
using Fairlead.Engine.Kernels;

// As for a worker; processes that this one starts inherit it.
if (Environment.GetEnvironmentVariable("FAIRLEAD_KERNELS") is { Length: > 0 } chosen && !KernelChoice.TryUse(chosen))
    throw new ArgumentException($"FAIRLEAD_KERNELS is '{chosen}'; this machine can run {string.Join(", ", KernelChoice.Available)}.", nameof(args));

// Not part of the table: bench/Fairlead.Bench kernels [family]
if (args is ["kernels", .. { Length: < 2 } family])
{
    KernelBench.Run([.. family]);
    return 0;
}

// Not part of the table either: bench/Fairlead.Bench floats
if (args is ["floats"])
{
    FloatBench.Run();
    return 0;
}

// bench/Fairlead.Bench attention THREADS
if (args is ["attention", var crew])
{
    AttentionBench.Run(int.Parse(crew, CultureInfo.InvariantCulture));
    return 0;
}

// bench/Fairlead.Bench encoder THREADS [CHECKPOINT]; without one, BERT-base with random weights
if (args is ["encoder", var count, ..])
{
    EncoderBench.Run(args.ElementAtOrDefault(2), int.Parse(count, CultureInfo.InvariantCulture));
    return 0;
}

// bench/engine.sh builds and calls this.
if (args is ["engine"])
{
    await new EngineBench().RunAsync();
    return 0;
}

// What it compares are processes of their own: bench/Fairlead.Bench encoder-driver CHECKPOINT THREADS
if (args is ["encoder-driver", var encoded, var encoding])
{
    EncoderDriver.Run(encoded, int.Parse(encoding, CultureInfo.InvariantCulture));
    return 0;
}

// bench/Fairlead.Bench engine-driver MODEL THREADS CONTEXT SLOTS
if (args is ["engine-driver", var driven, var threads, var context, var slots])
{
    await EngineDriver.RunAsync(driven, int.Parse(threads, CultureInfo.InvariantCulture), int.Parse(context, CultureInfo.InvariantCulture), int.Parse(slots, CultureInfo.InvariantCulture));
    return 0;
}

// What a pack saves of a load: bench/Fairlead.Bench load MODEL THREADS [QUANTIZE]
if (args is ["load", var opened, var loaders, ..])
{
    await LoadBench.RunAsync(opened, loaders, args.ElementAtOrDefault(3));
    return 0;
}

// One load of it, in a process of its own: bench/Fairlead.Bench load-driver MODEL THREADS QUANTIZE|- FOLDER|-
if (args is ["load-driver", var one, var crewed, var target, var packs])
{
    await LoadBench.DriveAsync(one, crewed, target, packs);
    return 0;
}

// What sharing out work costs: bench/Fairlead.Bench crew THREADS
if (args is ["crew", var sharing])
{
    CrewBench.Run(int.Parse(sharing, CultureInfo.InvariantCulture));
    return 0;
}

// How long answers wait for a long prompt beside them: bench/Fairlead.Bench stall MODEL THREADS [TOKENS] [MILLISECONDS]
if (args is ["stall", var stalled, var workers, ..])
{
    TimeSpan? stall = args.Length > 4 ? TimeSpan.FromMilliseconds(double.Parse(args[4], CultureInfo.InvariantCulture)) : null;
    await StallBench.RunAsync(stalled, int.Parse(workers, CultureInfo.InvariantCulture), args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 4096, stall);
    return 0;
}

// bench/stall.sh builds and calls this.
if (args is ["served-stall", var product, var held, var prompt])
{
    await ServedStallBench.RunAsync(product, held, int.Parse(prompt, CultureInfo.InvariantCulture));
    return 0;
}

// What a draft saves: bench/Fairlead.Bench draft MODEL DRAFT THREADS [TEXT_FILE]
if (args is ["draft", var guessed, var guesser, var pair, .. var readBefore])
{
    await DraftBench.RunAsync(guessed, guesser, int.Parse(pair, CultureInfo.InvariantCulture), readBefore is [var text] ? File.ReadAllText(text) : "");
    return 0;
}

// The built-in model with another number of layers, for the one above: bench/Fairlead.Bench guide-layers GUIDE FOLDER LAYERS
if (args is ["guide-layers", var guide, var written, var layers])
{
    GuideLayers.Write(guide, written, int.Parse(layers, CultureInfo.InvariantCulture));
    return 0;
}

// Random requests, and whether anything came of them that should not: bench/Fairlead.Bench requests MODEL THREADS [SECONDS] [SEED]
if (args is ["requests", var asked, var hands, ..])
{
    TimeSpan minutes = TimeSpan.FromSeconds(args.Length > 3 ? double.Parse(args[3], CultureInfo.InvariantCulture) : 300);
    int seed = args.Length > 4 ? int.Parse(args[4], CultureInfo.InvariantCulture) : 1;
    return await RandomRequests.RunAsync(asked, minutes, int.Parse(hands, CultureInfo.InvariantCulture), seed) ? 0 : 1;
}

// bench/soak.sh builds and calls this.
if (args is ["soak", var soaked, var time])
    return await new Soak(soaked, TimeSpan.FromSeconds(double.Parse(time, CultureInfo.InvariantCulture))).RunAsync() ? 0 : 1;

// bench/local.sh builds and calls this.
if (args is ["local", var served])
{
    await LocalBench.RunAsync(served);
    return 0;
}

// bench/gateway.sh builds and calls this: all contenders in one run, interleaved, medians and ranges as a Markdown table.
string binary = args[0];
string? portkey = args.Length > 1 && File.Exists(args[1]) ? args[1] : null;
int rounds = int.Parse(Environment.GetEnvironmentVariable("BENCH_ROUNDS") ?? "5", CultureInfo.InvariantCulture);
TimeSpan length = TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable("BENCH_SECONDS") ?? "3", CultureInfo.InvariantCulture));
string? core = Environment.ProcessorCount > 1 ? "1" : null;

// Development narrows a run: BENCH_ONLY=nginx,Fairlead and BENCH_ROWS=json1k,sse0 leave the rest out.
string[] only = (Environment.GetEnvironmentVariable("BENCH_ONLY") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);
string[] rows = (Environment.GetEnvironmentVariable("BENCH_ROWS") ?? "json1k,json100k,sse0,sse5,dialects,open500,idle").Split(',');

// A stream by way of each dialect's door, and of a provider that speaks the same one or the other: what translating costs beside relaying.
const string Relayed = "SSE at full speed, CPU µs/event";
const string Messages = "/v1/messages";
(string Row, string? Path, string Model)[] dialects =
[
    ("chunks told as a message, CPU µs/event", Messages, "bench-sse0"),
    ("a message relayed, CPU µs/event", Messages, "bench-messages"),
    ("a message told in chunks, CPU µs/event", null, "bench-messages"),
];

string folder = Directory.CreateTempSubdirectory("fairlead-bench-").FullName;
using var upstream = new UpstreamServer();
List<Contender> contenders = [.. Contenders.Make(folder, upstream.Port, binary, portkey).Where(c => only.Length == 0 || only.Contains(c.Name))];
var table = new Table(contenders.Select(static c => c.Name));
var unable = new HashSet<(string Contender, string Body)>();
string small = Body("bench-json", 1024, stream: false);
string large = Body("bench-json", 100 * 1024, stream: false);

try
{
    foreach (Contender contender in contenders.ToList())
    {
        try
        {
            TimeSpan first = await contender.StartAsync(contender.Request(small), core);
            table.Add("start to first answer, ms", contender.Name, first.TotalMilliseconds);
            if (rows.Contains("idle"))
                await IdleAsync(contender); // before any load: afterwards the streams would sit in memory that the load left behind
            await WarmAsync(contender, small, 16, TimeSpan.FromSeconds(Math.Max(2, length.TotalSeconds)));
            await WarmAsync(contender, Body("bench-sse0", 1024, stream: true), 8, TimeSpan.FromSeconds(1));
            await WarmAsync(contender, large, 8, TimeSpan.FromSeconds(1));
            foreach ((_, string? path, string model) in contender.IsOurs && rows.Contains("dialects") ? dialects : [])
                await WarmAsync(contender, Stream(model, path), 8, TimeSpan.FromSeconds(Math.Max(2, length.TotalSeconds)), path);
        }
        catch (InvalidOperationException e) when (!contender.IsOurs)
        {
            await Console.Error.WriteLineAsync($"{contender.Name} is left out: {e.Message}");
            contender.Dispose();
            contenders.Remove(contender);
        }
    }
    for (int round = 0; round < rounds; round++)
    {
        foreach (Contender contender in contenders)
        {
            if (rows.Contains("json1k"))
                await CpuAsync(contender, "JSON 1 KB, CPU µs/request", small, 16, perAnswer: 1, "JSON 1 KB, requests/s");
            if (rows.Contains("json100k"))
                await CpuAsync(contender, "JSON 100 KB, CPU µs/request", large, 8, perAnswer: 1, null);
            if (rows.Contains("sse0"))
                await CpuAsync(contender, Relayed, Body("bench-sse0", 1024, stream: true), 8, UpstreamServer.Events, null);
            foreach ((string row, string? path, string model) in contender.IsOurs && rows.Contains("dialects") ? dialects : [])
                await CpuAsync(contender, row, Stream(model, path), 8, UpstreamServer.Events, null, path);
            if (rows.Contains("sse5"))
                await CpuAsync(contender, "SSE 5 ms gaps, CPU µs/event", Body("bench-sse5", 1024, stream: true), 32, UpstreamServer.Events, null);
            if (!rows.Contains("open500"))
                continue;
            List<double> open = await LoadGenerator.OpenAsync(contender.Port, contender.Request(small), 500, length);
            table.Add("500 requests/s, p50 µs", contender.Name, Percentile(open, 0.50));
            table.Add("500 requests/s, p99 µs", contender.Name, Percentile(open, 0.99));
        }
        if (!rows.Contains("open500"))
            continue;
        List<double> direct = await LoadGenerator.OpenAsync(upstream.Port, contenders[0].Request(small), 500, length);
        table.Add("500 requests/s, p50 µs", Table.Direct, Percentile(direct, 0.50));
        table.Add("500 requests/s, p99 µs", Table.Direct, Percentile(direct, 0.99));
    }
}
finally
{
    contenders.ForEach(static c => c.Dispose());
    Directory.Delete(folder, recursive: true);
}
Console.WriteLine(table.ToMarkdown(baseline: "nginx"));
foreach ((string row, _, _) in dialects)
{
    // Budget: 3. In one run and beside a relayed stream of as many events, so that neither machine nor hour matters.
    if (table.Ratio("Fairlead", row, Relayed) is { } ratio)
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Split(',')[0]} ÷ chunks relayed: {ratio:0.00}"));
}
return 0;

// A rival that cannot take a kind of load is left out of the rows of that kind, by name and with what it said; we are not excused.
async Task TryAsync(Contender contender, string body, Func<Task> run)
{
    if (unable.Contains((contender.Name, body)))
        return;
    try
    {
        await run().WaitAsync(length + TimeSpan.FromSeconds(20)); // one that never answers must not keep the others waiting
    }
    catch (Exception e) when (e is InvalidOperationException or TimeoutException && !contender.IsOurs)
    {
        unable.Add((contender.Name, body));
        await Console.Error.WriteLineAsync($"{contender.Name} is left out of {body[10..body.IndexOf(',', StringComparison.Ordinal)]}, {body.Length} bytes: {e.Message}");
    }
}

Task IdleAsync(Contender contender)
{
    string idle = Body("bench-idle", 1024, stream: true);
    return TryAsync(contender, idle, async () =>
    {
        (await LoadGenerator.IdleStreamsAsync(contender.Port, contender.Request(idle), 50)).ForEach(static s => s.Dispose());
        long before = contender.ResidentBytes();
        List<Caller> streams = await LoadGenerator.IdleStreamsAsync(contender.Port, contender.Request(idle), 1000);
        table.Add("memory per idle stream, KiB", contender.Name, (contender.ResidentBytes() - before) / 1024.0 / streams.Count);
        streams.ForEach(static s => s.Dispose());
    });
}

Task WarmAsync(Contender contender, string body, int connections, TimeSpan time, string? path = null) =>
    TryAsync(contender, body, () => LoadGenerator.ClosedAsync(contender.Port, contender.Request(body, path), connections, time));

Task CpuAsync(Contender contender, string row, string body, int connections, int perAnswer, string? rateRow, string? path = null) => TryAsync(contender, body, async () =>
{
    byte[] request = contender.Request(body, path);
    double before = contender.CpuMicroseconds();
    long began = Stopwatch.GetTimestamp();
    (long answers, _) = await LoadGenerator.ClosedAsync(contender.Port, request, connections, length);
    double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
    table.Add(row, contender.Name, (contender.CpuMicroseconds() - before) / (answers * perAnswer));
    if (rateRow is not null)
        table.Add(rateRow, contender.Name, answers / seconds);
});

static double Percentile(List<double> values, double share)
{
    values.Sort();
    return values.Count == 0 ? double.NaN : values[Math.Min(values.Count - 1, (int)(values.Count * share))];
}

// Anthropic's door always tells the usage and knows no option for it.
static string Stream(string model, string? path) =>
    path is null ? Body(model, 1024, stream: true) : Body(model, 1024, stream: true).Replace(",\"stream_options\":{\"include_usage\":true}", "", StringComparison.Ordinal);

static string Body(string model, int bytes, bool stream)
{
    string options = stream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "";
    string head = $"{{\"model\":\"{model}\",\"max_tokens\":256{options},\"messages\":[{{\"role\":\"user\",\"content\":\"";
    return head + new string('a', Math.Max(1, bytes - head.Length - 4)) + "\"}]}";
}
