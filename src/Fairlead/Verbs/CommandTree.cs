using System.CommandLine;

namespace Fairlead.Verbs;

/// <summary>Every verb. Each works on the running server through the admin API; none has another way in.</summary>
internal static class CommandTree
{
    public static RootCommand Build()
    {
        var root = new RootCommand("Fairlead: one URL and one token in front of every model.\n\nExamples:\n  fairlead serve\n  fairlead chat\n  fairlead keys create --name ci-bot --budget 5/day --rpm 60\n  fairlead requests --failed")
        {
            ServeVerb.Make(), ChatVerb.Make(), AskVerb.Make(), ModelsVerb.Make(), KeysVerb.Make(), RequestsVerb.Make(), UsageVerb.Make(), LedgerVerb.Make(),
            DoctorVerb.Make(), ConfigVerb.Make(), VersionVerb.Make(),
        };
        foreach (Option option in CommonOptions.All)
            root.Options.Add(option);
        return root;
    }
}
