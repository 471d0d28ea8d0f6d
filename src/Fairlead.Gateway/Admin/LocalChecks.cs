using Fairlead.Api;
using Fairlead.Gateway.Settings;
using static Fairlead.Gateway.Admin.Doctor;

namespace Fairlead.Gateway.Admin;

/// <summary>What can be wrong with the models that a server runs itself: their files, the memory for them, what confines them, and how they fared.</summary>
internal static class LocalChecks
{
    public static IEnumerable<DoctorCheck> Of(LocalFleet fleet)
    {
        if (fleet.Models.Count == 0)
            yield break;
        yield return Memory(fleet);
        if (fleet.Models.Any(static m => m.Sandbox is not null))
            yield return Sandbox([.. fleet.Models.Select(static m => m.Sandbox).OfType<string>()]);
        foreach (LocalModelView model in fleet.Models)
            yield return Model(model, fleet);
    }

    private static DoctorCheck Memory(LocalFleet fleet)
    {
        long all = fleet.Models.Sum(static m => m.MemoryBytes ?? m.FileBytes);
        string seen = $"{Quantities.Size(fleet.TakenBytes)} of {Quantities.Size(fleet.MemoryBytes)} taken; {Counted(fleet.Models.Count, "model")} together: {Quantities.Size(all)}";
        return Ok("local memory", all <= fleet.MemoryBytes ? seen : seen + ", so they take turns");
    }

    private static DoctorCheck Sandbox(List<string> words) => words.TrueForAll(static w => w != "none")
        ? Ok("sandbox", $"memory of workers is bounded by {string.Join(" and ", words.Distinct(StringComparer.Ordinal))}")
        : Warn("sandbox", "nothing bounds the memory of a worker but the plan", "Run on Linux, and let this user have control groups (systemd: Delegate=yes), so that a model that grows is ended and not the machine.");

    private static DoctorCheck Model(LocalModelView model, LocalFleet fleet)
    {
        string name = $"model {model.Name}";
        string logs = $"Look at 'fairlead logs {model.Name}'";
        if (model.State == "parked")
            return Bad(name, $"it is out of the catalogue: {Reason(model)}", $"{logs} and mend what is wrong. It comes back when its files or its configuration change, or with 'fairlead run {model.Name}'.");
        if (model.Engine is null && ModelSource.Fault(model.Source) is { } fault)
            return Bad(name, $"{model.Source} {fault}", "Put the files back, or take it out of local: in the configuration.");
        if (model.MemoryBytes is { } need && need > fleet.MemoryBytes)
            return Bad(name, $"it needs {Quantities.Size(need)}, and all models together may take {Quantities.Size(fleet.MemoryBytes)}", "Give it a smaller context or fewer slots, or raise fleet.memory.");
        if (model.State == "resting")
            return Warn(name, $"it rests for {Math.Ceiling(model.RetryInSeconds ?? 0)} s: {Reason(model)}", $"{logs}; it is tried again by itself.");
        if (model.State is "cold" or "queued" && model.Reason is not null)
            return Warn(name, $"it failed when it was last asked for: {Reason(model)}", $"{logs}; its next request tries again.");
        if (model.Crashes > 0)
            return Warn(name, $"its process died {model.Crashes} times since the start: {Reason(model)}", logs + ".");
        string memory = model.MemoryBytes is { } bytes ? $", {Quantities.Size(bytes)}" : "";
        return Ok(name, $"{model.State}{memory}{(model.Temporary ? ", until the server stops" : "")}");
    }

    private static string Reason(LocalModelView model) => model.Reason is { Length: > 0 } why ? why : "it has said nothing";
}
