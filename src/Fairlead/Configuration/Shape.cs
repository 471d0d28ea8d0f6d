using Fairlead.Domain.Inference;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Upstreams.Providers;
using Fairlead.Worker;

namespace Fairlead.Configuration;

/// <summary>What kind of value a key takes.</summary>
internal enum ValueKind
{
    /// <summary>A mapping with the keys of <see cref="Shape.Children"/>.</summary>
    Section,

    /// <summary>A mapping whose keys are names of the operator's choice; each value has the one shape in <see cref="Shape.Children"/>.</summary>
    Named,
    Text,
    TextList,
    Flag,
    Count,
    Duration,
    Size,

    /// <summary>A size, or a share of the machine's memory.</summary>
    Memory,
    Tokens,
    Price,
    HourlyPrice,
    Budget,
    Rate,
    Address,
    Url,
    Secret,
}

/// <summary>One key of the configuration. From this one description come the checks, the JSON schema, the reference page and the "did you mean".</summary>
/// <param name="Name">As written; <c>NAME</c> for a name of the operator's choice.</param>
/// <param name="Kind">What it takes.</param>
/// <param name="Doc">What it does, one sentence.</param>
/// <param name="Default">As a reader would write it; empty when there is none.</param>
/// <param name="Min">Least value, in the kind's own spelling; empty when there is none.</param>
/// <param name="Max">Largest value.</param>
/// <param name="Choices">The only texts allowed; empty when any is.</param>
/// <param name="OrWord">A word that may stand in place of a value of the kind; empty when there is none.</param>
internal sealed record Shape(
    string Name, ValueKind Kind, string Doc, string Default = "", string Min = "", string Max = "", IReadOnlyList<string>? Choices = null, string OrWord = "")
{
    public IReadOnlyList<Shape> Children { get; init; } = [];

    /// <summary>The whole configuration.</summary>
    public static Shape Root { get; } = new("", ValueKind.Section, "fairlead.yaml")
    {
        Children =
        [
            new("listen", ValueKind.Address, "Where the data plane listens. Anything beyond loopback has to be written here or given as --listen.", "127.0.0.1:8080"),
            new("data", ValueKind.Text, "Data folder: first-key, journal/, packs/ and store.db live there.", "~/.local/share/fairlead"),
            new("discover", ValueKind.Flag, "Look for local runners (llama-server, Ollama, LM Studio, vLLM, TGI) on their usual loopback ports.", "true"),
            new("hosts", ValueKind.TextList, "Host names, beside addresses and localhost, by which callers may reach this server; '*' allows all."),
            new("cors", ValueKind.TextList, "Origins whose pages may call this server from a browser; '*' allows all.", "[\"*\"]"),
            new("providers", ValueKind.Named, "Who serves models. A known name brings its URL, quirks and prices with it.") { Children = [Provider] },
            new("local", ValueKind.Named, "Models that this server runs itself, in a process each that the first request starts; asked for as local/NAME.") { Children = [LocalModel] },
            new("fleet", ValueKind.Section, "What all models that this server runs itself may take together, and how long callers wait for them.")
            {
                Children =
                [
                    new("memory", ValueKind.Memory, "Memory for all of them together: a size, or a share of what the machine (or this server's control group) has.", "75%", "1MiB", "1024GiB"),
                    new("packs", ValueKind.Size, "Disk for packed weights, in packs/ of the data folder, that make the next load quicker; the ones not used for longest go first. 0: none are kept.", "20GiB", "0", "1024GiB"),
                    new("queue", ValueKind.Count, "Requests that may wait for one model.", "512", "1", "100000"),
                    new("queue_wait", ValueKind.Duration, "Longest that one of them waits.", "300s", "1s", "60m"),
                    new("load", ValueKind.Duration, "Longest that a load takes; large files have longer.", "300s", "1s", "24h"),
                    new("wait_for_model", ValueKind.Flag, "Whether a caller who says nothing waits for a model that is not loaded; false answers 503 with the time it will take.", "true"),
                ],
            },
            new("guide", ValueKind.Flag, "Offer the built-in model fairlead/guide, which answers questions about Fairlead and no others.", "true"),
            new("models", ValueKind.Named, "Aliases: a name of your own and the models that serve it, in order.") { Children = [Alias] },
            new("keys", ValueKind.Named, "Limits of keys by name; a key that does not exist yet is made at start, its secret in data/keys/NAME.") { Children = [Key] },
            new("dispatch", ValueKind.Section, "How long providers may take and how often another one is asked.")
            {
                Children =
                [
                    new("connect", ValueKind.Duration, "To have a connection, TLS included.", "5s", "100ms", "60s"),
                    new("headers", ValueKind.Duration, "From the request sent to the answer's headers read.", "60s", "100ms", "10m"),
                    new("first_token", ValueKind.Duration, "From the headers to the first event, or to the whole body.", "120s", "100ms", "10m"),
                    new("idle", ValueKind.Duration, "Between two pieces of an answer.", "60s", "100ms", "10m"),
                    new("total", ValueKind.Duration, "All attempts together.", "600s", "1s", "60m"),
                    new("heartbeat", ValueKind.Duration, "Silence after which a streaming caller gets a comment, or a ping once a message of Anthropic's dialect has begun.", "15s", "100ms", "5m"),
                    new("attempts", ValueKind.Count, "Attempts per request over all candidates, the first included; 1 turns failover off.", "3", "1", "5"),
                    new("longest_wait", ValueKind.Duration, "Longest Retry-After that is waited out in place.", "10s", "0s", "60s"),
                    new("bill_broken", ValueKind.Text, "What an answer costs that broke off: the tokens delivered, or nothing.", "delivered", Choices: ["delivered", "free"]),
                ],
            },
            new("limits", ValueKind.Section, "What one server takes on.")
            {
                Children =
                [
                    new("body", ValueKind.Size, "Body of a paid request.", "20MiB", "1KiB", "512MiB"),
                    new("running", ValueKind.Count, "Paid requests under way at once.", "2000", "1", "100000"),
                    new("assumed_output_tokens", ValueKind.Tokens, "Output assumed for a reservation where neither request nor catalogue says.", "4096", "1", "1M"),
                    new("drain", ValueKind.Duration, "How long answers may go on after the first signal to stop; what is not done 5 s before the end is told so and settled.", "120s", "0s", "60m"),
                ],
            },
            new("journal", ValueKind.Section, "How the journal is kept.")
            {
                Children =
                [
                    new("strict", ValueKind.Flag, "fsync before the last byte of each answer, for machines that may lose power.", "false"),
                    new("max_unshipped", ValueKind.Size, "Most bytes that wait for the store before paid requests are refused.", "1GiB", "1MiB", "1024GiB"),
                ],
            },
        ],
    };

    private static Shape Provider => new("NAME", ValueKind.Section, "One provider.")
    {
        Children =
        [
            new("key", ValueKind.Secret, "Its credential, as ${env:NAME} or ${file:/path}."),
            new("dialect", ValueKind.Text, "What it speaks: OpenAI's chat completions or Anthropic's messages. Left out: what the known provider speaks, openai for a server of your own.", Choices: DialectNames.Words),
            new("auth", ValueKind.Text, "How the key is sent: as authorization: Bearer KEY, x-api-key: KEY, api-key: KEY or authorization: Key KEY. Left out: as the known provider wants it; bearer for a server of your own, x-api-key if it speaks Anthropic's dialect.", Choices: KeyForms.Words),
            new("url", ValueKind.Url, "Base URL with its /v1; in Anthropic's dialect what stands before /v1/messages. Needed for a name that is not known."),
            new("allow_insecure", ValueKind.Flag, "Allow plain http to an address that is not private. The key would travel in the clear.", "false"),
            new("models", ValueKind.Named, "Models by Hub id. Left out, a known provider offers what the price sheet lists, and a server of your own what it lists itself.")
            {
                Children =
                [
                    new("HUB-ID", ValueKind.Section, "One model there.")
                    {
                        Children =
                        [
                            new("as", ValueKind.Text, "The provider's own id of the model; the Hub id when left out."),
                            new("input", ValueKind.Price, "US dollars per 1M input tokens. Without a price the model is refused, never free."),
                            new("output", ValueKind.Price, "US dollars per 1M output tokens."),
                            new("cached_input", ValueKind.Price, "US dollars per 1M input tokens read from the provider's cache; left out, they cost what input costs."),
                            new("cache_write", ValueKind.Price, "US dollars per 1M input tokens written to it; left out, they cost what input costs."),
                            new("cache_write_hour", ValueKind.Price, "US dollars per 1M of those that it keeps for an hour; left out, they cost what cache_write says."),
                            new("context", ValueKind.Tokens, "Input and output together."),
                            new("max_output", ValueKind.Tokens, "Most output per choice."),
                            new("tools", ValueKind.Flag, "It can call tools."),
                            new("images", ValueKind.Flag, "It can see images."),
                            new("structured", ValueKind.Flag, "It can keep to a JSON schema."),
                            new("embeddings", ValueKind.Flag, "It serves /v1/embeddings, not chat.", "false"),
                        ],
                    },
                ],
            },
        ],
    };

    /// <summary>One entry of <c>local:</c>.</summary>
    public static Shape LocalModel => new("NAME", ValueKind.Section, "One model of your own.")
    {
        Children =
        [
            new("source", ValueKind.Text, "A folder as the Hub has it (config.json, tokenizer.json, *.safetensors), or a .gguf file; for engines that keep models themselves, their name of it."),
            new("path", ValueKind.Text, "Former name of source; still read, with a warning."),
            new("context", ValueKind.Tokens, "Input and output together; the model's own when left out. A smaller one takes less memory.", "", "16", "16M"),
            new("slots", ValueKind.Count, "Answers that are generated at once; others wait.", "8", "1", "256"),
            new("threads", ValueKind.Count, "Threads that compute; as many as the machine has cores when left out.", "", "1", "1024"),
            new("quantize", ValueKind.Text, "Quantise F32, F16 or BF16 weights while they are loaded: less memory and faster answers, for some loss. Left out, they stay what they are.", "", Choices: Quantizing.Words),
            new("kv", ValueKind.Text, "Form in which keys and values are kept: four bytes a number, two, or one and a scale for 32. It decides what a token of the context takes, and answers differ with it. For Fairlead's own engine.", KvForms.Default, Choices: KvForms.Words),
            new("stall", ValueKind.Duration, "How long a running answer is to wait for its next token because a prompt is read beside it: shorter is smoother, longer reads prompts sooner. A prompt gets on by one layer of the model in each step in any case, and by half of this time, however long the answers take by themselves. For Fairlead's own engine.", Quantities.Text(WorkerOptions.DefaultStall), Quantities.Text(WorkerOptions.LeastStall), Quantities.Text(WorkerOptions.MostStall)),
            new("draft", ValueKind.Text, "A second, smaller model with the same vocabulary that guesses how answers go on: a folder or a .gguf file. It changes no answer, and takes memory of its own."),
            new("guesses", ValueKind.Count, "Tokens that an answer is guessed ahead at most, from its own text or by the draft; 0: none. It changes no answer.", "8", "0", "64"),
            new("keep", ValueKind.Duration, "How long it stays loaded after its last answer; forever: until its memory is needed or somebody stops it.", "5m", "0s", "30d", OrWord: "forever"),
            new("memory", ValueKind.Size, "Memory that it needs, for engines that do not say so themselves; measured when left out.", "", "1MiB", "1024GiB"),
            new("model", ValueKind.Text, "Hub id of the same model: it stands in the catalogue beside the providers that serve it, as one more offer."),
            new("price", ValueKind.HourlyPrice, "US dollars an hour of computing, which its answers are charged for; free when left out."),
            new("engine", ValueKind.Text, "What runs it, where that is not Fairlead's own engine; the program must be installed.", "", Choices: EngineRecipes.Words),
            new("command", ValueKind.TextList, "A program and its arguments in place of the engine's usual ones; {source}, {name}, {port}, {socket}, {context}, {slots}, {threads} and {cells} (context × slots) are filled in. No shell reads it."),
        ],
    };

    private static Shape Alias => new("NAME", ValueKind.Section, "One alias.")
    {
        Children =
        [
            new("try", ValueKind.TextList, "Models in order, each a Hub id or provider/model."),
            new("budget", ValueKind.Budget, "What all keys together may spend through this alias, as $50/day or $500/month."),
        ],
    };

    private static Shape Key => new("NAME", ValueKind.Section, "One key.")
    {
        Children =
        [
            new("models", ValueKind.TextList, "Models, aliases or provider/model it may ask for; left out, all."),
            new("budget", ValueKind.Budget, "As $20/month or $5/day."),
            new("rate", ValueKind.Rate, "Requests, as 60/min."),
            new("tokens", ValueKind.Rate, "Input and output tokens, as 100000/min."),
            new("parallel", ValueKind.Count, "Requests under way at once.", "", "1", "100000"),
            new("wait_for_model", ValueKind.Flag, "As fleet.wait_for_model, for this key."),
            new("successors", ValueKind.Flag, "Where a provider has withdrawn a model that the key may ask for, the named successor serves, at its own price; the answer says so. Without it nothing stands in that the request does not name.", "false"),
        ],
    };
}
