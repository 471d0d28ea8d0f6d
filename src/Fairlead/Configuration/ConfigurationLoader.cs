using Fairlead.Api;
using Fairlead.Gateway.Settings;
using Fairlead.Worker;

namespace Fairlead.Configuration;

/// <summary>Where the configuration comes from and what stands above it.</summary>
internal sealed record ConfigurationSources
{
    /// <summary><c>--config</c>; null to search.</summary>
    public string? File { get; init; }

    /// <summary><c>--listen</c>.</summary>
    public string? Listen { get; init; }

    /// <summary><c>--data</c>.</summary>
    public string? Data { get; init; }

    /// <summary><c>--no-discover</c>.</summary>
    public bool? Discover { get; init; }

    /// <summary>The model that <c>fairlead run</c> names; stands over one of the same name in the file.</summary>
    public RunRequest? Local { get; init; }

    /// <summary>Which kernels the environment wants workers to compute with; null where it does not say, or where no worker will be started.</summary>
    public string? Kernels { get; init; }

    /// <summary>Bytes of memory that this machine, or this process's control group, has.</summary>
    public Func<long> MachineMemory { get; init; } = static () => Fleet.MachineMemory.Total;

    /// <summary>Looks up an environment variable.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>All names of the environment.</summary>
    public required IReadOnlyCollection<string> EnvironmentNames { get; init; }
}

/// <summary>What a load gave: settings, or what is wrong.</summary>
/// <param name="Settings">Null when there are errors.</param>
/// <param name="File">The file that was read; null when there is none.</param>
/// <param name="Errors">All of them at once.</param>
/// <param name="Warnings">Unwise, but in force.</param>
internal sealed record LoadedConfiguration(GatewaySettings? Settings, string? File, IReadOnlyList<ConfigurationError> Errors, IReadOnlyList<string> Warnings);

/// <summary>Reads the configuration: defaults, file, environment, flags, in that order; whole or not at all.</summary>
internal static class ConfigurationLoader
{
    private const string Prefix = "FAIRLEAD__";

    public static LoadedConfiguration Load(ConfigurationSources sources)
    {
        var errors = new List<ConfigurationError>();
        var warnings = new List<string>();
        string? file = Find(sources, errors);
        Mapping? tree = new([], file ?? "defaults", 0);
        if (file is not null && errors.Count == 0)
        {
            try
            {
                tree = YamlTree.Parse(File.ReadAllText(file), Path.GetFileName(file), errors);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                errors.Add(new ConfigurationError(file, 0, $"cannot be read ({e.Message}). Check the path and its owner."));
            }
        }
        if (tree is null || errors.Count > 0)
            return new LoadedConfiguration(null, file, errors, warnings);
        foreach (string name in sources.EnvironmentNames.Where(static n => n.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            Overlay(tree, name[Prefix.Length..].ToLowerInvariant().Split("__"), sources.Environment(name) ?? "", $"environment variable {name}");
        Overlay(tree, "listen", sources.Listen, "--listen");
        Overlay(tree, "data", sources.Data, "--data");
        Overlay(tree, "discover", sources.Discover is { } discover ? discover ? "true" : "false" : null, "--discover");
        if (sources.Local is { } local)
            Overlay(tree, local);
        ShapeCheck.Check(tree, Shape.Root, "", errors);
        // What single values get wrong and what they get wrong together is told at once: the reader passes over what the shape has complained about.
        GatewaySettings settings = SettingsReader.Read(tree, sources, errors, warnings);
        if (KernelSwitch.Refusal(sources.Kernels) is { } unknown)
            errors.Add(new ConfigurationError("environment", 0, unknown));
        return new LoadedConfiguration(errors.Count == 0 ? settings : null, file, [.. errors.Distinct().OrderBy(static e => e.Line)], warnings);
    }

    /// <summary>The data folder that a command-line verb must look into, without checking all else.</summary>
    public static string DefaultDataFolder(Func<string, string?> environment)
    {
        string home = environment("HOME") is { Length: > 0 } h ? h : "/tmp";
        string share = environment("XDG_DATA_HOME") is { Length: > 0 } x ? x : Path.Combine(home, ".local", "share");
        return Path.Combine(share, "fairlead");
    }

    private static string? Find(ConfigurationSources sources, List<ConfigurationError> errors)
    {
        string? named = sources.File ?? (sources.Environment("FAIRLEAD_CONFIG") is { Length: > 0 } variable ? variable : null);
        if (named is not null)
        {
            if (File.Exists(named))
                return named;
            errors.Add(new ConfigurationError(named, 0, "there is no such file. Check the path given with --config or FAIRLEAD_CONFIG."));
            return null;
        }
        string data = sources.Data ?? DefaultDataFolder(sources.Environment);
        return new[] { "fairlead.yaml", "/etc/fairlead/fairlead.yaml", Path.Combine(data, "fairlead.yaml") }.FirstOrDefault(File.Exists);
    }

    private static void Overlay(Mapping tree, RunRequest local)
    {
        if (tree["local"] is not Mapping all)
            tree.Items["local"] = all = new Mapping([], LocalModelReader.CommandLine, 0);
        all.Items[local.Name] = LocalModelReader.Section(local);
    }

    private static void Overlay(Mapping tree, string key, string? value, string source)
    {
        if (value is not null)
            tree.Items[key] = new Scalar(value, source, 0);
    }

    /// <summary>Variables have no lower case, dots or hyphens by custom: a key of the file that differs from a variable's word in these only is the one that is meant.</summary>
    private static void Overlay(Mapping tree, string[] path, string value, string source)
    {
        Mapping at = tree;
        foreach (string step in path[..^1])
        {
            string key = Meant(at, step);
            if (at[key] is not Mapping next)
                at.Items[key] = next = new Mapping([], source, 0);
            at = next;
        }
        at.Items[Meant(at, path[^1])] = value.StartsWith('[') && value.EndsWith(']')
            ? new Sequence([.. Items(value[1..^1]).Select(item => new Scalar(item, source, 0))], source, 0)
            : new Scalar(value, source, 0);
    }

    private static string Meant(Mapping section, string word) =>
        section.Items.ContainsKey(word) ? word : section.Items.Keys.FirstOrDefault(key => Same(key, word)) ?? word;

    private static bool Same(string key, string word) => key.Length == word.Length
        && key.Zip(word).All(static pair => char.ToLowerInvariant(pair.First) == pair.Second || (pair.First is '-' or '.' && pair.Second == '_'));

    /// <summary>The items of a list between brackets; within quotes a comma is one.</summary>
    private static IEnumerable<string> Items(string list)
    {
        int from = 0;
        char quote = '\0';
        for (int i = 0; i <= list.Length; i++)
        {
            char c = i < list.Length ? list[i] : ',';
            if (quote == '\0' && c is '"' or '\'' && list[from..i].Trim().Length == 0)
                quote = c;
            else if (c == quote)
                quote = '\0';
            else if (c == ',' && (quote == '\0' || i == list.Length))
            {
                if (list[from..i].Trim() is { Length: > 0 } item)
                    yield return item.Trim('"', '\'');
                from = i + 1;
            }
        }
    }
}
