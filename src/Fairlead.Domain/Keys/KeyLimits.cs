using System.Collections.Immutable;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Keys;

/// <summary>What a key may do. Null means no such limit.</summary>
public sealed record KeyLimits
{
    public static KeyLimits None { get; } = new();

    /// <summary>Models, aliases or <c>provider/model</c> names the key may ask for; empty means all.</summary>
    public ImmutableArray<string> Models { get; init; } = [];

    public Budget? Budget { get; init; }

    /// <summary>Requests per minute, ≥ 1.</summary>
    public long? RequestsPerMinute { get; init; }

    /// <summary>Tokens per minute, input and output, ≥ 1.</summary>
    public long? TokensPerMinute { get; init; }

    /// <summary>Requests under way at once, ≥ 1.</summary>
    public int? Parallel { get; init; }

    /// <summary>Whether a request that says nothing waits for a model that is not loaded; null: as the server has it (<c>fleet.wait_for_model</c>).</summary>
    public bool? WaitForModel { get; init; }

    /// <summary>Consent to a successor: where a model that the key may ask for was withdrawn by its provider, the one that took its place serves, at its own
    /// price, and every answer says so. Without it a substitute is never used unless the request names it.</summary>
    public bool Successors { get; init; }

    /// <summary>From this moment on the key is refused.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>Money per calendar period, UTC.</summary>
public readonly record struct Budget(NanoDollars Amount, BudgetPeriod Period)
{
    /// <summary>First moment of the period that <paramref name="now"/> lies in.</summary>
    public DateTimeOffset PeriodStart(DateTimeOffset now) => Period == BudgetPeriod.Day
        ? new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero)
        : new DateTimeOffset(now.UtcDateTime.Year, now.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>First moment of the next period: when the budget is whole again.</summary>
    public DateTimeOffset PeriodEnd(DateTimeOffset now) =>
        Period == BudgetPeriod.Day ? PeriodStart(now).AddDays(1) : PeriodStart(now).AddMonths(1);
}

/// <summary>Length of a budget's period; both begin at 00:00 UTC.</summary>
public enum BudgetPeriod : byte
{
    Day = 1,
    Month = 2,
}
