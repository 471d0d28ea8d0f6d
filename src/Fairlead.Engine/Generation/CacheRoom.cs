using System.Runtime.InteropServices;

namespace Fairlead.Engine.Generation;

/// <summary>Which blocks of a cache each text has: those that it shares with texts that began alike, and its own.</summary>
/// <remarks>
/// A text gets room for all its tokens at once, and more as it grows. Blocks that are kept for texts to come make room for whoever needs it. A model's cache and its draft's have a room each.
/// Used by the batch loop's thread only.
/// </remarks>
/// <param name="dependsOnPhase">See <see cref="BatchModel.DependsOnPhase"/>.</param>
internal sealed class CacheRoom(KvCache cache, bool dependsOnPhase)
{
    private readonly PrefixCache _prefixes = new(cache);
    private readonly List<CachedText> _placed = [];
    private readonly List<int> _shared = [];

    /// <summary>Blocks that nothing lies in that anybody could want.</summary>
    public int FreeBlocks => cache.FreeBlocks;

    /// <summary>Blocks that no text uses, kept for texts that begin alike.</summary>
    public int KeptBlocks => _prefixes.Unused;

    /// <summary>Gives a text blocks for all of its tokens, the shared ones among them, and sets how many of these need not be read; false where there is no room yet.</summary>
    /// <param name="reserve">Blocks that must be left to others afterwards, free or kept.</param>
    /// <param name="readsAll">Whether every token has to be read, known or not: somebody wants the scores.</param>
    public bool TryPlace(CachedText text, int reserve, bool readsAll)
    {
        ReadOnlySpan<int> tokens = TokensOf(text);
        int last = PrefixCache.Root;
        _shared.Clear();
        // The last token is read in any case: its scores choose the next one, and blocks hold no scores.
        int shareable = readsAll ? 0 : Shareable(text, tokens.Length - 1), full = shareable / KvCache.BlockPositions;
        while (_shared.Count < full && _prefixes.TryUse(ScopeOf(text), last, BlockOf(tokens, _shared.Count), out int block))
        {
            _shared.Add(block);
            last = block;
        }

        int missing = KvCache.BlocksFor(tokens.Length) - _shared.Count;
        if (missing + reserve > cache.FreeBlocks + _prefixes.Unused)
        {
            _prefixes.Leave(last);
            return false;
        }

        text.Blocks.BeginWith(cache, _shared);
        if (!TryGrow(text, tokens.Length))
            throw new InvalidOperationException("the cache has fewer blocks than it counts");
        text.Known = (last, _shared.Count);
        text.Read = _shared.Count * KvCache.BlockPositions;
        if (!readsAll)
            text.Read += CopyBegun(text, tokens[..shareable]);
        _placed.Add(text);
        return true;
    }

    /// <summary>Makes room for so many positions of a text, at the cost of kept blocks; false where too few of those are left.</summary>
    public bool TryGrow(CachedText text, int positions)
    {
        while (!text.Blocks.TryReserve(cache, positions))
        {
            if (!_prefixes.TryEvict())
                return false;
        }

        return true;
    }

    /// <summary>Lets texts that begin alike find the blocks that this one has filled since the last time.</summary>
    public void KeepFull(CachedText text)
    {
        (int last, int count) = text.Known;
        int read = Shareable(text, text.ReadOfText);
        for (; (count + 1) * KvCache.BlockPositions <= read; count++)
        {
            int own = text.Blocks.Blocks[count];
            last = _prefixes.Add(ScopeOf(text), last, BlockOf(TokensOf(text), count), own);
            if (last != own)
                text.Blocks.Exchange(cache, count, last); // two read the same prompt at the same time: one copy is enough
        }

        text.Known = (last, count);
    }

    /// <summary>Of the beginning that two texts have in common, the positions whose keys and values one may have from the other; 0 where they must not know of each other.</summary>
    public int Common(CachedText one, CachedText other)
    {
        if (!string.Equals(ScopeOf(one), ScopeOf(other), StringComparison.Ordinal))
            return 0;
        return TokensOf(one)[..Shareable(one, one.Text.Length)].CommonPrefixLength(TokensOf(other)[..Shareable(other, other.Text.Length)]);
    }

    /// <summary>The text gives its blocks back; what it has filled is kept for texts that begin alike.</summary>
    public void Leave(CachedText text)
    {
        _placed.Remove(text);
        _prefixes.Leave(text.Known.Last);
        text.Blocks.Release(cache);
        (text.Known, text.Read) = ((PrefixCache.Root, 0), 0);
    }

    /// <summary>
    /// Finds the text that agrees longest with these tokens beyond the blocks that are shared with it, kept or being written, copies the positions
    /// for which it does into the text's first own block, and says how many those are. Looks after that block was taken, for this may have cost a kept one.
    /// </summary>
    private int CopyBegun(CachedText text, ReadOnlySpan<int> tokens)
    {
        (int last, int count) = text.Known;
        string? scope = ScopeOf(text);
        tokens = tokens[(count * KvCache.BlockPositions)..];
        tokens = tokens[..Math.Min(tokens.Length, KvCache.BlockPositions)];
        int nearest = _prefixes.Nearest(scope, last, tokens, out int most);
        foreach (CachedText other in CollectionsMarshal.AsSpan(_placed))
        {
            // Who has filled more blocks than these is found by the block that follows, among the kept ones.
            if (other.Known != text.Known || (last == PrefixCache.Root && !string.Equals(ScopeOf(other), scope, StringComparison.Ordinal)))
                continue;
            int from = count * KvCache.BlockPositions, length = Shareable(other, other.ReadOfText) - from;
            int common = tokens.CommonPrefixLength(other.Text.Tokens.AsSpan(from, Math.Max(0, length)));
            if (common > most)
                (nearest, most) = (other.Blocks.Blocks[count], common);
        }

        if (most > 0)
            cache.CopyPositions(nearest, text.Blocks.Blocks[count], most);
        return most;
    }

    /// <summary>Of a text's first <paramref name="positions"/>, those whose keys and values are the same in any text that begins alike.</summary>
    private int Shareable(CachedText text, int positions) => dependsOnPhase ? Math.Min(positions, text.Text.Request.Request.Prompt.Length) : positions;

    private static ReadOnlySpan<int> TokensOf(CachedText text) => text.Text.Tokens.AsSpan(0, text.Text.Length);

    private static string? ScopeOf(CachedText text) => text.Text.Request.Request.PrefixScope;

    private static ReadOnlySpan<int> BlockOf(ReadOnlySpan<int> tokens, int index) =>
        tokens.Slice(index * KvCache.BlockPositions, KvCache.BlockPositions);
}
