namespace Fairlead.Api;

/// <summary>The running server: <c>GET /api/status</c>.</summary>
/// <param name="Version">Of the server.</param>
/// <param name="StartedAt">UTC.</param>
/// <param name="Listen">Base address of the data plane, e.g. <c>http://127.0.0.1:8080</c>.</param>
/// <param name="Data">Absolute path of the data folder.</param>
/// <param name="Status">The word of <c>/health</c>.</param>
/// <param name="Running">Paid requests under way.</param>
/// <param name="Models">Models in the catalogue.</param>
/// <param name="Providers">Each with what it offers.</param>
public sealed record ServerStatus(
    string Version, DateTimeOffset StartedAt, string Listen, string Data, string Status, int Running, int Models, IReadOnlyList<ProviderStatus> Providers);

/// <summary>A provider of the running configuration.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Url">Where it is asked, without credentials.</param>
/// <param name="Offers">Models it offers here.</param>
/// <param name="Found">True when it was found in the environment or on a loopback port.</param>
/// <param name="Resting">Why it is not asked right now; null while it is.</param>
/// <param name="AskableInSeconds">How long it still rests; 0 while it does not.</param>
public sealed record ProviderStatus(string Name, string Url, int Offers, bool Found, string? Resting, double AskableInSeconds);

/// <summary>A model: an element of <c>GET /api/models</c>.</summary>
/// <param name="Id">What callers write.</param>
/// <param name="Offers">Who serves it.</param>
public sealed record ModelView(string Id, IReadOnlyList<OfferView> Offers);

/// <summary>One model at one provider. Prices are US dollars as decimal text, <c>Input</c> and <c>Output</c> for a million tokens and <c>PerHour</c> for an hour of
/// computing; null where not known, or where that is not what is charged. The status of a model that the server runs itself is that of
/// <see cref="LocalModelView.State"/>; the dialect, <c>openai</c> or <c>anthropic</c>, is what its provider speaks.</summary>
/// <param name="RetiresOn">The day on which the provider withdraws or withdrew the model; null where none is announced.</param>
/// <param name="DeprecatedOn">The day by which it had announced that; null where it has not.</param>
/// <param name="Successor">The model that would serve here in its place; null where none would, or nothing is announced.</param>
/// <param name="Aliases">Other names under which the provider serves this very model, and by which it may be asked for.</param>
public sealed record OfferView(
    string Provider, string ProviderModel, string Status, string? Input, string? Output, string? PerHour, long? Context, bool Tools, bool Images, bool Structured,
    double? FirstTokenMs, double? TokensPerSecond, string? RetiresOn, string? DeprecatedOn, string? Successor, IReadOnlyList<string> Aliases, string Dialect = "openai");

/// <summary>A key: an element of <c>GET /api/keys</c>. The secret is in no answer but the one that makes it.</summary>
/// <param name="Id">Stable.</param>
/// <param name="Name">Unique among living keys.</param>
/// <param name="Tail">Last four characters of the secret.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="RevokedAt">From then on it is unknown; null while it lives.</param>
/// <param name="ExpiresAt">Null: never.</param>
/// <param name="Models">Models it may ask for; empty means all.</param>
/// <param name="Budget">As <c>5.00/day</c>; null: none.</param>
/// <param name="BudgetLeft">US dollars, nine places; null where there is no budget.</param>
/// <param name="Rpm">Requests per minute; null: no limit.</param>
/// <param name="Tpm">Tokens per minute; null: no limit.</param>
/// <param name="Parallel">Requests at once; null: no limit.</param>
/// <param name="Successors">A model that its provider has withdrawn is served by the one that took its place.</param>
public sealed record KeyView(
    string Id, string Name, string Tail, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt, DateTimeOffset? ExpiresAt, IReadOnlyList<string> Models,
    string? Budget, string? BudgetLeft, long? Rpm, long? Tpm, int? Parallel, bool Successors);

