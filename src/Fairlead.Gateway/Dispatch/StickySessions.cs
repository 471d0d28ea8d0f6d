using System.Collections.Concurrent;
using Fairlead.Domain.Ids;

namespace Fairlead.Gateway.Dispatch;

/// <summary>Remembers which provider served a session last, so that a conversation keeps its prompt cache there while that provider is healthy.</summary>
/// <remarks>Keyed by what callers send, so it is bounded: when full, the older half is forgotten, which costs a cache hit and nothing else.</remarks>
internal sealed class StickySessions(TimeProvider time)
{
    /// <summary>Most sessions that are remembered.</summary>
    public const int Most = 20_000;

    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<(KeyId Key, string Session, string Model), (string Provider, long At)> _sessions = new();

    /// <summary>Sessions that are remembered now.</summary>
    public int Count => _sessions.Count;

    public string? Find(KeyId key, string session, string model) =>
        _sessions.TryGetValue((key, session, model), out (string Provider, long At) known) && time.GetElapsedTime(known.At) < Life ? known.Provider : null;

    public void Remember(KeyId key, string session, string model, string provider)
    {
        if (_sessions.Count >= Most)
        {
            foreach (var old in _sessions.OrderBy(static pair => pair.Value.At).Take(Most / 2).ToList())
                _sessions.TryRemove(old);
        }
        _sessions[(key, session, model)] = (provider, time.GetTimestamp());
    }
}
