using Fairlead.Domain.Ids;
using Fairlead.Domain.Money;

namespace Fairlead.Storage.Ledger;

/// <summary>What a usage report is grouped by.</summary>
[Flags]
public enum UsageGrouping
{
    /// <summary>One row with everything.</summary>
    None = 0,
    Model = 1,
    Key = 2,
    Day = 4,
    Provider = 8,
}

/// <summary>Usage by group; a day is the UTC day on which a request began.</summary>
public sealed record UsageReport(IReadOnlyList<UsageRow> Rows);

/// <summary>One group. The members that were not grouped by are null; an empty provider or model means that nobody served.</summary>
public sealed record UsageRow(
    DateOnly? Day, KeyId? Key, string? Provider, string? Model,
    long Requests, long Failed, long InputTokens, long OutputTokens, long CachedInputTokens, long CacheWriteTokens, long CacheWriteHourTokens,
    long ReasoningTokens, TimeSpan ComputeTime, NanoDollars Charged, NanoDollars WrittenOff, NanoDollars Waste);

/// <summary>What a key was charged for the requests that began today and this month, UTC; today is part of the month.</summary>
public readonly record struct PeriodSpend(NanoDollars Today, NanoDollars Month);
