namespace Fairlead.Storage.Sqlite;

/// <summary>Offers that their provider took away, so that a restart does not ask for them again.</summary>
public sealed class GoneOfferStore(StoreDatabase database)
{
    /// <summary>All offers that are gone, by name, and when that was first seen, UTC.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> All() => database
        .Read(static connection => connection.All("SELECT offer, gone_ms FROM gone_offers", static row => (row.GetString(0), row.GetInt64(1))))
        .ToDictionary(static row => row.Item1, static row => DateTimeOffset.FromUnixTimeMilliseconds(row.Item2), StringComparer.Ordinal);

    /// <summary>Remembers that an offer is gone; the first time and reason stay.</summary>
    public void Add(string offer, DateTimeOffset at, string reason) => database.Write(connection => connection.Run(
        "INSERT INTO gone_offers (offer, gone_ms, reason) VALUES (@offer, @at, @reason) ON CONFLICT (offer) DO NOTHING",
        ("@offer", offer), ("@at", at.ToUnixTimeMilliseconds()), ("@reason", reason)));

    /// <summary>Forgets it: the offer is there again, or the operator says so.</summary>
    public void Remove(string offer) =>
        database.Write(connection => connection.Run("DELETE FROM gone_offers WHERE offer = @offer", ("@offer", offer)));
}
