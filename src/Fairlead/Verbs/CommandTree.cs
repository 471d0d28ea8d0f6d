using System.CommandLine;
using System.CommandLine.Help;

namespace Fairlead.Verbs;

/// <summary>Every verb. Each works on the running server through the admin API; none has another way in.</summary>
internal static class CommandTree
{
    /// <summary>What the help of <c>fairlead</c> itself begins with.</summary>
    public static IReadOnlyList<string> Examples { get; } =
    [
        "fairlead serve",
        "fairlead run ~/models/qwen2.5-0.5b",
        "fairlead ps",
        "fairlead chat",
        "fairlead keys create --name ci-bot --budget 5/day --rpm 60",
        "fairlead requests --failed",
        "fairlead help keys create",
    ];

    public static RootCommand Build()
    {
        var root = new RootCommand("Fairlead: one URL and one token in front of every model.")
        {
            ServeVerb.Make(), RunVerb.Make(), PsVerb.Make(), StopVerb.Make(), LogsVerb.Make(), ChatVerb.Make(), AskVerb.Make(), ModelsVerb.Make(), KeysVerb.Make(), RequestsVerb.Make(), UsageVerb.Make(), LedgerVerb.Make(),
            DoctorVerb.Make(), ConfigVerb.Make(), VersionVerb.Make(),
            WorkerVerb.Make(),
        };
        foreach (Option option in CommonOptions.All)
            root.Options.Add(option);
        root.Options.OfType<HelpOption>().Single().Action = new ExamplesFirstHelp();
        return root;
    }
}
