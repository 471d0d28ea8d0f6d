namespace Fairlead.Domain.Catalogue;

/// <summary>What a name stands for.</summary>
/// <param name="Models">In the order in which they are tried; empty when the name is not known.</param>
/// <param name="Alias">The alias's own name, where it is one.</param>
/// <param name="Nearest">A known name that the caller may have meant; only where none was found.</param>
public sealed record ResolvedModel(IReadOnlyList<Model> Models, string? Alias, string? Nearest);

/// <summary>Finds what a caller means by a model's name: an alias, a Hub id, <c>provider/model</c>, or what a provider calls it. Pure.</summary>
public static class ModelResolution
{
    private const int MostCompared = 2_000;

    public static ResolvedModel Resolve(CatalogueSnapshot catalogue, string name)
    {
        if (catalogue.FindAlias(name) is { } alias)
        {
            var chain = new List<Model>(alias.Try.Length);
            foreach (string next in alias.Try)
            {
                if (catalogue.Find(next) is { } known)
                    chain.Add(known);
            }
            return new ResolvedModel(chain, alias.Name, null);
        }
        return catalogue.Find(name) is { } model
            ? new ResolvedModel([model], null, null)
            : new ResolvedModel([], null, Nearest(catalogue, name));
    }

    /// <summary>The known name with the fewest differing letters, if those are few.</summary>
    private static string? Nearest(CatalogueSnapshot catalogue, string name)
    {
        string? best = null;
        int least = Math.Max(2, name.Length / 4) + 1;
        foreach (string known in catalogue.Models.Select(static m => m.Id)
            .Concat(catalogue.Models.SelectMany(static m => m.Offers).SelectMany(static o => o.Aliases)).Concat(catalogue.Aliases.Select(static a => a.Name)).Take(MostCompared))
        {
            int distance = Math.Min(Distance(name, known), Distance(name, known[(known.IndexOf('/', StringComparison.Ordinal) + 1)..]));
            if (distance >= least)
                continue;
            least = distance;
            best = known;
        }
        return best;
    }

    /// <summary>Levenshtein's distance without regard to case, over at most 128 characters.</summary>
    private static int Distance(string a, string b)
    {
        if (a.Length > 128 || b.Length > 128 || Math.Abs(a.Length - b.Length) > 32)
            return int.MaxValue;
        Span<int> row = stackalloc int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
            row[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                int same = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + same);
                diagonal = above;
            }
        }
        return row[b.Length];
    }
}
