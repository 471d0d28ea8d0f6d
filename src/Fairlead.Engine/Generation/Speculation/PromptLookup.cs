namespace Fairlead.Engine.Generation.Speculation;

/// <summary>Guesses how a text goes on from what followed the last time it went like this: prompt look-up decoding (Saxena 2023). Summaries, code and tool calls repeat much of what they were given.</summary>
internal static class PromptLookup
{
    /// <summary>Tokens that must agree: one alone is found too often to mean anything.</summary>
    private const int FewestAlike = 2;

    /// <summary>Places that are looked at, the latest first.</summary>
    private const int MostPlaces = 16;

    /// <summary>Tokens before a place that are compared, beyond the two.</summary>
    private const int MostAlike = 16;

    /// <summary>Writes what may follow <paramref name="tokens"/>, and says how many tokens that is; 0: there is no such place.</summary>
    /// <remarks>Of the places where the last two tokens stood before, it takes the one with most tokens before it that agree, and of equals the latest.</remarks>
    public static int Propose(ReadOnlySpan<int> tokens, Span<int> proposal)
    {
        if (tokens.Length <= FewestAlike || proposal.IsEmpty)
            return 0;
        ReadOnlySpan<int> suffix = tokens[^FewestAlike..];
        int best = 0, follows = 0;
        ReadOnlySpan<int> before = tokens[..^1];
        for (int places = 0; places < MostPlaces; places++)
        {
            int at = before.LastIndexOf(suffix);
            if (at < 0)
                break;
            int alike = 1 + Alike(tokens[..at], tokens[..^FewestAlike]);
            if (alike > best)
                (best, follows) = (alike, at + FewestAlike);
            before = before[..(at + FewestAlike - 1)];
        }

        if (best == 0)
            return 0;
        ReadOnlySpan<int> following = tokens[follows..];
        int count = Math.Min(following.Length, proposal.Length);
        following[..count].CopyTo(proposal);
        return count;
    }

    /// <summary>How many tokens at the ends of both agree.</summary>
    private static int Alike(ReadOnlySpan<int> a, ReadOnlySpan<int> b)
    {
        int most = Math.Min(MostAlike, Math.Min(a.Length, b.Length)), count = 0;
        while (count < most && a[^(count + 1)] == b[^(count + 1)])
            count++;
        return count;
    }
}
