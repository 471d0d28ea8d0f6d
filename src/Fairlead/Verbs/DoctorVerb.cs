using System.CommandLine;
using Fairlead.Api;
using Fairlead.Worker;

namespace Fairlead.Verbs;

internal static class DoctorVerb
{
    public static Command Make()
    {
        var verb = new Verb("doctor", "Look for what is wrong and say how to mend it.", "fairlead doctor", "fairlead doctor --json");
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            DoctorCheck kernels = Kernels();
            if (kernels.State == "bad")
                await Console.Error.WriteLineAsync(Terminal.Safe(kernels.Detail)); // where it is why no server runs, there is no table to say it
            List<DoctorCheck> checks = [.. await client.DoctorAsync(stop), kernels];
            if (parsed.GetValue(CommonOptions.Json))
                Terminal.Json(checks, ApiJson.Default.ListDoctorCheck);
            else
                Terminal.Table(["", "CHECK", "SEEN", "FIX"], checks.Select(static c => (IReadOnlyList<string?>)[c.State switch { "ok" => "✓", "warn" => "!", _ => "✗" }, c.Name, c.Detail, c.Fix]));
            return checks.Exists(static c => c.State == "bad") ? ExitCodes.Partial : ExitCodes.Ok;
        }));
        return verb;
    }

    /// <summary>What workers of a server that is started here compute with. The server that runs has an environment of its own, which it checked when it started.</summary>
    private static DoctorCheck Kernels()
    {
        string? wanted = Environment.GetEnvironmentVariable(KernelSwitch.Variable);
        return KernelSwitch.Refusal(wanted) is { } unknown
            ? new DoctorCheck("kernels", "bad", unknown, $"Correct or unset {KernelSwitch.Variable}: a server does not start with it.")
            : new DoctorCheck("kernels", "ok", $"{KernelSwitch.Meant(wanted)}, of {string.Join(", ", KernelSwitch.Names)}, where a server is started from here", null);
    }
}
