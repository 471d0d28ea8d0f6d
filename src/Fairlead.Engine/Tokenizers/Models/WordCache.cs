namespace Fairlead.Engine.Tokenizers.Models;

/// <summary>Remembers the tokens of words: most of a text is words seen before.</summary>
/// <remarks>
/// A table of fixed size, in which a word's hash is its place and a newcomer takes the place over: no lock, no growth, at most some 10 MB.
/// Entries are immutable and published by one reference, so that any number of threads may read and write.
/// </remarks>
internal sealed class WordCache
{
    /// <summary>Units of the longest word that is remembered.</summary>
    public const int LongestWord = 64;

    private const int Places = 1 << 14;

    private readonly Entry?[] _entries = new Entry[Places];

    /// <summary>The tokens of the word; empty where it is not remembered.</summary>
    public ReadOnlySpan<ModelToken> Find(ReadOnlySpan<char> word)
    {
        if (word.Length > LongestWord)
            return default;
        Entry? entry = Volatile.Read(ref _entries[PlaceOf(word)]);
        return entry is not null && word.SequenceEqual(entry.Word) ? entry.Tokens : default;
    }

    /// <summary>Remembers the tokens that stand in <paramref name="tokens"/> from <paramref name="from"/> on.</summary>
    public void Remember(ReadOnlySpan<char> word, List<ModelToken> tokens, int from)
    {
        if (word.Length <= LongestWord && tokens.Count > from)
            Volatile.Write(ref _entries[PlaceOf(word)], new Entry(word.ToString(), [.. tokens[from..]]));
    }

    private static int PlaceOf(ReadOnlySpan<char> word)
    {
        ulong hash = 14695981039346656037;
        foreach (char unit in word)
            hash = (hash ^ unit) * 1099511628211;
        return (int)(hash ^ hash >> 32) & (Places - 1);
    }

    private sealed record Entry(string Word, ModelToken[] Tokens);
}
