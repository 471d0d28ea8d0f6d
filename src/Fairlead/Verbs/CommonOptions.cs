using System.Collections;
using System.CommandLine;
using Fairlead.Api;
using Fairlead.Configuration;
using Fairlead.Gateway;
using Fairlead.Storage;
using Fairlead.Worker;

namespace Fairlead.Verbs;

/// <summary>Options that every verb takes, and what verbs do with them.</summary>
internal static class CommonOptions
{
    public static Option<string?> Config { get; } = new("--config") { Description = "Configuration file.", Recursive = true };

    public static Option<string?> Data { get; } = new("--data") { Description = "Data folder; wins over the configuration.", Recursive = true };

    public static Option<bool> Json { get; } = new("--json") { Description = "Print JSON.", Recursive = true };

    public static Option<int> Timeout { get; } = new("--timeout") { Description = "Seconds to wait for the server.", DefaultValueFactory = static _ => 30, Recursive = true, Validators = { AtLeastOne } };

    public static IReadOnlyList<Option> All { get; } = [Config, Data, Json, Timeout];

    private static void AtLeastOne(System.CommandLine.Parsing.OptionResult result)
    {
        if (result.Tokens is [{ Value: var text }] && int.TryParse(text, out int seconds) && seconds is < 1 or > 3600)
            result.AddError($"--timeout is '{text}'; seconds from 1 to 3600 are expected.");
    }

    /// <summary>The sources of the configuration as this invocation names them.</summary>
    public static ConfigurationSources Sources(ParseResult parsed, string? listen = null, bool? discover = null) => new()
    {
        File = parsed.GetValue(Config),
        Data = parsed.GetValue(Data),
        Listen = listen,
        Discover = discover,
        Kernels = Environment.GetEnvironmentVariable(KernelSwitch.Variable),
        Environment = static name => Serve.Forgotten.GetValueOrDefault(name) ?? Environment.GetEnvironmentVariable(name),
        EnvironmentNames = [.. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(static e => (string)e.Key)],
    };

    /// <summary>Runs a verb against the server that the configuration names; refusals become words on standard error and an exit code.</summary>
    public static async Task<int> WithServerAsync(ParseResult parsed, Func<FairleadClient, Task<int>> act)
    {
        if (DataFolderOf(parsed) is not { } data)
            return ExitCodes.Configuration;
        string socket = ControlSocket.PathFor(data);
        try
        {
            // Not in the data folder means under /tmp, where anybody may have put a socket that looks like the server's.
            if (Path.GetDirectoryName(socket) is { } folder && folder != data)
                DataFolder.CheckPrivate(folder);
        }
        catch (DataFolderException e)
        {
            await Console.Error.WriteLineAsync(Terminal.Safe(e.Message));
            return ExitCodes.Configuration;
        }
        using var client = new FairleadClient(socket, TimeSpan.FromSeconds(parsed.GetValue(Timeout)));
        try
        {
            return await act(client);
        }
        catch (ApiException e)
        {
            await Console.Error.WriteLineAsync(Terminal.Safe(e.Message));
            return ExitCodes.Of(e);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
    }

    /// <summary>Whether a server runs on the data folder, so that a verb that could start one has it do the work instead.</summary>
    public static async Task<bool> IsServedAsync(ParseResult parsed, CancellationToken stop)
    {
        // What is wrong with the configuration is told by whoever goes on.
        if (DataFolderOf(parsed, TextWriter.Null) is not { } data || !File.Exists(ControlSocket.PathFor(data)))
            return false;
        using var client = new FairleadClient(ControlSocket.PathFor(data), TimeSpan.FromSeconds(parsed.GetValue(Timeout)));
        try
        {
            await client.StatusAsync(stop);
            return true;
        }
        catch (ApiException e)
        {
            return e.Status != 0 || e.Error.Code == "timeout"; // a socket that nobody listens on was left by a server that was killed
        }
    }

    /// <summary>The data folder; null after the configuration's errors have been printed.</summary>
    public static string? DataFolderOf(ParseResult parsed) => DataFolderOf(parsed, Console.Error);

    private static string? DataFolderOf(ParseResult parsed, TextWriter errors)
    {
        if (parsed.GetValue(Data) is { } data)
            return Path.GetFullPath(data);
        // Keys of providers and kernels are not needed to find the server, so an environment that lacks them is no obstacle.
        ConfigurationSources sources = Sources(parsed);
        LoadedConfiguration loaded = ConfigurationLoader.Load(sources with { Kernels = null, Environment = name => sources.Environment(name) ?? (name is "HOME" or "XDG_DATA_HOME" or "FAIRLEAD_CONFIG" ? null : "unset") });
        if (loaded.Settings is { } settings)
            return settings.DataFolder;
        foreach (ConfigurationError error in loaded.Errors)
            errors.WriteLine(error);
        return null;
    }
}
