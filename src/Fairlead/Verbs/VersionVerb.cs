using System.CommandLine;
using Fairlead.Gateway;

namespace Fairlead.Verbs;

internal static class VersionVerb
{
    public static Command Make()
    {
        var verb = new Verb("version", "Print the version.", "fairlead version", "fairlead version --json");
        verb.SetAction(static parsed => Console.Out.WriteLine(parsed.GetValue(CommonOptions.Json) ? $"{{\"version\":\"{ProductVersion.Text}\"}}" : $"fairlead {ProductVersion.Text}"));
        return verb;
    }
}
