namespace Fairlead.Domain.Naming;

/// <summary>How many letters two words differ in, two that changed places counting once (Damerau), for "did you mean".</summary>
public static class Nearness
{
    /// <summary>The known word that was probably meant; null when none is near. Up to one letter in four may be wrong, and one more.</summary>
    public static string? Nearest(IEnumerable<string> known, string word) =>
        known.Select(name => (Name: name, Distance: name.Length > 3 && word.Length > 2 && name.StartsWith(word, StringComparison.Ordinal) ? 1 : Distance(name, word)))
            .Where(pair => pair.Distance <= 1 + word.TrimStart('-').Length / 4)
            .OrderBy(static pair => pair.Distance).FirstOrDefault().Name;

    public static int Distance(string a, string b)
    {
        if (a.Length > 64 || b.Length > 64)
            return int.MaxValue;
        int width = b.Length + 1;
        Span<int> cost = stackalloc int[(a.Length + 1) * width]; // at most 17 KB
        for (int i = 0; i <= a.Length; i++)
            cost[i * width] = i;
        for (int j = 0; j <= b.Length; j++)
            cost[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int least = Math.Min(Math.Min(cost[(i - 1) * width + j], cost[i * width + j - 1]) + 1, cost[(i - 1) * width + j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    least = Math.Min(least, cost[(i - 2) * width + j - 2] + 1);
                cost[i * width + j] = least;
            }
        }
        return cost[a.Length * width + b.Length];
    }
}
