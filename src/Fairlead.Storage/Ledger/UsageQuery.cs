using System.Globalization;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Money;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>The report over <c>usage_daily</c>: reads the sums, never the requests.</summary>
internal static class UsageQuery
{
    private static readonly (UsageGrouping Group, string Column)[] Groups =
    [
        (UsageGrouping.Day, "day"), (UsageGrouping.Key, "key_id"), (UsageGrouping.Provider, "provider"), (UsageGrouping.Model, "model"),
    ];

    public static List<UsageRow> Run(SqliteConnection connection, DateOnly since, UsageGrouping by)
    {
        // Column names come from the two lists of constants, never from the caller.
        string[] columns = [.. Groups.Where(group => (by & group.Group) != 0).Select(static group => group.Column)];
        string sql = "SELECT "
            + string.Join(", ", Groups.Select(group => (by & group.Group) != 0 ? group.Column : "NULL"))
            + ", " + string.Join(", ", UsageRollup.Sums.Select(static sum => $"COALESCE(SUM({sum}), 0)"))
            + " FROM usage_daily WHERE day >= @since"
            + (columns.Length > 0 ? $" GROUP BY {string.Join(", ", columns)} ORDER BY {string.Join(", ", columns)}" : "");
        return connection.All(sql, ReadRow, ("@since", since.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
    }

    private static UsageRow ReadRow(SqliteDataReader row) => new(
        row.TextOrNull(0) is { } day ? DateOnly.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null,
        row.TextOrNull(1) is { } text && KeyId.TryParse(text, out KeyId key) ? key : null,
        row.TextOrNull(2),
        row.TextOrNull(3),
        row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetInt64(8), row.GetInt64(9), row.GetInt64(10),
        row.GetInt64(11), new TimeSpan(row.GetInt64(12)), new NanoDollars(row.GetInt64(13)), new NanoDollars(row.GetInt64(14)), new NanoDollars(row.GetInt64(15)));
}
