using System.Globalization;
using System.Text.Json;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Ledger;

/// <summary>A decision record as a row of <c>requests</c>.</summary>
internal static class RequestRow
{
    /// <summary>What a record is made of, in the order that is written and read.</summary>
    public static readonly string[] Columns =
    [
        "id", "key_id", "started_ms", "closed_ms", "route", "asked_model", "stream", "status", "end_reason", "problem_code",
        "reserved", "charged", "written_off", "waste",
        "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "usage_source",
        "provider", "model", "provider_model", "price_input", "price_output", "price_cached", "price_cache_write",
        "policy", "catalogue_version", "seed", "candidates", "excluded", "attempts", "client_reference", "idempotency_key", "idempotency_body",
    ];

    public static readonly string Select = "SELECT " + string.Join(", ", Columns) + " FROM requests";

    /// <exception cref="InvalidDataException">A row that no version of this program wrote.</exception>
    public static RequestClosed Read(SqliteDataReader row)
    {
        if (!RequestId.TryParse(row.GetString(0), out RequestId id) || !KeyId.TryParse(row.GetString(1), out KeyId key))
            throw new InvalidDataException($"request {row.GetString(0)} of key {row.GetString(1)}: one of these is no id");
        int reason = Array.IndexOf([.. EndReasons.All], row.GetString(8)) + 1;
        if (reason == 0)
            throw new InvalidDataException($"request {id}: {row.GetString(8)} is no end-reason");
        return new RequestClosed
        {
            Id = id,
            Key = key,
            StartedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)),
            ClosedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3)),
            Route = (Route)row.GetByte(4),
            AskedModel = row.GetString(5),
            Stream = row.GetInt64(6) != 0,
            Status = row.GetInt32(7),
            EndReason = (EndReason)reason,
            ProblemCode = row.TextOrNull(9),
            Reserved = new NanoDollars(row.GetInt64(10)),
            Charged = new NanoDollars(row.GetInt64(11)),
            WrittenOff = new NanoDollars(row.GetInt64(12)),
            Waste = new NanoDollars(row.GetInt64(13)),
            Usage = new Usage(row.GetInt64(14), row.GetInt64(15), row.GetInt64(16), row.GetInt64(17), row.GetInt64(18)),
            UsageSource = (UsageSource)row.GetByte(19),
            Provider = row.TextOrNull(20),
            Model = row.TextOrNull(21),
            ProviderModelId = row.TextOrNull(22),
            Price = Price(row.NumberOrNull(23)) is { } input && Price(row.NumberOrNull(24)) is { } output
                ? new OfferPrice(input, output, Price(row.NumberOrNull(25)), Price(row.NumberOrNull(26)))
                : null,
            Policy = row.GetString(27),
            CatalogueVersion = row.GetInt64(28),
            Seed = unchecked((ulong)row.GetInt64(29)),
            Candidates = JsonSerializer.Deserialize(row.GetString(30), LedgerJson.Default.IReadOnlyListString) ?? [],
            Excluded = JsonSerializer.Deserialize(row.GetString(31), LedgerJson.Default.IReadOnlyListExcludedOffer) ?? [],
            Attempts = JsonSerializer.Deserialize(row.GetString(32), LedgerJson.Default.IReadOnlyListAttempt) ?? [],
            ClientReference = row.TextOrNull(33),
            Idempotency = row.TextOrNull(34) is { } keyHash && row.TextOrNull(35) is { } bodyHash ? new IdempotencyMark(Hash(keyHash), Hash(bodyHash)) : null,
        };
    }

    private static TokenPrice? Price(long? perMillion) => perMillion is { } value ? new TokenPrice(new NanoDollars(value)) : null;

    private static UInt128 Hash(string hex) => UInt128.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
