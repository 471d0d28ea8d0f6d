using System.Collections.Concurrent;
using System.Net;

namespace Fairlead.Gateway.Identity;

/// <summary>Counts unknown keys per address, so that guessing is slow. A right key always passes: its owner cannot be locked out.</summary>
/// <remarks>Loopback is left out: whoever is on this machine has better ways, and a developer's test suite is not an attack.
/// IPv6 is counted by /64, the least that one customer holds.</remarks>
internal sealed class WrongKeyThrottle(TimeProvider time)
{
    private const int PerMinute = 20;

    /// <summary>Most addresses that are counted.</summary>
    public const int MostAddresses = 10_000;

    private readonly ConcurrentDictionary<UInt128, Count> _counts = new();

    /// <summary>Addresses that are counted now.</summary>
    public int Addresses => _counts.Count;

    /// <summary>Notes one more unknown key; how long the address is refused, or null while it is not.</summary>
    public TimeSpan? Blocks(IPAddress? address)
    {
        if (address is null || IPAddress.IsLoopback(address))
            return null;
        long now = time.GetTimestamp();
        if (_counts.Count >= MostAddresses)
            MakeRoom(now);
        Count count = _counts.AddOrUpdate(Network(address), new Count(now, 1),
            (_, old) => time.GetElapsedTime(old.Since, now) >= TimeSpan.FromMinutes(1) ? new Count(now, 1) : old with { Tries = old.Tries + 1 });
        return count.Tries <= PerMinute ? null : TimeSpan.FromMinutes(1) - time.GetElapsedTime(count.Since, now);
    }

    private void MakeRoom(long now)
    {
        foreach ((UInt128 network, Count count) in _counts)
        {
            if (time.GetElapsedTime(count.Since, now) >= TimeSpan.FromMinutes(1))
                _counts.TryRemove(network, out _);
        }
        if (_counts.Count >= MostAddresses)
            _counts.Clear(); // bounded: forgetting counts is better than growing with what strangers send
    }

    private static UInt128 Network(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        if (!address.IsIPv4MappedToIPv6 && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6)
            bytes[8..].Clear();
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private readonly record struct Count(long Since, int Tries);
}
