using System.CommandLine;
using Fairlead.Api;

namespace Fairlead.Verbs;

internal static class LedgerVerb
{
    public static Command Make()
    {
        var verify = new Verb("verify", "Prove that every entry sums to zero and every request is on the ledger once.", "fairlead ledger verify", "fairlead ledger verify --json");
        verify.SetAction((parsed, stop) => CommonOptions.WithServerAsync(parsed, async client =>
        {
            LedgerReport report = await client.VerifyLedgerAsync(stop);
            if (parsed.GetValue(CommonOptions.Json))
                Terminal.Json(report, ApiJson.Default.LedgerReport);
            else
            {
                await Console.Out.WriteLineAsync(report.Holds ? $"The ledger holds: {report.Requests} requests, {report.Entries} entries, every sum is zero." : $"The ledger does not hold: {report.Faults.Count} faults.");
                foreach (string fault in report.Faults)
                    await Console.Out.WriteLineAsync("  " + Terminal.Safe(fault));
            }
            return report.Holds ? ExitCodes.Ok : ExitCodes.Failed;
        }));
        return new Verb("ledger", "Look into the ledger.", "fairlead ledger verify", "fairlead ledger verify --json") { verify };
    }
}
