using Fairlead.Api;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Dispatch;
using Fairlead.Gateway.Door;
using Fairlead.Gateway.Settings;

namespace Fairlead.Gateway.Admin;

/// <summary>Looks at everything that can be wrong with a running server and says what to do about it.</summary>
internal static class Doctor
{
    private const long LittleDisk = 1L << 30;
    private static readonly DateTimeOffset Built = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static List<DoctorCheck> Examine(Vault vault, DeploymentKeeper keeper, CircuitTable circuits, HealthReport health, TimeProvider time)
    {
        GatewaySettings settings = keeper.Current.Settings;
        HealthReport.State state = health.Read();
        var checks = new List<DoctorCheck>
        {
            settings.Listen.Address is var address && System.Net.IPAddress.IsLoopback(address)
                ? Ok("listen", $"{settings.Listen}, this machine only")
                : Warn("listen", $"{settings.Listen} is reachable from other machines", "Put TLS in front of it, or listen on 127.0.0.1."),
            Ok("data folder", $"{vault.Folder.Path}, its files are the owner's alone"),
            Disk(vault.Folder.Path),
            time.GetUtcNow() > Built ? Ok("clock", $"{time.GetUtcNow().UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC") : Bad("clock", "it stands before this version was made", "Set the clock; budgets and expiry depend on it."),
            state.Journal.Available
                ? Ok("journal", $"{state.Journal.UnshippedBytes} bytes wait for the store")
                : Bad("journal", state.Journal.LastError ?? "it is full", "Free disk space; paid requests are refused until it can be written."),
            state.StoreError is null ? Ok("store", "store.db takes what the journal holds") : Bad("store", state.StoreError, "Look at the disk and at who else has store.db open."),
            keeper.Providers().Count > 0 || settings.Local.Length > 0
                ? Ok("models", $"{Counted(keeper.Current.Catalogue.Models.Length, "model")} of {Counted(keeper.Providers().Count, "provider")}")
                : Warn("models", keeper.Current.Catalogue.Models.IsEmpty ? "there is no provider, so nothing can be served" : $"there is no provider, so only {LocalModels.GuideId} can be asked", "Set a provider's key, such as TOGETHER_API_KEY, or start a local runner such as Ollama."),
        };
        foreach (ProviderSummary provider in keeper.Providers())
        {
            (string Provider, CircuitCause Why, TimeSpan AskableIn) resting = circuits.Open().FirstOrDefault(o => o.Provider.Equals(provider.Name, StringComparison.OrdinalIgnoreCase));
            checks.Add(resting.Provider is null
                ? provider.Offers > 0
                    ? Ok($"provider {provider.Name}", $"{Counted(provider.Offers, "model")} at {provider.Url}{(provider.Dialect == Dialect.Anthropic ? ", in Anthropic's dialect" : "")}")
                    : Warn($"provider {provider.Name}", "it offers no models here", "List its models with their prices under providers.NAME.models.")
                : resting.Why switch
                {
                    CircuitCause.Credential => Bad($"provider {provider.Name}", "it refused the key", "Put a valid key in the configuration and reload."),
                    CircuitCause.Quota => Bad($"provider {provider.Name}", "the account there is out of credit", "Top it up; it is tried again by itself."),
                    _ => Warn($"provider {provider.Name}", $"it has failed lately and rests for {Math.Ceiling(resting.AskableIn.TotalSeconds)} s", "Look at its status page; it is tried again by itself."),
                });
        }
        checks.AddRange(Ends(keeper.Current, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime)));
        checks.AddRange(LocalChecks.Of(LocalViews.All(keeper)));
        return checks;
    }

    /// <summary>What is about to be withdrawn, and aliases that have lost all they stand for.</summary>
    private static IEnumerable<DoctorCheck> Ends(Deployment deployment, DateOnly today)
    {
        foreach (Model model in deployment.Catalogue.Models)
        {
            foreach (Offer offer in model.Offers.Where(offer => offer.DeprecatedOn is not null && !offer.IsRetired(today)))
            {
                string when = offer.RetiresOn is { } day ? $"on {day:yyyy-MM-dd}" : "and has not said when";
                yield return Warn($"model {model.Id}", $"{offer.Provider} withdraws it {when}", $"Whoever asks for it should ask for {Instead(Retirement.LiveSuccessor(deployment.Catalogue, offer.Provider, offer.Successor, today))} from then on.");
            }
        }
        foreach (Alias alias in deployment.Catalogue.Aliases)
        {
            Model[] chain = [.. alias.Try.Select(deployment.Catalogue.Find).OfType<Model>()];
            if (Retirement.IsOf(chain, today))
                yield return Bad($"alias {alias.Name}", "all that it stands for was withdrawn", $"Put {Instead(Retirement.Of(deployment.Catalogue, alias.Name, chain, today).Successor)} into models.{alias.Name}.try.");
        }
    }

    private static string Instead(string? successor) => successor ?? "another model";

    private static DoctorCheck Disk(string folder)
    {
        var drive = new DriveInfo(folder);
        string free = $"{drive.AvailableFreeSpace / (double)(1L << 30):0.0} GiB free";
        return drive.AvailableFreeSpace >= LittleDisk ? Ok("disk", free) : Warn("disk", free, "Free some space: the journal needs room.");
    }

    internal static string Counted(int count, string noun) => $"{count} {noun}{(count == 1 ? "" : "s")}";

    internal static DoctorCheck Ok(string name, string detail) => new(name, "ok", detail, null);

    internal static DoctorCheck Warn(string name, string detail, string fix) => new(name, "warn", detail, fix);

    internal static DoctorCheck Bad(string name, string detail, string fix) => new(name, "bad", detail, fix);
}
