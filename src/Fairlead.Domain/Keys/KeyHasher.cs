using System.Security.Cryptography;
using System.Text;

namespace Fairlead.Domain.Keys;

/// <summary><see cref="ApiKey.Hash"/> for one pepper and every request: the keyed state is made once per thread, not once per request.</summary>
/// <remarks>Any number of threads.</remarks>
public sealed class KeyHasher(byte[] pepper) : IDisposable
{
    private readonly ThreadLocal<IncrementalHash> _state = new(() => IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, pepper), trackAllValues: true);

    /// <param name="secret">A key of <see cref="ApiKey.Length"/> characters.</param>
    public KeyHash Hash(ReadOnlySpan<char> secret)
    {
        Span<byte> ascii = stackalloc byte[ApiKey.Length];
        Span<byte> mac = stackalloc byte[32];
        IncrementalHash state = _state.Value!;
        state.AppendData(ascii[..Encoding.ASCII.GetBytes(secret, ascii)]);
        state.GetHashAndReset(mac);
        return KeyHash.Of(mac);
    }

    public void Dispose()
    {
        foreach (IncrementalHash state in _state.Values)
            state.Dispose();
        _state.Dispose();
    }
}
