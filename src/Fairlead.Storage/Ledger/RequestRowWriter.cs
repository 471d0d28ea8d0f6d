using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>Writes decision records. <see cref="RequestRow"/> reads them.</summary>
internal sealed class RequestRowWriter : IDisposable
{
    private readonly SqliteCommand _insert;
    private long _last;

    public RequestRowWriter(SqliteConnection connection)
    {
        _last = connection.One<long>("SELECT COALESCE(MAX(seq), 0) FROM requests");
        _insert = connection.Prepare(
            $"INSERT INTO requests (seq, failed, {string.Join(", ", RequestRow.Columns)}) "
            + $"VALUES (@seq, @failed, {string.Join(", ", RequestRow.Columns.Select(static column => "@" + column))})",
            ("@seq", null), ("@failed", null));
        foreach (string column in RequestRow.Columns)
            _insert.Parameters.AddWithValue("@" + column, DBNull.Value);
    }

    public void Write(RequestClosed closed)
    {
        SqliteParameterCollection to = _insert.Parameters;
        int column = 0;
        to[column++].Value = ++_last;
        to[column++].Value = UsageRollup.IsFailed(closed.EndReason) ? 1 : 0;
        // In the order of RequestRow.Columns.
        to[column++].Value = closed.Id.ToString();
        to[column++].Value = closed.Key.ToString();
        to[column++].Value = closed.StartedAt.ToUnixTimeMilliseconds();
        to[column++].Value = closed.ClosedAt.ToUnixTimeMilliseconds();
        to[column++].Value = (int)closed.Route;
        to[column++].Value = closed.AskedModel;
        to[column++].Value = closed.Stream ? 1 : 0;
        to[column++].Value = closed.Status;
        to[column++].Value = closed.EndReason.Word();
        to[column++].Value = OrNull(closed.ProblemCode);
        to[column++].Value = closed.Reserved.Value;
        to[column++].Value = closed.Charged.Value;
        to[column++].Value = closed.WrittenOff.Value;
        to[column++].Value = closed.Waste.Value;
        to[column++].Value = closed.Usage.InputTokens;
        to[column++].Value = closed.Usage.OutputTokens;
        to[column++].Value = closed.Usage.CachedInputTokens;
        to[column++].Value = closed.Usage.CacheWriteTokens;
        to[column++].Value = closed.Usage.ReasoningTokens;
        to[column++].Value = (int)closed.UsageSource;
        to[column++].Value = OrNull(closed.Provider);
        to[column++].Value = OrNull(closed.Model);
        to[column++].Value = OrNull(closed.ProviderModelId);
        to[column++].Value = OrNull(closed.Price?.Input.PerMillion.Value);
        to[column++].Value = OrNull(closed.Price?.Output.PerMillion.Value);
        to[column++].Value = OrNull(closed.Price?.CachedInput?.PerMillion.Value);
        to[column++].Value = OrNull(closed.Price?.CacheWrite?.PerMillion.Value);
        to[column++].Value = closed.Policy;
        to[column++].Value = closed.CatalogueVersion;
        to[column++].Value = unchecked((long)closed.Seed);
        to[column++].Value = JsonSerializer.Serialize(closed.Candidates, LedgerJson.Default.IReadOnlyListString);
        to[column++].Value = JsonSerializer.Serialize(closed.Excluded, LedgerJson.Default.IReadOnlyListExcludedOffer);
        to[column++].Value = JsonSerializer.Serialize(closed.Attempts, LedgerJson.Default.IReadOnlyListAttempt);
        to[column++].Value = OrNull(closed.ClientReference);
        to[column++].Value = OrNull(closed.Idempotency?.KeyHash.ToString("x32", System.Globalization.CultureInfo.InvariantCulture));
        to[column++].Value = OrNull(closed.Idempotency?.BodyHash.ToString("x32", System.Globalization.CultureInfo.InvariantCulture));
        _insert.ExecuteNonQuery();
    }

    public void Dispose() => _insert.Dispose();

    private static object OrNull(object? value) => value ?? DBNull.Value;
}
