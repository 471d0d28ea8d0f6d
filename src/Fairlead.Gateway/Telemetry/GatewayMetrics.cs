using System.Diagnostics;
using System.Diagnostics.Metrics;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Routing;

namespace Fairlead.Gateway.Telemetry;

/// <summary>What the gateway counts. Names are OpenTelemetry's GenAI conventions where they have one (v1.37, development status), <c>fairlead.*</c> elsewhere.
/// Labels come from closed lists and the configuration, never from callers.</summary>
internal sealed class GatewayMetrics : IDisposable
{
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
    };

    private static int s_made;
    private readonly Meter _meter;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstToken;
    private readonly Counter<long> _tokens;
    private readonly Counter<long> _spend;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _retries;

    public GatewayMetrics()
    {
        int before = Interlocked.Increment(ref s_made) - 1;
        _meter = new Meter(before == 0 ? "Fairlead" : $"Fairlead.{before}");
        _requests = _meter.CreateCounter<long>("fairlead.requests", "{request}", "Requests by route and how they ended.");
        _duration = _meter.CreateHistogram("gen_ai.server.request.duration", "s", "From the first byte of a request to its settlement.", advice: Seconds);
        _firstToken = _meter.CreateHistogram("gen_ai.server.time_to_first_token", "s", "From the start of the serving attempt, or its place in a model of our own, to its first event.", advice: Seconds);
        _tokens = _meter.CreateCounter<long>("gen_ai.client.token.usage", "{token}", "Tokens by provider and kind.");
        _spend = _meter.CreateCounter<long>("fairlead.charged", "{nano_usd}", "Charged, by provider, in nano-dollars.");
        _failures = _meter.CreateCounter<long>("fairlead.upstream.faults", "{fault}", "Failed attempts by provider and fault.");
        _retries = _meter.CreateCounter<long>("fairlead.upstream.retries", "{attempt}", "Attempts after the first, by kind.");
    }

    /// <summary>What listeners know them by. Another gateway in the same process has another name: each tells of itself alone.</summary>
    public string MeterName => _meter.Name;

    /// <summary>Adds a value that is read when it is asked for.</summary>
    public void Watch(string name, string unit, string description, Func<long> read) => _meter.CreateObservableGauge(name, read, unit, description);

    public void Closed(RequestClosed closed, double elapsedMs)
    {
        string route = Word(closed.Route);
        _requests.Add(1, new TagList { { "route", route }, { "end_reason", closed.EndReason.Word() } });
        _duration.Record(elapsedMs / 1000, new TagList { { "route", route } });
        if (closed.Provider is not { } provider || closed.UsageSource == UsageSource.None)
            return;
        _tokens.Add(closed.Usage.InputTokens, new TagList { { "gen_ai.provider.name", provider }, { "gen_ai.token.type", "input" } });
        _tokens.Add(closed.Usage.OutputTokens, new TagList { { "gen_ai.provider.name", provider }, { "gen_ai.token.type", "output" } });
        _spend.Add(closed.Charged.Value, new TagList { { "gen_ai.provider.name", provider } });
        if (closed.Attempts.Count > 0 && closed.Attempts[^1] is { FirstTokenMs: { } first } served)
            _firstToken.Record((first - (served.PlaceMs ?? served.StartMs)) / 1000, new TagList { { "gen_ai.provider.name", provider } });
    }

    /// <summary>Counts a request that nobody is billed for: refused before anybody could be, or a count of tokens.</summary>
    public void Unbilled(Route route, EndReason reason) =>
        _requests.Add(1, new TagList { { "route", Word(route) }, { "end_reason", reason.Word() } });

    public void Failed(string provider, FaultKind fault) =>
        _failures.Add(1, new TagList { { "gen_ai.provider.name", provider }, { "fault", fault.ToString() } });

    public void Retried(NextStepKind kind) => _retries.Add(1, new TagList { { "kind", kind == NextStepKind.TryNext ? "next" : "same" } });

    public void Dispose() => _meter.Dispose();

    private static string Word(Route route) => route switch
    {
        Route.Chat => "chat",
        Route.Messages => "messages",
        Route.CountTokens => "count_tokens",
        Route.Completions => "completions",
        _ => "embeddings",
    };
}
