using System.Collections.Immutable;
using System.Net;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;
using Fairlead.Fleet.Workers;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Gateway.Settings;

/// <summary>The whole configuration, checked and whole: defaults, file, environment and flags in that order. Replaced whole on reload;
/// a request keeps the one it began with.</summary>
public sealed record GatewaySettings
{
    /// <summary>Where the data plane listens. Default 127.0.0.1:8080; anything beyond loopback only where it is asked for.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Absolute path of the data folder.</summary>
    public required string DataFolder { get; init; }

    /// <summary>In the order of the file, which is the order of <c>:preferred</c>; providers found in the environment come after.</summary>
    public ImmutableArray<ProviderSettings> Providers { get; init; } = [];

    /// <summary>Aliases with their chains (<c>models:</c>).</summary>
    public ImmutableArray<AliasSettings> Aliases { get; init; } = [];

    /// <summary>Keys that the configuration declares (<c>keys:</c>); their limits win over what the store holds.</summary>
    public ImmutableArray<KeySettings> Keys { get; init; } = [];

    /// <summary>Models that this server runs itself (<c>local:</c>), addressed as <c>local/NAME</c>.</summary>
    public ImmutableArray<LocalModelSettings> Local { get; init; } = [];

    /// <summary>Folder of the built-in model <c>fairlead/guide</c>; null where it is switched off.</summary>
    public string? GuideFolder { get; init; }

    /// <summary>How a process for one of them is started. Not configured: it is this program, but for tests, which are another.</summary>
    public WorkerCommand? Worker { get; init; }

    /// <summary>What models of one's own together may take.</summary>
    public FleetSettings Fleet { get; init; } = new();

    public DispatchSettings Dispatch { get; init; } = new();
    public LimitSettings Limits { get; init; } = new();
    public JournalSettings Journal { get; init; } = new();

    /// <summary>Origins whose pages may call us from a browser; <c>*</c> alone means every origin (no cookies are ever used). Default every origin, as the Hugging Face router does.</summary>
    public ImmutableArray<string> CorsOrigins { get; init; } = ["*"];

    /// <summary>Host names, beside loopback names and the listen address, that callers may use to reach us (DNS rebinding); <c>*</c> allows all.</summary>
    public ImmutableArray<string> Hosts { get; init; } = [];

    /// <summary>Look for local runners (llama-server, Ollama, LM Studio, vLLM, TGI) on their usual loopback ports. Default true.</summary>
    public bool Discover { get; init; } = true;
}

/// <summary>One provider. A known name brings URL, quirks and prices with it; any other needs <see cref="Url"/> and <see cref="Models"/> or a listing.</summary>
public sealed record ProviderSettings
{
    public required string Name { get; init; }

    /// <summary>Null: the known provider's own.</summary>
    public Uri? Url { get; init; }

    /// <summary>Null: the known provider's own, or OpenAI's.</summary>
    public Dialect? Dialect { get; init; }

    /// <summary>How the key is sent; null: as the known provider wants it, or as is the custom of the dialect.</summary>
    public KeyForm? KeyForm { get; init; }

    /// <summary>The credential; null where none is needed. Prints as <c>***</c>.</summary>
    public Secret? Key { get; init; }

    /// <summary>Models that the file lists; empty for known providers (the price sheet lists them) and for self-hosted servers that list their own.</summary>
    public ImmutableArray<ProviderModelSettings> Models { get; init; } = [];

    /// <summary>True when it was found (environment, loopback port), not written in the file.</summary>
    public bool Found { get; init; }
}

/// <summary>One offer as the file states it: the price is the operator's word.</summary>
public sealed record ProviderModelSettings
{
    /// <summary>Hub id under which the model stands in the catalogue.</summary>
    public required string HubId { get; init; }

    /// <summary>The provider's own id (<c>as</c>); the Hub id when not given.</summary>
    public required string ProviderModelId { get; init; }

    /// <summary>Null when the file gives no price: the offer is refused as <c>price_unknown</c>.</summary>
    public OfferPrice? Price { get; init; }

    public long? ContextLength { get; init; }
    public long? MaxOutputTokens { get; init; }

    /// <summary>Null: not said.</summary>
    public bool? Tools { get; init; }

    public bool? Images { get; init; }
    public bool? StructuredOutput { get; init; }

    /// <summary>True when it serves <c>/v1/embeddings</c> and not chat. Default false.</summary>
    public bool Embeddings { get; init; }
}

/// <summary>A model that this server runs itself, in a process of its own.</summary>
/// <param name="Name">Callers write <c>local/NAME</c>.</param>
/// <param name="Source">Absolute path of a model folder or a <c>.gguf</c> file; for an engine that keeps models by names of its own, such a name.</param>
/// <param name="Context">Tokens of input and output together; null for the model's own.</param>
/// <param name="Slots">Answers generated at once; null for the default.</param>
/// <param name="Threads">Threads that compute; null for as many as there are cores.</param>
/// <param name="Embeddings">True for an encoder, which serves <c>/v1/embeddings</c> alone; false for a model that writes; null where only its first load will tell.</param>
public sealed record LocalModelSettings(string Name, string Source, int? Context = null, int? Slots = null, int? Threads = null, bool? Embeddings = null)
{
    private readonly CommandWords _command = new([]);

