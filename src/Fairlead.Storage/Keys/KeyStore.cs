using System.Globalization;
using System.Text.Json;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;
using Fairlead.Storage.Sqlite;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Keys;

/// <summary>Stored keys: hashes and limits, never a secret.</summary>
/// <remarks>Every method throws <see cref="StoreUnavailableException"/> when the store is locked or failing.</remarks>
public sealed class KeyStore(StoreDatabase database)
{
    private const string Select = "SELECT id, name, hash, tail, limits, created_ms, revoked_ms FROM keys";

    /// <summary>All keys, revoked ones too, oldest first.</summary>
    public IReadOnlyList<KeyRecord> All() => database.Read(static connection => connection.All(Select + " ORDER BY id", ReadRow));

    /// <summary>A key by its hash, living or not; null when there is none.</summary>
    public KeyRecord? Find(KeyHash hash) => database.Read(connection =>
        connection.All(Select + " WHERE hash = @hash", ReadRow, ("@hash", Hex(hash)))).FirstOrDefault();

    /// <summary>A key by its id, living or not; null when there is none.</summary>
    public KeyRecord? Find(KeyId id) => database.Read(connection =>
        connection.All(Select + " WHERE id = @id", ReadRow, ("@id", id.ToString()))).FirstOrDefault();

    /// <summary>Adds a key.</summary>
    /// <returns>False when a key of that name lives that is not due to be revoked; nothing was changed.</returns>
    public bool TryAdd(KeyRecord key) => database.Write(connection => Insert(connection, key));

    /// <summary>Rotation in one step: the old key is revoked at <paramref name="oldUntil"/> and the new one, of the same name, is there.</summary>
    /// <returns>False when the old key is unknown or already revoked; nothing was changed.</returns>
    public bool TryReplace(KeyId old, DateTimeOffset oldUntil, KeyRecord replacement) => database.Write(connection =>
    {
        if (!RevokeRow(connection, old, oldUntil))
            return false;
        return Insert(connection, replacement)
            ? true
            : throw new InvalidOperationException($"another living key is called {replacement.Name}"); // rolls the revocation back
    });

    /// <summary>Revokes a key from <paramref name="at"/> on. An earlier moment replaces a later one, never the other way round.</summary>
    /// <returns>False when there is no such key or it was revoked no later than that.</returns>
    public bool Revoke(KeyId id, DateTimeOffset at) => database.Write(connection => RevokeRow(connection, id, at));

    /// <summary>Puts other limits in the place of a key's own.</summary>
    /// <returns>False when there is no such key.</returns>
    public bool ReplaceLimits(KeyId id, KeyLimits limits) => database.Write(connection => connection.Run(
        "UPDATE keys SET limits = @limits WHERE id = @id", ("@limits", ToJson(limits)), ("@id", id.ToString()))) == 1;

    private static bool RevokeRow(SqliteConnection connection, KeyId id, DateTimeOffset at) => connection.Run(
        "UPDATE keys SET revoked_ms = @at WHERE id = @id AND (revoked_ms IS NULL OR revoked_ms > @at)",
        ("@at", at.ToUnixTimeMilliseconds()), ("@id", id.ToString())) == 1;

    private static bool Insert(SqliteConnection connection, KeyRecord key)
    {
        if (key.RevokedAt is null && connection.One<long>("SELECT COUNT(*) FROM keys WHERE name = @name AND revoked_ms IS NULL", ("@name", key.Name)) > 0)
            return false;
        connection.Run(
            "INSERT INTO keys (id, name, hash, tail, limits, created_ms, revoked_ms) VALUES (@id, @name, @hash, @tail, @limits, @created, @revoked)",
            ("@id", key.Id.ToString()), ("@name", key.Name), ("@hash", Hex(key.Hash)), ("@tail", key.Tail), ("@limits", ToJson(key.Limits)),
            ("@created", key.CreatedAt.ToUnixTimeMilliseconds()), ("@revoked", key.RevokedAt?.ToUnixTimeMilliseconds()));
        return true;
    }

    private static KeyRecord ReadRow(SqliteDataReader row)
    {
        if (!KeyId.TryParse(row.GetString(0), out KeyId id))
            throw new InvalidDataException($"{row.GetString(0)} is no key id");
        ReadOnlySpan<char> hash = row.GetString(2);
        return new KeyRecord(
            id, row.GetString(1),
            new KeyHash(
                UInt128.Parse(hash[..32], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                UInt128.Parse(hash[32..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)),
            row.GetString(3), FromJson(row.GetString(4)),
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)),
            row.NumberOrNull(6) is { } revoked ? DateTimeOffset.FromUnixTimeMilliseconds(revoked) : null);
    }

    private static string Hex(KeyHash hash) => string.Create(CultureInfo.InvariantCulture, $"{hash.High:x32}{hash.Low:x32}");

    private static string ToJson(KeyLimits limits) => JsonSerializer.Serialize(
        new StoredLimits
        {
            Models = limits.Models.IsDefaultOrEmpty ? null : [.. limits.Models],
            BudgetNano = limits.Budget?.Amount.Value,
            BudgetPeriod = limits.Budget is { } budget ? (budget.Period == BudgetPeriod.Day ? "day" : "month") : null,
            RequestsPerMinute = limits.RequestsPerMinute,
            TokensPerMinute = limits.TokensPerMinute,
            Parallel = limits.Parallel,
            WaitForModel = limits.WaitForModel,
            Successors = limits.Successors ? true : null,
            ExpiresMs = limits.ExpiresAt?.ToUnixTimeMilliseconds(),
        },
        KeyJson.Default.StoredLimits);

    private static KeyLimits FromJson(string json)
    {
        StoredLimits stored = JsonSerializer.Deserialize(json, KeyJson.Default.StoredLimits) ?? new StoredLimits();
        return new KeyLimits
        {
            Models = [.. stored.Models ?? []],
            Budget = stored.BudgetNano is { } amount
                ? new Budget(new NanoDollars(amount), stored.BudgetPeriod switch
                {
                    "day" => BudgetPeriod.Day,
                    "month" => BudgetPeriod.Month,
                    _ => throw new InvalidDataException($"{stored.BudgetPeriod} is no budget period"),
                })
                : null,
            RequestsPerMinute = stored.RequestsPerMinute,
            TokensPerMinute = stored.TokensPerMinute,
            Parallel = stored.Parallel,
            WaitForModel = stored.WaitForModel,
            Successors = stored.Successors ?? false,
            ExpiresAt = stored.ExpiresMs is { } expires ? DateTimeOffset.FromUnixTimeMilliseconds(expires) : null,
        };
    }
}
