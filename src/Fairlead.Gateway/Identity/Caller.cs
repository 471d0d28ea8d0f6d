using Fairlead.Domain.Keys;
using Fairlead.Domain.Limits;
using Fairlead.Gateway.Limits;

namespace Fairlead.Gateway.Identity;

/// <summary>Who asks: a living key and what it may still do.</summary>
internal sealed class Caller(KeyRecord key, SharedAllowance limits)
{
    private volatile KeyRecord _key = key;
    private volatile bool _cutOff;

    /// <summary>The stored record with the limits in force; replaced whole when they change or the key is revoked.</summary>
    public KeyRecord Key
    {
        get => _key;
        set => _key = value;
    }

    /// <summary>The key was revoked at once: its requests under way end at their next event.</summary>
    public bool IsCutOff => _cutOff;

    /// <summary>One for a key and its rotations: a new secret is no fresh budget.</summary>
    public SharedAllowance Limits => limits;

    /// <summary>Guarded by <see cref="Gate"/>.</summary>
    public Allowance Allowance => limits.Allowance;

    public Lock Gate => limits.Gate;

    public void CutOff() => _cutOff = true;
}
