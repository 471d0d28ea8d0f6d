using System.Collections.Immutable;
using System.Net;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Settings;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Configuration;

/// <summary>Turns a tree that fits the shape into settings; says what single values could not: what they mean together.</summary>
internal static class SettingsReader
{
    public static GatewaySettings Read(Mapping tree, ConfigurationSources sources, List<ConfigurationError> errors, List<string> warnings)
    {
        List<ProviderSettings> providers = [.. Named(tree, "providers").Select(p => Provider(p.Name, p.Value, sources, errors, warnings)).OfType<ProviderSettings>()];
        providers.AddRange(FromEnvironment(providers, sources, warnings));
        List<AliasSettings> aliases = [.. Named(tree, "models").Select(a => Alias(a.Name, a.Value, tree, errors)).OfType<AliasSettings>()];
        IPEndPoint listen = new(IPAddress.Loopback, 8080);
        if (Text(tree, "listen") is { } address && Addresses.TryParse(address, out IPEndPoint asked))
            listen = asked;
        if (!IPAddress.IsLoopback(listen.Address))
            warnings.Add($"listening on {listen}: other machines can reach this server, and nothing is encrypted. Put TLS in front of it.");
        string data = Text(tree, "data") ?? ConfigurationLoader.DefaultDataFolder(sources.Environment);
        data = AtHome(data, sources.Environment);
        CheckTwins(tree.Section("providers"), "providers", errors);
        CheckTwins(tree.Section("local"), "local", errors);
        CheckOneOfEach(tree, errors);
        CheckOrigins(tree["cors"] as Sequence, errors);
        Mapping? dispatch = tree.Section("dispatch");
        Mapping? limits = tree.Section("limits");
        Mapping? journal = tree.Section("journal");
        Mapping? fleet = tree.Section("fleet");
        var together = new FleetSettings();
        var times = new DispatchSettings();
        var most = new LimitSettings();
        var kept = new JournalSettings();
        return new GatewaySettings
        {
            Listen = listen,
            DataFolder = Path.GetFullPath(data),
            Discover = Flag(tree, "discover") ?? true,
            Hosts = Texts(tree, "hosts"),
            CorsOrigins = tree["cors"] is null ? ["*"] : Texts(tree, "cors"),
            Providers = [.. providers],
            Local = [.. Named(tree, "local").Select(m => LocalModelReader.Read(m.Name, m.Value, sources.Environment, errors, warnings)).OfType<LocalModelSettings>()],
            Fleet = new FleetSettings
            {
                Memory = Memory(fleet, sources),
                Packs = Size(fleet, "packs", together.Packs),
                Queue = (int)(Count(fleet, "queue") ?? together.Queue),
                QueueWait = Duration(fleet, "queue_wait", together.QueueWait),
                Load = Duration(fleet, "load", together.Load),
                WaitForModel = Flag(fleet, "wait_for_model") ?? together.WaitForModel,
            },
            GuideFolder = Flag(tree, "guide") == false ? null : GuideFolder(warnings),
            Worker = WorkerCommand.OfThisProgram(),
            Aliases = [.. aliases],
            Keys = [.. Named(tree, "keys").Select(k => Key(k.Name, k.Value, errors)).OfType<KeySettings>()],
            Dispatch = new DispatchSettings
            {
                Connect = Duration(dispatch, "connect", times.Connect),
                Headers = Duration(dispatch, "headers", times.Headers),
                FirstToken = Duration(dispatch, "first_token", times.FirstToken),
                Idle = Duration(dispatch, "idle", times.Idle),
                Total = Duration(dispatch, "total", times.Total),
                Heartbeat = Duration(dispatch, "heartbeat", times.Heartbeat),
                Attempts = (int)(Count(dispatch, "attempts") ?? times.Attempts),
                LongestWait = Duration(dispatch, "longest_wait", times.LongestWait),
                BillDelivered = Text(dispatch, "bill_broken") != "free",
            },
            Limits = new LimitSettings
            {
                BodyBytes = Size(limits, "body", most.BodyBytes),
                Running = (int)(Count(limits, "running") ?? most.Running),
                AssumedOutputTokens = Tokens(limits, "assumed_output_tokens") ?? most.AssumedOutputTokens,
                Drain = Duration(limits, "drain", most.Drain),
            },
            Journal = new JournalSettings { Strict = Flag(journal, "strict") ?? false, MaxUnshippedBytes = Size(journal, "max_unshipped", kept.MaxUnshippedBytes) },
        };
    }

