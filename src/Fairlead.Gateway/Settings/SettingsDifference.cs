namespace Fairlead.Gateway.Settings;

/// <summary>Names what differs between two configurations, for the log: sections and providers, never values.</summary>
internal static class SettingsDifference
{
    public static IReadOnlyList<string> Between(GatewaySettings old, GatewaySettings next)
    {
        var changed = new List<string>();
        Note("listen (needs a restart)", old.Listen.Equals(next.Listen));
        Note("data (needs a restart)", old.DataFolder == next.DataFolder);
        Note("dispatch", old.Dispatch == next.Dispatch);
        Note("limits", old.Limits == next.Limits);
        Note("journal (needs a restart)", old.Journal == next.Journal);
        Note("discover", old.Discover == next.Discover);
        Note("cors", old.CorsOrigins.SequenceEqual(next.CorsOrigins));
        Note("hosts", old.Hosts.SequenceEqual(next.Hosts));
        Note("local", old.Local.SequenceEqual(next.Local));
        Note("fleet", old.Fleet == next.Fleet);
        Note("guide", old.GuideFolder == next.GuideFolder);
        Note("models", old.Aliases.Length == next.Aliases.Length && old.Aliases.Zip(next.Aliases).All(static p => p.First.Name == p.Second.Name && p.First.Budget == p.Second.Budget && p.First.Try.SequenceEqual(p.Second.Try)));
        Note("keys", old.Keys.Length == next.Keys.Length && old.Keys.Zip(next.Keys).All(static p => p.First.Name == p.Second.Name && Same(p.First.Limits, p.Second.Limits)));
        foreach (string name in old.Providers.Concat(next.Providers).Select(static p => p.Name).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            ProviderSettings? a = old.Providers.FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            ProviderSettings? b = next.Providers.FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            Note($"providers.{name}", a is not null && b is not null && a.Url == b.Url && a.Dialect == b.Dialect && a.KeyForm == b.KeyForm && Equals(a.Key, b.Key) && a.Models.SequenceEqual(b.Models));
        }
        return changed;

        void Note(string what, bool same)
        {
            if (!same)
                changed.Add(what);
        }
    }

    private static bool Same(Domain.Keys.KeyLimits a, Domain.Keys.KeyLimits b) => a with { Models = [] } == b with { Models = [] } && a.Models.SequenceEqual(b.Models);
}
