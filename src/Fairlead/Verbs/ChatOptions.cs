using System.CommandLine;

namespace Fairlead.Verbs;

/// <summary>Options of the verbs that talk to a model.</summary>
internal static class ChatOptions
{
    public static Option<string?> Model { get; } = new("--model", "-m") { Description = "Model, alias or provider/model; the first that can chat by default." };

    public static Option<string?> System { get; } = new("--system", "-s") { Description = "System message." };

    /// <summary>A file, never the key itself: arguments stand in process lists and shell histories.</summary>
    public static Option<string?> KeyFile { get; } = new("--key-file") { Description = "File with the API key; $FAIRLEAD_KEY or the first key by default." };
}
