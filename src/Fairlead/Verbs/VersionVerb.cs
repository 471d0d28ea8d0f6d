using System.CommandLine;
using Fairlead.Gateway;

namespace Fairlead.Verbs;

internal static class VersionVerb
{
    public static Command Make()
    {
        var verb = new Command("version", "Print the version.");
        verb.SetAction(static parsed => Console.Out.WriteLine(parsed.GetValue(CommonOptions.Json) ? $"{{\"version\":\"{ProductVersion.Text}\"}}" : $"fairlead {ProductVersion.Text}"));
        return verb;
    }
}
