using Fairlead.Domain.Keys;
using Fairlead.Domain.Limits;

namespace Fairlead.Gateway.Identity;

/// <summary>Who asks: a living key and what it may still do.</summary>
internal sealed class Caller(KeyRecord key, Allowance allowance)
{
    private volatile KeyRecord _key = key;

    /// <summary>The stored record; replaced whole when limits change or the key is revoked.</summary>
    public KeyRecord Key
    {
        get => _key;
        set => _key = value;
    }

    /// <summary>Guarded by <see cref="Gate"/>.</summary>
    public Allowance Allowance { get; } = allowance;

    /// <summary>Taken around each call of <see cref="Allowance"/>: one key's requests wait for each other for some ten nanoseconds, nobody else's.</summary>
    public Lock Gate { get; } = new();
}
