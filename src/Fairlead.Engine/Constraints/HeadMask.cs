namespace Fairlead.Engine.Constraints;

/// <summary>What a state allows as long as only its first expression is looked at. Immutable.</summary>
/// <param name="Mask">The tokens that lie wholly inside the expression; one bit each.</param>
/// <param name="Exits">Nodes of the trie at which the expression may be over: what lies below them is for what follows to judge.</param>
internal sealed record HeadMask(ulong[] Mask, int[] Exits)
{
    /// <summary>Bytes held.</summary>
    public long Bytes => (Mask.Length * 8L) + (Exits.Length * 4L) + 64;
}

/// <summary>Masks by key, the oldest of which goes when there is no room for a new one. Not for several threads at once.</summary>
/// <param name="maxBytes">Room for the masks.</param>
internal sealed class HeadMasks<TKey>(long maxBytes)
    where TKey : notnull
{
    private readonly Dictionary<TKey, HeadMask> _masks = [];
    private readonly Queue<TKey> _order = [];

    /// <summary>Bytes held.</summary>
    public long Bytes { get; private set; }

    public HeadMask? Find(TKey key) => _masks.GetValueOrDefault(key);

    public void Keep(TKey key, HeadMask mask)
    {
        if (mask.Bytes > maxBytes || !_masks.TryAdd(key, mask))
            return;
        _order.Enqueue(key);
        for (Bytes += mask.Bytes; Bytes > maxBytes;)
        {
            _masks.Remove(_order.Dequeue(), out HeadMask? oldest);
            Bytes -= oldest!.Bytes;
        }
    }
}

/// <summary>The masks that all constraints over one vocabulary have in common, by fingerprint of the expression. For any number of threads.</summary>
/// <remarks>Nearly every schema has strings, and the inside of a string allows nearly every token: the one mask that takes milliseconds.</remarks>
internal sealed class SharedMasks
{
    private readonly HeadMasks<UInt128> _masks = new(16 * 1024 * 1024);
    private readonly Lock _guard = new();

    public HeadMask? Find(UInt128 fingerprint)
    {
        lock (_guard)
            return _masks.Find(fingerprint);
    }

    public void Keep(UInt128 fingerprint, HeadMask mask)
    {
        lock (_guard)
            _masks.Keep(fingerprint, mask);
    }
}