/// <summary>What <c>POST /api/keys</c> takes. Only the name is needed.</summary>
/// <param name="Name">Letters, digits, <c>. _ -</c>; at most 64; unique among living keys.</param>
/// <param name="Models">Models, aliases or <c>provider/model</c>; null or empty means all.</param>
/// <param name="Budget">As <c>5/day</c> or <c>$20/month</c>.</param>
/// <param name="Rpm">Requests per minute, ≥ 1.</param>
/// <param name="Tpm">Tokens per minute, ≥ 1.</param>
/// <param name="Parallel">Requests at once, ≥ 1.</param>
/// <param name="Expires">A duration such as <c>90d</c>, or a date such as <c>2027-01-31</c>.</param>
/// <param name="Successors">True: a model that its provider has withdrawn is served by the one that took its place; null or false: it is refused.</param>
public sealed record KeyRequest(string Name, IReadOnlyList<string>? Models, string? Budget, long? Rpm, long? Tpm, int? Parallel, string? Expires, bool? Successors = null);

/// <summary>What <c>POST /api/keys/{name}/rotate</c> takes.</summary>
/// <param name="Overlap">How long the old secret stays good, e.g. <c>24h</c>; null: not at all.</param>
public sealed record RotateRequest(string? Overlap);

/// <summary>A key that was just made: the only answer that holds the secret.</summary>
/// <param name="Key">The secret; shown once.</param>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="View">All else about it.</param>
public sealed record NewKey(string Key, string Id, string Name, KeyView View);

/// <summary>What a request looked like, shortened: an element of <c>GET /api/requests</c>.</summary>
public sealed record RequestLine(
    string Id, DateTimeOffset StartedAt, string Key, string ModelAsked, string? Provider, int Status, string EndReason, double Milliseconds,
    long InputTokens, long OutputTokens, string CostUsd);

/// <summary>One line of <c>GET /api/usage</c>. A column that was not grouped by is null. <c>ComputeSeconds</c> is what models of the server's own have computed.
/// Of the input tokens, so many were read from providers' caches and so many written to them; of those, so many to be kept for an hour.</summary>
public sealed record UsageLine(
    string? Day, string? Key, string? Model, string? Provider, long Requests, long Failed, long InputTokens, long OutputTokens,
    long CachedInputTokens, long CacheWriteTokens, long CacheWriteHourTokens, decimal ComputeSeconds, string CostUsd);

/// <summary>What <c>GET /api/ledger/verify</c> found.</summary>
/// <param name="Holds">True when nothing is wrong.</param>
/// <param name="Requests">Closed requests read.</param>
/// <param name="Entries">Entries read.</param>
/// <param name="Faults">What is wrong: which rule, where, how.</param>
public sealed record LedgerReport(bool Holds, long Requests, long Entries, IReadOnlyList<string> Faults);

/// <summary>One check of <c>GET /api/doctor</c>.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="State"><c>ok</c>, <c>warn</c> or <c>bad</c>.</param>
/// <param name="Detail">What was seen.</param>
/// <param name="Fix">What to do; null where nothing is to be done.</param>
public sealed record DoctorCheck(string Name, string State, string Detail, string? Fix);

/// <summary>All models that the server runs itself: <c>GET /api/local</c>.</summary>
/// <param name="MemoryBytes">What they may take together.</param>
/// <param name="TakenBytes">What is set aside for those that are loaded or being loaded.</param>
/// <param name="Models">In the order of the configuration; those that <c>run</c> added after them, and what comes with the product last.</param>
public sealed record LocalFleet(long MemoryBytes, long TakenBytes, IReadOnlyList<LocalModelView> Models);

/// <summary>A model that the server runs itself. Null is what is not known, or does not apply in its state.</summary>
/// <param name="Name">As callers write it: <c>local/NAME</c> or <c>fairlead/guide</c>.</param>
/// <param name="State"><c>cold</c>, <c>queued</c>, <c>loading</c>, <c>ready</c>, <c>draining</c>, <c>resting</c> or <c>parked</c>.</param>
public sealed record LocalModelView(string Name, string State)
{
    /// <summary>Absolute path, or the name that its engine has for it.</summary>
    public required string Source { get; init; }

    /// <summary>Hub id under which it is offered too.</summary>
    public string? Model { get; init; }

    /// <summary>The engine's word; null for the product's own.</summary>
    public string? Engine { get; init; }

    /// <summary>True when <c>run</c> added it: it is gone when the server stops.</summary>
    public bool Temporary { get; init; }

    /// <summary><c>language</c> or <c>embedding</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>Tokens of input and output together.</summary>
    public long? Context { get; init; }

