namespace Fairlead.Gateway.Catalogue;

/// <summary>What a new listing of models means beside the last one. Pure.</summary>
/// <remarks>A listing that is empty or has lost more than half is a fault of the server, not news. A model goes only when two listings in a row lack it;
/// it comes at once.</remarks>
internal static class Listing
{
    public static DiscoveredRunner Merge(DiscoveredRunner? last, string name, Uri url, IReadOnlyList<string>? listed)
    {
        if (last is null)
            return new DiscoveredRunner(name, url, listed ?? [], new HashSet<string>());
        if (listed is null || listed.Count == 0 || listed.Count * 2 < last.Models.Count)
            return last;
        var now = listed.ToHashSet(StringComparer.Ordinal);
        HashSet<string> absent = [.. last.Models.Where(m => !now.Contains(m))];
        List<string> kept = [.. listed, .. absent.Where(m => !last.AbsentOnce.Contains(m))];
        absent.ExceptWith(last.AbsentOnce);
        return new DiscoveredRunner(name, url, kept, absent);
    }
}
