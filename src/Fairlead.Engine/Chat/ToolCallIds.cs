namespace Fairlead.Engine.Chat;

/// <summary>Ids for calls whose model writes none, and stand-ins for ids that a template does not take.</summary>
internal static class ToolCallIds
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>The id of call number <paramref name="index"/> under a seed: the same again for the same two.</summary>
    public static string Make(ulong seed, int index)
    {
        // SplitMix64 (Steele et al. 2014): neighbouring indices give unrelated ids.
        ulong z = seed + (0x9E3779B97F4A7C15 * ((ulong)index + 1));
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return Nine(z ^ (z >> 31));
    }

    /// <summary>Nine letters and digits that stand for a longer id: the same for the same id, so that a result still finds its call.</summary>
    public static string Shorten(string id)
    {
        if (id.Length == 9 && id.All(char.IsAsciiLetterOrDigit))
            return id;
        ulong hash = 14695981039346656037;
        foreach (char c in id)
            hash = (hash ^ c) * 1099511628211;
        return Make(hash, 0);
    }

    private static string Nine(ulong value) => string.Create(9, value, static (to, value) =>
    {
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = Letters[(int)(value % 62)];
            value /= 62;
        }
    });
}
