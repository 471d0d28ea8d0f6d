using System.Globalization;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>Sums of a batch by day, key, provider and model, added to <c>usage_daily</c> in the batch's own transaction.</summary>
internal sealed class UsageRollup
{
    /// <summary>The words after the key columns, in the order in which they are written; reports and verification use the same list.</summary>
    public static readonly string[] Sums =
    [
        "requests", "failed", "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "cache_write_hour_tokens",
        "reasoning_tokens", "compute_ticks", "charged", "written_off", "waste",
    ];

    private const string DayFormat = "yyyy-MM-dd";

    private static readonly string Upsert =
        $"INSERT INTO usage_daily (day, key_id, provider, model, {string.Join(", ", Sums)}) "
        + $"VALUES (?, ?, ?, ?, {string.Join(", ", Sums.Select(static _ => "?"))}) "
        + $"ON CONFLICT (day, key_id, provider, model) DO UPDATE SET {string.Join(", ", Sums.Select(static sum => $"{sum} = usage_daily.{sum} + excluded.{sum}"))}";

    private readonly Dictionary<(DateOnly Day, KeyId Key, string Provider, string Model), long[]> _rows = [];

    /// <summary>A request counts as failed unless it was answered or its caller went away.</summary>
    public static bool IsFailed(EndReason reason) => reason is not (EndReason.Ok or EndReason.OkTruncatedByClient or EndReason.ClientGone);

    /// <summary>The UTC day as the table spells it.</summary>
    public static string Day(DateTimeOffset at) => at.UtcDateTime.ToString(DayFormat, CultureInfo.InvariantCulture);

    public void Add(RequestClosed closed)
    {
        var row = (DateOnly.FromDateTime(closed.StartedAt.UtcDateTime), closed.Key, closed.Provider ?? "", closed.Model ?? "");
        if (!_rows.TryGetValue(row, out long[]? sums))
            _rows.Add(row, sums = new long[Sums.Length]);
        ReadOnlySpan<long> one =
        [
            1, IsFailed(closed.EndReason) ? 1 : 0, closed.Usage.InputTokens, closed.Usage.OutputTokens, closed.Usage.CachedInputTokens,
            closed.Usage.CacheWriteTokens, closed.Usage.CacheWriteHourTokens, closed.Usage.ReasoningTokens, closed.Usage.ComputeTime.Ticks, closed.Charged.Value, closed.WrittenOff.Value, closed.Waste.Value,
        ];
        for (int i = 0; i < sums.Length; i++)
            sums[i] = checked(sums[i] + one[i]);
    }

    public void Write(SqliteConnection connection)
    {
        using var upsert = new BoundStatement(connection, Upsert);
        foreach (((DateOnly day, KeyId key, string provider, string model), long[] sums) in _rows)
        {
            upsert.Text(day.ToString(DayFormat, CultureInfo.InvariantCulture)).Text(key.ToString()).Text(provider).Text(model);
            foreach (long sum in sums)
                upsert.Number(sum);
            upsert.Run();
        }
        _rows.Clear();
    }
}