    private static ProviderSettings? Provider(string name, Mapping section, ConfigurationSources sources, List<ConfigurationError> errors, List<string> warnings)
    {
        string path = $"providers.{name}";
        if (!IsName(name))
        {
            errors.Add(new ConfigurationError(section.Source, section.Line, $"{path}: a provider's name has letters, digits, '.', '_' and '-' only, because callers write it after a colon."));
            return null;
        }
        if (IsOurs(name))
        {
            errors.Add(new ConfigurationError(section.Source, section.Line, $"{path}: '{name}' is how models that this server runs itself are asked for. Call the provider something else."));
            return null;
        }
        Dialect? dialect = DialectNames.Find(Text(section, "dialect"));
        KeyForm? keyForm = KeyForms.Find(Text(section, "auth"));
        ProviderSpec? known = ProviderTable.Known.GetValueOrDefault(name);
        Uri? url = null;
        if (Text(section, "url") is { } text)
        {
            if (!Addresses.TryUrl(text, out url))
                return null; // the shape has said so
            if (url.Scheme == "http" && !Addresses.IsPrivate(url) && Flag(section, "allow_insecure") != true)
            {
                errors.Add(new ConfigurationError(section.Source, section["url"]!.Line,
                    $"{path}.url is plain http to {url.Host}, and the key would travel in the clear. Use https, or set allow_insecure: true."));
            }
        }
        else if (known is not null && dialect is { } other && other != known.Dialect)
        {
            errors.Add(new ConfigurationError(section.Source, section["dialect"]!.Line,
                $"{path}.dialect: {name} speaks '{known.Dialect.Word()}' where it is known to be. Give the url at which it speaks '{other.Word()}', or leave the dialect out."));
        }
        else if (known?.BaseUrl is null)
        {
            string hint = known is not null ? "every customer has an own address there" : $"'{name}' is no known provider ({string.Join(", ", ProviderTable.Known.Keys.Order(StringComparer.Ordinal).Take(6))}, …)";
            errors.Add(new ConfigurationError(section.Source, section.Line, $"{path} needs a url: {hint}. Add 'url: https://host/v1'."));
        }
        Secret? key = section["key"] is Scalar reference ? SecretReference.Resolve(reference, $"{path}.key", sources.Environment, errors, warnings) : null;
        // A known provider at its own address finds its key where it is found without a file; another address has not earned it.
        if (section["key"] is null && url is null && known is not null)
            key = KeyInEnvironment(known, sources, warnings);
        return new ProviderSettings
        {
            Name = name,
            Url = url,
            Dialect = dialect,
            KeyForm = keyForm,
            Key = key,
            Models = [.. Named(section, "models").Select(m => ProviderModel(m.Name, m.Value, $"{path}.models.{m.Name}", dialect ?? known?.Dialect ?? default, errors)).OfType<ProviderModelSettings>()],
        };
    }

