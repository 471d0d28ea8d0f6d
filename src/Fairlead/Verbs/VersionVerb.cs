using System.CommandLine;
using Fairlead.Gateway;
using Fairlead.Worker;

namespace Fairlead.Verbs;

internal static class VersionVerb
{
    public static Command Make()
    {
        var verb = new Verb("version", "Print the version; with --json also the kernels that this machine can run.", "fairlead version", "fairlead version --json");
        verb.SetAction(static parsed => Console.Out.WriteLine(parsed.GetValue(CommonOptions.Json)
            ? $"{{\"version\":\"{ProductVersion.Text}\",\"kernels\":[{string.Join(',', KernelSwitch.Names.Select(static name => $"\"{name}\""))}]}}"
            : $"fairlead {ProductVersion.Text}"));
        return verb;
    }
}
