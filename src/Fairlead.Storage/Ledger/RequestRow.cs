using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>A closed request as a row of <c>requests</c>: columns for what is asked by, and the journal's bytes for the whole decision record.</summary>
internal static class RequestRow
{
    /// <summary>What a record is read back from.</summary>
    public const string Select = "SELECT record FROM requests";

    private static readonly string[] Columns =
    [
        "seq", "id", "entry_id", "key_id", "started_ms", "asked_model", "provider", "model", "end_reason", "failed", "idempotent",
        "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "cache_write_hour_tokens", "reasoning_tokens", "compute_ticks",
        "reserved", "charged", "written_off", "waste", "record",
    ];

    /// <summary>Takes its values from <see cref="Bind"/>; changes no row when the request stands there already.</summary>
    public static readonly string Insert =
        $"INSERT INTO requests ({string.Join(", ", Columns)}) VALUES ({string.Join(", ", Columns.Select(static _ => "?"))}) ON CONFLICT (id) DO NOTHING";

    /// <summary>Binds all of a row, in the order of the columns.</summary>
    public static void Bind(BoundStatement to, long seq, long? entry, string id, string key, RequestClosed closed, ReadOnlySpan<byte> payload) => to
        .Number(seq)
        .Text(id)
        .Number(entry)
        .Text(key)
        .Number(closed.StartedAt.ToUnixTimeMilliseconds())
        .Text(closed.AskedModel)
        .Text(closed.Provider)
        .Text(closed.Model)
        .Text(closed.EndReason.Word())
        .Flag(UsageRollup.IsFailed(closed.EndReason))
        .Flag(closed.Idempotency is not null)
        .Number(closed.Usage.InputTokens)
        .Number(closed.Usage.OutputTokens)
        .Number(closed.Usage.CachedInputTokens)
        .Number(closed.Usage.CacheWriteTokens)
        .Number(closed.Usage.CacheWriteHourTokens)
        .Number(closed.Usage.ReasoningTokens)
        .Number(closed.Usage.ComputeTime.Ticks)
        .Number(closed.Reserved.Value)
        .Number(closed.Charged.Value)
        .Number(closed.WrittenOff.Value)
        .Number(closed.Waste.Value)
        .Blob(payload);

    /// <exception cref="JournalFormatException">A record that no version of this program wrote.</exception>
    public static RequestClosed Read(SqliteDataReader row) => RecordCodec.ReadClosed(row.GetFieldValue<byte[]>(0));
}