    /// <summary>Where the built-in model lies beside the binary; null where somebody has taken it away.</summary>
    private static string? GuideFolder(List<string> warnings)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "models", "guide");
        if (Directory.Exists(folder))
            return folder;
        warnings.Add($"the built-in model is not in {folder} and is not offered. Install again, or set 'guide: false'.");
        return null;
    }

    private static ProviderModelSettings? ProviderModel(string id, Mapping section, string path, Dialect dialect, List<ConfigurationError> errors)
    {
        if (id.Length > 256 || id.Any(static c => char.IsWhiteSpace(c) || char.IsControl(c)))
        {
            errors.Add(new ConfigurationError(section.Source, section.Line, $"{path}: a model's id has no spaces and at most 256 characters."));
            return null;
        }
        bool embeddings = Flag(section, "embeddings") ?? false;
        if (embeddings && dialect == Dialect.Anthropic)
        {
            errors.Add(new ConfigurationError(section.Source, section["embeddings"]!.Line, $"{path}.embeddings: Anthropic's dialect has none. Leave it out, or give the provider's address for OpenAI's."));
            return null;
        }
        TokenPrice? input = Price(section, "input");
        TokenPrice? output = Price(section, "output");
        bool hasInput = section["input"] is not null;
        if (hasInput != section["output"] is not null && !(embeddings && hasInput))
        {
            errors.Add(new ConfigurationError(section.Source, section.Line, $"{path} gives one of input and output; a price needs both. Write 0 for what costs nothing."));
            return null;
        }
        if (!hasInput && (section["cached_input"] ?? section["cache_write"] ?? section["cache_write_hour"]) is { } cache)
        {
            errors.Add(new ConfigurationError(section.Source, cache.Line, $"{path} says what a cache costs and not what input and output do. Give both, or neither."));
            return null;
        }
        return new ProviderModelSettings
        {
            HubId = id,
            ProviderModelId = Text(section, "as") ?? id,
            Price = input is { } i ? new OfferPrice(i, output ?? default, Price(section, "cached_input"), Price(section, "cache_write"), Price(section, "cache_write_hour")) : null,
            ContextLength = Tokens(section, "context"),
            MaxOutputTokens = Tokens(section, "max_output"),
            Tools = Flag(section, "tools"),
            Images = Flag(section, "images"),
            StructuredOutput = Flag(section, "structured"),
            Embeddings = embeddings,
        };
    }

    private static AliasSettings? Alias(string name, Mapping section, Mapping tree, List<ConfigurationError> errors)
    {
        ImmutableArray<string> chain = Texts(section, "try");
        if (section["try"] is null or Sequence { Items.Count: 0 })
        {
            errors.Add(new ConfigurationError(section.Source, section.Line, $"models.{name}.try is missing or empty; at least one model is expected."));
            return null;
        }
        foreach (string next in chain)
        {
            if (tree.Section("models")!.Items.ContainsKey(next))
                errors.Add(new ConfigurationError(section.Source, section["try"]!.Line, $"models.{name}.try names '{next}', which is an alias itself. Name its models instead."));
        }
        Budget? budget = Text(section, "budget") is { } text && Quantities.TryBudget(text, out Budget read) ? read : null;
        return new AliasSettings(name, chain, budget);
    }

    private static KeySettings? Key(string name, Mapping section, List<ConfigurationError> errors)
    {
        if (!IsName(name))
        {
            errors.Add(new ConfigurationError(section.Source, section.Line, $"keys.{name}: a key's name has letters, digits, '.', '_' and '-' only."));
            return null;
        }
        return new KeySettings(name, new KeyLimits
        {
            Models = Texts(section, "models"),
            Budget = Text(section, "budget") is { } budget && Quantities.TryBudget(budget, out Budget money) ? money : null,
            RequestsPerMinute = Text(section, "rate") is { } rate && Quantities.TryRate(rate, out long requests) ? requests : null,
            TokensPerMinute = Text(section, "tokens") is { } tokens && Quantities.TryRate(tokens, out long perMinute) ? perMinute : null,
            Parallel = Count(section, "parallel") is { } parallel ? (int)parallel : null,
            WaitForModel = Flag(section, "wait_for_model"),
            Successors = Flag(section, "successors") ?? false,
        });
    }

    /// <summary>Known providers whose key stands in the environment and which the file does not mention.</summary>
    private static IEnumerable<ProviderSettings> FromEnvironment(List<ProviderSettings> configured, ConfigurationSources sources, List<string> warnings)
    {
        foreach (ProviderSpec spec in ProviderTable.Known.Values.OrderBy(static p => p.Name, StringComparer.Ordinal))
        {
            if (spec.BaseUrl is null || configured.Exists(p => p.Name.Equals(spec.Name, StringComparison.OrdinalIgnoreCase)))
                continue;
            if (KeyInEnvironment(spec, sources, warnings) is { } key)
                yield return new ProviderSettings { Name = spec.Name, Key = key, Found = true };
        }
    }

    /// <summary>A provider's key where it stands by custom; null where none stands, or one that no header can carry.</summary>
    private static Secret? KeyInEnvironment(ProviderSpec spec, ConfigurationSources sources, List<string> warnings)
    {
        if (spec.KeyVariables.FirstOrDefault(v => !string.IsNullOrWhiteSpace(sources.Environment(v))) is not { } variable)
            return null;
        string key = sources.Environment(variable)!.Trim();
        if (SecretReference.CanBeSent(key))
            return new Secret(key);
        warnings.Add($"environment: {variable} has characters that no header can carry and is not used. Copy the key again.");
        return null;
    }

    /// <summary>Callers write provider names in any case, so two that differ in nothing else cannot be told apart.</summary>
    private static void CheckTwins(Mapping? section, string path, List<ConfigurationError> errors)
    {
        foreach (IGrouping<string, KeyValuePair<string, Node>> twins in (section?.Items ?? []).GroupBy(static pair => pair.Key, StringComparer.OrdinalIgnoreCase).Where(static g => g.Count() > 1))
        {
            KeyValuePair<string, Node> second = twins.ElementAt(1);
            errors.Add(new ConfigurationError(second.Value.Source, second.Value.Line, $"{path}.{second.Key} and {path}.{twins.Key} differ in upper and lower case only. Rename one."));
        }
    }

    /// <summary>Two models of one's own cannot both be this server's offer of one Hub id.</summary>
    private static void CheckOneOfEach(Mapping tree, List<ConfigurationError> errors)
    {
        foreach (IGrouping<string, (string Name, Mapping Value)> same in Named(tree, "local").Where(static m => Text(m.Value, "model") is not null)
            .GroupBy(static m => Text(m.Value, "model")!, StringComparer.OrdinalIgnoreCase).Where(static g => g.Count() > 1))
        {
            (string name, Mapping section) = same.ElementAt(1);
            errors.Add(new ConfigurationError(section.Source, section["model"]!.Line,
                $"local.{name}.model and local.{same.First().Name}.model are both {same.Key}. Keep one; the other is asked for as local/NAME."));
        }
    }

    /// <summary>Bytes for all models together; null: the default share.</summary>
    private static long? Memory(Mapping? fleet, ConfigurationSources sources) => Text(fleet, "memory") switch
    {
        { } text when Quantities.TryPercent(text, out int percent) => sources.MachineMemory() / 100 * percent,
        { } text when Quantities.TrySize(text, out long bytes) => bytes,
        _ => null,
    };

    private static void CheckOrigins(Sequence? cors, List<ConfigurationError> errors)
    {
        foreach (Scalar origin in cors?.Items ?? [])
        {
            bool right = origin.Text is "*" || (Uri.TryCreate(origin.Text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && uri.GetLeftPart(UriPartial.Authority) == origin.Text);
            if (!right)
                errors.Add(new ConfigurationError(origin.Source, origin.Line, $"cors holds '{origin.Text}'; '*' or an origin such as https://app.example.com, without path and in lower case, is expected."));
        }
    }

    /// <summary>Whether it is how models that this server runs itself are asked for, and so nobody's name else.</summary>
    internal static bool IsOurs(string provider) => provider.Equals("local", StringComparison.OrdinalIgnoreCase) || provider.Equals("fairlead", StringComparison.OrdinalIgnoreCase);

    internal static bool IsName(string name) => name.Length is > 0 and <= 64 && char.IsAsciiLetterOrDigit(name[0]) && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>A path whose <c>~</c> is the user's home.</summary>
    internal static string AtHome(string path, Func<string, string?> environment) =>
        path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? (environment("HOME") ?? "") + path[1..] : path;

    private static IEnumerable<(string Name, Mapping Value)> Named(Mapping tree, string key) =>
        tree.Section(key)?.Items.Where(static pair => pair.Value is Mapping).Select(static pair => (pair.Key, (Mapping)pair.Value)) ?? [];

    private static string? Text(Mapping? section, string key) => (section?[key] as Scalar)?.Text;

    private static ImmutableArray<string> Texts(Mapping section, string key) => (section[key] as Sequence)?.Items.Select(static i => i.Text).ToImmutableArray() ?? [];

    private static bool? Flag(Mapping? section, string key) => Text(section, key) is { } text ? text == "true" : null;

    private static long? Count(Mapping? section, string key) => Text(section, key) is { } text && long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long count) ? count : null;

    private static long? Tokens(Mapping? section, string key) => Text(section, key) is { } text && Quantities.TryTokens(text, out long tokens) ? tokens : null;

    private static long Size(Mapping? section, string key, long otherwise) => Text(section, key) is { } text && Quantities.TrySize(text, out long bytes) ? bytes : otherwise;

    private static TimeSpan Duration(Mapping? section, string key, TimeSpan otherwise) => Text(section, key) is { } text && Quantities.TryDuration(text, out TimeSpan span) ? span : otherwise;

    private static TokenPrice? Price(Mapping section, string key) => Text(section, key) is { } text && NanoDollars.TryParseDollars(text, out NanoDollars amount) ? new TokenPrice(amount) : null;
}