    /// <summary>How long it stays loaded after its last answer; null: until its memory is needed or somebody stops it. Default 5 min.</summary>
    public TimeSpan? Keep { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>What floating-point weights are quantised to while they are loaded, as the worker's command line takes it; null: they stay what they are.</summary>
    public string? Quantize { get; init; }

    /// <summary>In what form keys and values are kept, as the worker's command line takes it; null for the worker's default.</summary>
    public string? Kv { get; init; }

    /// <summary>How long a running answer may wait for a step that also reads a prompt; null for the worker's default.</summary>
    public TimeSpan? Stall { get; init; }

    /// <summary>Absolute path of a second, smaller model that guesses how its answers go on; null without one.</summary>
    public string? Draft { get; init; }

    /// <summary>Tokens that its answers are guessed ahead at most, 0…64; null for the default.</summary>
    public int? Guesses { get; init; }

    /// <summary>Bytes of memory that it needs, for engines that do not say so themselves; null: measured.</summary>
    public long? Memory { get; init; }

    /// <summary>Hub id under which it stands in the catalogue beside the providers that serve the same model; null: it is <c>local/NAME</c> alone.</summary>
    public string? HubId { get; init; }

    /// <summary>Price of an hour of computing; zero, the default, for a machine that is the operator's own.</summary>
    public NanoDollars HourlyPrice { get; init; }

    /// <summary>What runs it: null for the product's own engine, otherwise the word of an engine that exists (<c>llama-server</c>, <c>vllm</c>, <c>tgi</c>, <c>tei</c>, <c>ollama</c>).</summary>
    public string? Engine { get; init; }

    /// <summary>The engine's program and arguments, in place of the known ones; empty for those. Never a line for a shell.</summary>
    public ImmutableArray<string> Command
    {
        get => _command.Words;
        init => _command = new CommandWords(value);
    }

    /// <summary>A program and its arguments, equal where all of them are: an array alone is equal to itself only, and a reload would take every model for a changed one.</summary>
    private readonly struct CommandWords(ImmutableArray<string> words) : IEquatable<CommandWords>
    {
        public ImmutableArray<string> Words { get; } = words;

        public bool Equals(CommandWords other) => Words.SequenceEqual(other.Words, StringComparer.Ordinal);

        public override bool Equals(object? obj) => obj is CommandWords other && Equals(other);

        public override int GetHashCode() => Words.Length;
    }
}

/// <summary>What all models of one's own together may take.</summary>
public sealed record FleetSettings
{
    /// <summary>Bytes of memory for all of them; null: three quarters of what the machine, or this process's control group, has.</summary>
    public long? Memory { get; init; }

    /// <summary>Bytes of disk for packed weights of all of them, which make the next load quicker; 0: none are kept. Default 20 GiB.</summary>
    public long Packs { get; init; } = 20L << 30;

    /// <summary>Requests that may wait for one model. Default 512.</summary>
    public int Queue { get; init; } = 512;

    /// <summary>Longest that one of them waits. Default 300 s.</summary>
    public TimeSpan QueueWait { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Longest that a load takes; longer for large files. Default 300 s.</summary>
    public TimeSpan Load { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Rest of a model after its first failure; each further one is twice as long. Not configured; tests have less patience.</summary>
    public TimeSpan FirstRest { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether a caller who says nothing waits for a model that is not loaded. Default true; false answers 503 with the time it will take.</summary>
    public bool WaitForModel { get; init; } = true;
}

public sealed record AliasSettings(string Name, ImmutableArray<string> Try, Budget? Budget = null);

public sealed record KeySettings(string Name, KeyLimits Limits);

/// <summary>How long we wait for upstreams and how often we ask another one. Defaults: reliability figures of docs/faults.md.</summary>
public sealed record DispatchSettings
{
    /// <summary>To have a connection, TLS included. 0.1 s to 60 s.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Request sent to headers read. 0.1 s to 10 min.</summary>
    public TimeSpan Headers { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Headers to first event. 0.1 s to 10 min.</summary>
    public TimeSpan FirstToken { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Between two pieces of an answer. 0.1 s to 10 min.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>All attempts together. 1 s to 60 min.</summary>
    public TimeSpan Total { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>Silence after which a streaming caller gets a comment, or a ping once a message of Anthropic's dialect has begun. 0.1 s to 5 min.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Attempts per request over all candidates, the first included; 1 turns failover off. 1 to 5.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>Longest Retry-After that is waited out in place. 0 to 60 s.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a caller may leave a write untaken before its request is ended (fault K-05). Not configured; tests have less patience.</summary>
    public TimeSpan CallerWrite { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What a broken-off answer costs: the tokens delivered (default), or nothing.</summary>
    public bool BillDelivered { get; init; } = true;
}

/// <summary>What one server takes on.</summary>
public sealed record LimitSettings
{
    /// <summary>Body of a paid request. Default 20 MiB; 1 KiB to 512 MiB.</summary>
    public long BodyBytes { get; init; } = 20L * 1024 * 1024;

    /// <summary>Requests under way in this process. Default 2,000; 1 to 100,000.</summary>
    public int Running { get; init; } = 2_000;

    /// <summary>Output tokens assumed for a reservation where neither the request nor the catalogue says. Default 4,096.</summary>
    public long AssumedOutputTokens { get; init; } = 4_096;

    /// <summary>How long streams may go on after the first signal to stop. Default 120 s.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(120);
}

/// <summary>How the journal is kept.</summary>
public sealed record JournalSettings
{
    /// <summary>fsync before the last byte of each answer, for machines that may lose power. Default false: grouped every 50 ms.</summary>
    public bool Strict { get; init; }

    /// <summary>Most bytes that wait for the store before paid requests are refused. Default 1 GiB.</summary>
    public long MaxUnshippedBytes { get; init; } = 1L << 30;
}
