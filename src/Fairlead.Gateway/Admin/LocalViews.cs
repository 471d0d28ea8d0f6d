using Fairlead.Api;
using Fairlead.Domain.Fleet;
using Fairlead.Fleet;
using Fairlead.Fleet.Workers;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Settings;

namespace Fairlead.Gateway.Admin;

/// <summary>What administrators see of the models that this server runs itself.</summary>
internal static class LocalViews
{
    /// <summary>All of them, those of the configuration first.</summary>
    public static LocalFleet All(DeploymentKeeper keeper)
    {
        List<LocalModelView> models = [.. keeper.Current.Settings.Local.Select(model => Of(keeper, model))];
        if (keeper.Current.Settings.GuideFolder is { } folder)
            models.Add(Of(keeper, LocalModels.GuideId, new LocalModelSettings("", folder), false));
        return new LocalFleet(
            keeper.FleetMemory, models.Where(static m => m.State is "loading" or "ready" or "draining").Sum(static m => m.MemoryBytes ?? 0), models);
    }

    public static LocalModelView Of(DeploymentKeeper keeper, LocalModelSettings model) => Of(keeper, $"{LocalModels.Provider}/{model.Name}", model, keeper.IsAdded(model.Name));

    /// <summary>The model that an administrator means, with or without its provider, in any case; null where there is none.</summary>
    public static string? Find(DeploymentKeeper keeper, string name)
    {
        List<string> names = [.. Names(keeper)];
        return names.Find(n => n.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? names.Find(n => n[(n.IndexOf('/', StringComparison.Ordinal) + 1)..].Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>A state's word.</summary>
    public static string Word(ModelState state) => state.ToString().ToLowerInvariant();

    /// <summary>As callers write them.</summary>
    public static IEnumerable<string> Names(DeploymentKeeper keeper)
    {
        GatewaySettings settings = keeper.Current.Settings;
        IEnumerable<string> local = settings.Local.Select(static m => $"{LocalModels.Provider}/{m.Name}");
        return settings.GuideFolder is null ? local : local.Append(LocalModels.GuideId);
    }

    private static LocalModelView Of(DeploymentKeeper keeper, string name, LocalModelSettings model, bool temporary)
    {
        FleetLoop fleet = keeper.Fleet;
        ModelStatus status = fleet.Status(name) ?? new ModelStatus(name, ModelState.Cold);
        WorkerFacts? facts = fleet.Facts(name);
        return new LocalModelView(name, Word(status.State))
        {
            Source = model.Source,
            Model = model.HubId,
            Engine = model.Engine ?? (model.Command.IsEmpty ? null : "command"),
            Temporary = temporary,
            Kind = facts?.Kind,
            Context = facts?.Context ?? model.Context,
            Slots = status.Slots,
            Busy = status.Busy,
            Waiting = status.Waiting,
            FileBytes = status.FileBytes,
            MemoryBytes = status.Memory,
            ResidentBytes = status.Resident,
            Progress = status.Share,
            ReadyInSeconds = status.ReadyIn.TotalSeconds,
            UnloadsInSeconds = status.UnloadsIn?.TotalSeconds,
            RetryInSeconds = status.RetryIn?.TotalSeconds,
            Reason = status.Reason,
            Sandbox = fleet.Worker(name)?.Sandbox.Word,
            Process = fleet.Worker(name)?.Id,
            ColdStartSeconds = status.ColdStart.TotalSeconds,
            Loads = status.Loads,
            FailedLoads = status.FailedLoads,
            Evictions = status.Evictions,
            IdleUnloads = status.IdleUnloads,
            Crashes = status.Crashes,
        };
    }
}
