using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Fairlead.Upstreams.Http;

/// <summary>Asks the name service; null host addresses never come back. May throw <see cref="SocketException"/>.</summary>
internal delegate Task<IPAddress[]> NameService(string host, CancellationToken cancellationToken);

/// <summary>Addresses of names: asked again after 30 s, and believed for 5 minutes when the name service fails (U-03, U-43).</summary>
internal sealed class NameCache(TimeProvider time, NameService service)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LastGood = TimeSpan.FromMinutes(5);

    // A connection to an address the name has lost is kept this long: services that answer with changing subsets are common.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PatienceWithLastGood = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.OrdinalIgnoreCase);

    /// <exception cref="SocketException">Nothing usable is known.</exception>
    /// <exception cref="OperationCanceledException">The token.</exception>
    public async ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out IPAddress? literal))
            return [literal];
        Entry entry = _entries.GetOrAdd(host, static _ => new Entry());
        if (entry.Addresses.Length > 0 && Age(entry) < Fresh)
            return entry.Addresses;
        Task<IPAddress[]> asking = entry.Ask(() => AskAsync(host, entry));
        bool known = entry.Addresses.Length > 0 && Age(entry) < LastGood;
        try
        {
            return known
                ? await asking.WaitAsync(PatienceWithLastGood, time, cancellationToken)
                : await asking.WaitAsync(cancellationToken);
        }
        catch (Exception e) when (known && e is SocketException or TimeoutException)
        {
            return entry.Addresses; // the last good answer serves until it is five minutes old
        }
    }

    /// <summary>False once <paramref name="host"/> has not resolved to <paramref name="address"/> for the time of grace.</summary>
    public bool StillNamed(string host, IPAddress address)
    {
        if (!_entries.TryGetValue(host, out Entry? entry))
            return true;
        return !entry.Seen.TryGetValue(address, out long seen) || entry.AskedAt == 0 ||
            time.GetElapsedTime(seen, entry.AskedAt) < Grace;
    }

    private TimeSpan Age(Entry entry) => time.GetElapsedTime(entry.AskedAt);

    private async Task<IPAddress[]> AskAsync(string host, Entry entry)
    {
        IPAddress[] found = await service(host, CancellationToken.None);
        if (found.Length == 0)
            throw new SocketException((int)SocketError.NoData);
        long now = time.GetTimestamp();
        foreach (IPAddress address in found)
            entry.Seen[address] = now;
        entry.Addresses = found;
        entry.AskedAt = now;
        return found;
    }

    private sealed class Entry
    {
        private readonly Lock _gate = new();
        private Task<IPAddress[]>? _asking;

        public volatile IPAddress[] Addresses = [];
        public long AskedAt;

        public ConcurrentDictionary<IPAddress, long> Seen { get; } = new();

        // One question at a time: a slow name service is not asked once per call.
        public Task<IPAddress[]> Ask(Func<Task<IPAddress[]>> ask)
        {
            lock (_gate)
            {
                if (_asking is null || _asking.IsCompleted)
                    _asking = ask();
                return _asking;
            }
        }
    }
}
