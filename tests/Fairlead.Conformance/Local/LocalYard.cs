using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using FairleadProcess = Fairlead.Yard.FairleadProcess;

namespace Fairlead.Conformance.Local;

/// <summary>What one caller was answered.</summary>
/// <param name="Status">HTTP's.</param>
/// <param name="Text">The body as it came.</param>
/// <param name="Headers">Of the answer.</param>
internal sealed record LocalAnswer(HttpStatusCode Status, string Text, HttpResponseHeaders Headers)
{
    public JsonNode Json => JsonNode.Parse(Text)!;

    /// <summary><c>error.code</c>; null where it is none.</summary>
    public string? Code => (string?)Json["error"]?["code"];

    /// <summary><c>error.message</c>.</summary>
    public string Message => (string?)Json["error"]?["message"] ?? "";

    public string Content => (string)Json["choices"]![0]!["message"]!["content"]!;

    public string Id => Headers.GetValues("x-fairlead-request-id").Single();

    /// <summary>Whole seconds of <c>Retry-After</c>; null where there is none.</summary>
    public double? RetryAfter => Headers.RetryAfter?.Delta?.TotalSeconds;
}

/// <summary>One gateway with models of its own, and all that can be seen of it from outside: answers, records, processes, sockets.</summary>
internal sealed class LocalYard : IAsyncDisposable
{
    /// <summary>Bounds every wait of these tests: long enough for a machine that builds something else meanwhile.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HttpClient _http;

    private LocalYard(FairleadProcess fairlead)
    {
        Fairlead = fairlead;
        _http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 4096, ResponseDrainTimeout = TimeSpan.Zero }) { Timeout = TimeSpan.FromMinutes(3) };
    }

    public FairleadProcess Fairlead { get; }

    public string SocketFolder => Path.Combine(Fairlead.DataFolder, "workers");

    /// <summary>Starts the gateway.</summary>
    /// <param name="yaml">As <see cref="FairleadProcess.StartAsync"/>.</param>
    /// <param name="environment">As there.</param>
    /// <param name="dataFolder">As there.</param>
    public static async Task<LocalYard> StartAsync(string yaml, IReadOnlyDictionary<string, string>? environment = null, string? dataFolder = null) =>
        new(await FairleadProcess.StartAsync(yaml, environment, dataFolder));

    /// <summary>A chat that is answered whole.</summary>
    /// <param name="more">Spliced into the body as it stands, such as <c>,"max_tokens":8</c>.</param>
    public async Task<LocalAnswer> AskAsync(string model, string more = "", params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = Request(model, more, headers);
        using HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return new LocalAnswer(response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), response.Headers);
    }

    /// <summary>A chat that is streamed; returns when its head is there.</summary>
    public async Task<LocalStream> StreamAsync(string model, string more = "", params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = Request(model, more + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}", headers);
        return await LocalStream.OpenAsync(await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken));
    }

    /// <summary>The record of a request; waits for its end to be written.</summary>
    public async Task<JsonNode> RecordAsync(string id)
    {
        JsonNode? record = null;
        await UntilAsync(async () => (record = await GetAsync("requests/" + id))?["end_reason"]?.GetValue<string>() is { Length: > 0 }, "the request's record is closed");
        return record!;
    }

    /// <summary>The model's entry of <c>/v1/models</c>; null where it is not listed.</summary>
    public async Task<JsonNode?> ListedAsync(string model) =>
        (await GetAsync("models"))?["data"]!.AsArray().FirstOrDefault(entry => (string?)entry!["id"] == model);

    /// <summary>The model's row of <c>fairlead ps --json</c>.</summary>
    public async Task<JsonNode> StatusAsync(string model)
    {
        Yard.CliResult ps = await Fairlead.CliAsync("ps", "--json");
        Assert.True(ps.ExitCode == 0, ps.Stderr);
        JsonNode root = JsonNode.Parse(ps.Stdout)!;
        JsonArray rows = root as JsonArray ?? root["models"]!.AsArray();
        return rows.First(row => (string?)row!["name"] == model)!;
    }

    public async Task<JsonNode?> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Fairlead.BaseUrl}/v1/{path}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Fairlead.FirstKey);
        using HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return response.IsSuccessStatusCode ? JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)) : null;
    }

    /// <summary>The value of a metric for one model; 0 where it has not been counted yet.</summary>
    public async Task<double> MetricAsync(string name, string model)
    {
        string text = await _http.GetStringAsync($"{Fairlead.BaseUrl}/metrics", TestContext.Current.CancellationToken);
        string? line = text.Split('\n').FirstOrDefault(l => l.StartsWith(name + "{", StringComparison.Ordinal) && l.Contains($"model=\"{model}\"", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>Processes that are this gateway's children now and hold a model, by process id; the dead that nobody has buried yet do not count.</summary>
    public IReadOnlyList<int> Workers() => Processes.ChildrenOf(Fairlead.ProcessId);

    /// <summary>The process whose command line names the model; waited for.</summary>
    public async Task<int> WorkerOfAsync(string model)
    {
        int found = 0;
        await UntilAsync(() => (found = Workers().FirstOrDefault(id => Processes.CommandLine(id).Contains(model, StringComparison.Ordinal))) != 0, $"{model} has a process");
        return found;
    }

    /// <summary>Files in the folder of sockets.</summary>
    public string[] Sockets() => Directory.Exists(SocketFolder) ? Directory.GetFiles(SocketFolder) : [];

    /// <summary>Asks again and again: what happens in another process cannot be awaited.</summary>
    public Task UntilAsync(Func<bool> holds, string what) => UntilAsync(() => Task.FromResult(holds()), what);

    /// <inheritdoc cref="UntilAsync(Func{bool}, string)"/>
    public async Task UntilAsync(Func<Task<bool>> holds, string what, TimeSpan? within = null)
    {
        long began = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < (within ?? Patience), $"Did not come about: {what}\n{Fairlead.Output}");
            await poll.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Every figure of the ledger is what its records say.</summary>
    public async Task VerifyLedgerAsync()
    {
        Yard.CliResult verified = await Fairlead.CliAsync("ledger", "verify");
        Assert.True(verified.ExitCode == 0, verified.Stdout + verified.Stderr);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        int[] workers = [.. Fairlead.Running ? Workers() : []];
        if (Fairlead.Running)
            await Fairlead.KillAsync();
        foreach (int worker in workers)
            Processes.Signal(worker, "CONT"); // one that a test has stopped could not hear that its gateway is dead
        long began = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (workers.Any(Processes.Lives) && Stopwatch.GetElapsedTime(began) < Patience)
            await poll.WaitForNextTickAsync(CancellationToken.None);
        await Fairlead.DisposeAsync();
    }

    private HttpRequestMessage Request(string model, string more, (string Name, string Value)[] headers)
    {
        string body = $$"""{"model":"{{model}}","messages":[{"role":"user","content":"What is Fairlead?"}]{{more}}}""";
        var request = new HttpRequestMessage(HttpMethod.Post, Fairlead.BaseUrl + "/v1/chat/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Fairlead.FirstKey);
        foreach ((string name, string value) in headers)
            request.Headers.Add(name, value);
        return request;
    }
}
