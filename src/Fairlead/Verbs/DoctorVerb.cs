using System.CommandLine;
using Fairlead.Api;

namespace Fairlead.Verbs;

internal static class DoctorVerb
{
    public static Command Make()
    {
        var verb = new Verb("doctor", "Look for what is wrong and say how to mend it.", "fairlead doctor", "fairlead doctor --json");
        verb.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            List<DoctorCheck> checks = await client.DoctorAsync(stop);
            if (parsed.GetValue(CommonOptions.Json))
                Terminal.Json(checks, ApiJson.Default.ListDoctorCheck);
            else
                Terminal.Table(["", "CHECK", "SEEN", "FIX"], checks.Select(static c => (IReadOnlyList<string?>)[c.State switch { "ok" => "✓", "warn" => "!", _ => "✗" }, c.Name, c.Detail, c.Fix]));
            return checks.Exists(static c => c.State == "bad") ? ExitCodes.Partial : ExitCodes.Ok;
        }));
        return verb;
    }
}