    /// <summary>Answers at once.</summary>
    public int Slots { get; init; }

    /// <summary>Answers under way.</summary>
    public int Busy { get; init; }

    /// <summary>Requests that wait for it.</summary>
    public int Waiting { get; init; }

    public long FileBytes { get; init; }

    /// <summary>What is, or would be, set aside for it.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>What its process occupies.</summary>
    public long? ResidentBytes { get; init; }

    /// <summary>0 to 1, while it loads.</summary>
    public double? Progress { get; init; }

    /// <summary>From now until it answers, as far as can be told; 0 when it is ready.</summary>
    public double ReadyInSeconds { get; init; }

    /// <summary>Until it is unloaded for want of use, while it is idle.</summary>
    public double? UnloadsInSeconds { get; init; }

    /// <summary>Until it is tried again, while it rests.</summary>
    public double? RetryInSeconds { get; init; }

    /// <summary>Why it rests or is parked, or last failed.</summary>
    public string? Reason { get; init; }

    /// <summary>How long a load takes: the middle one of the last, or a guess from the size of its files.</summary>
    public double ColdStartSeconds { get; init; }

    /// <summary>What its process is confined by: <c>cgroup</c>, <c>rlimit</c> or <c>none</c>.</summary>
    public string? Sandbox { get; init; }

    /// <summary>Id of its process.</summary>
    public int? Process { get; init; }

    /// <summary>Loads that succeeded since the server's start.</summary>
    public long Loads { get; init; }

    public long FailedLoads { get; init; }

    /// <summary>How often it was unloaded to make room.</summary>
    public long Evictions { get; init; }

    /// <summary>How often it was unloaded because nobody used it.</summary>
    public long IdleUnloads { get; init; }

    /// <summary>How often its process died unasked.</summary>
    public long Crashes { get; init; }
}

/// <summary>What <c>POST /api/local</c> takes: a model to serve until the server stops. By the rules of the configuration's <c>local:</c>.</summary>
/// <param name="Name">Callers write <c>local/NAME</c>.</param>
/// <param name="Source">Absolute path of a folder or a <c>.gguf</c> file.</param>
/// <param name="Context">Tokens of input and output together; null for the model's own.</param>
/// <param name="Slots">Answers at once; null for the default.</param>
/// <param name="Threads">Threads that compute; null for as many as there are cores.</param>
/// <param name="Keep">A duration such as <c>10m</c>, or <c>forever</c>; null for the default.</param>
/// <param name="Quantize">What floating-point weights are quantised to while they are loaded: <c>q8_0</c>, <c>q4_0</c> or <c>q4_k</c>; null: they stay what they are.</param>
/// <param name="Kv">In what form keys and values are kept: <c>f32</c>, <c>f16</c> or <c>q8_0</c>; null for the default.</param>
/// <param name="Stall">How long a running answer may wait for a step that also reads a prompt, as <c>50ms</c>; null for the default.</param>
/// <param name="Draft">Absolute path of a second, smaller model that guesses how its answers go on; null without one.</param>
/// <param name="Guesses">Tokens that its answers are guessed ahead at most; null for the default, 0 for none.</param>
public sealed record RunRequest(
    string Name, string Source, long? Context = null, long? Slots = null, long? Threads = null, string? Keep = null, string? Quantize = null, string? Kv = null, string? Stall = null,
    string? Draft = null, long? Guesses = null);

/// <summary>What <c>POST /api/local/{name}/stop</c> did.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="FreedBytes">Memory that was set aside for it and is free again; 0 where it was not loaded.</param>
/// <param name="BrokenOff">Requests that were broken off.</param>
public sealed record StopReport(string Name, long FreedBytes, int BrokenOff);

/// <summary>Lines of a model's log: <c>GET /api/local/{name}/logs</c>.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="Lines">Oldest first, each with its time.</param>
/// <param name="Next">What to ask for as <c>after</c> to get those that come later.</param>
public sealed record LogView(string Name, IReadOnlyList<string> Lines, long Next);

/// <summary>An error of the admin API.</summary>
/// <param name="Code">Stable, snake case.</param>
/// <param name="Message">What happened and what to do.</param>
public sealed record ApiError(string Code, string Message);
