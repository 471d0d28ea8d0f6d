using System.Collections.Concurrent;
using Fairlead.Domain.Keys;

namespace Fairlead.Gateway.Identity;

/// <summary>Every key that may still be shown, by its keyed hash. In memory whole: finding a caller costs no I/O.</summary>
/// <remarks>Bounded by the number of keys that the operator made; a caller cannot add to it.</remarks>
internal sealed class KeyTable
{
    private readonly ConcurrentDictionary<KeyHash, Caller> _byHash = new();

    public int Count => _byHash.Count;

    /// <summary>Finds the caller of a hash. The hash is keyed with a secret, so what it is compared with first is nothing a caller can aim at.</summary>
    public Caller? Find(KeyHash hash) => _byHash.GetValueOrDefault(hash);

    public void Put(Caller caller) => _byHash[caller.Key.Hash] = caller;

    public void Remove(KeyHash hash) => _byHash.TryRemove(hash, out _);
}
