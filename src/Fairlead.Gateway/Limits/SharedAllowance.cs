using Fairlead.Domain.Limits;

namespace Fairlead.Gateway.Limits;

/// <summary>An <see cref="Domain.Limits.Allowance"/> behind its lock: of a key and what it was rotated from, or of an alias.</summary>
internal sealed class SharedAllowance(Allowance allowance)
{
    /// <summary>Guarded by <see cref="Gate"/>.</summary>
    public Allowance Allowance { get; } = allowance;

    /// <summary>Taken around each call of <see cref="Allowance"/>: those who share it wait for each other for some ten nanoseconds, nobody else does.</summary>
    public Lock Gate { get; } = new();
}
