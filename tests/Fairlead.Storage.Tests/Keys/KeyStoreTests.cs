using System.Security.Cryptography;
using System.Text;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;
using Fairlead.Storage.Keys;
using Fairlead.Storage.Sqlite;
using Fairlead.Storage.Tests.Yard;

namespace Fairlead.Storage.Tests.Keys;

public sealed class KeyStoreTests : IDisposable
{
    private static readonly byte[] Pepper = new byte[32];
    private readonly TempFolder _folder = new();
    private readonly StoreDatabase _database;
    private readonly KeyStore _keys;

    public KeyStoreTests()
    {
        _database = StoreDatabase.Open(_folder.In("store.db"));
        _keys = new KeyStore(_database);
    }

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_key_reads_back_with_all_its_limits()
    {
        KeyRecord key = New("ci", out _) with
        {
            Limits = new KeyLimits
            {
                Models = ["a", "b/c"],
                Budget = new Budget(new NanoDollars(5_000_000_000), BudgetPeriod.Month),
                RequestsPerMinute = 60,
                TokensPerMinute = 100_000,
                Parallel = 4,
                WaitForModel = false,
                Successors = true,
                ExpiresAt = Records.Noon.AddDays(30),
            },
        };
        Assert.True(_keys.TryAdd(key));
        KeyRecord found = _keys.Find(key.Hash)!;
        Assert.Equal(key.Limits.Models, found.Limits.Models);
        Assert.Equal(key with { Limits = KeyLimits.None }, found with { Limits = KeyLimits.None });
        Assert.Equal(key.Limits with { Models = [] }, found.Limits with { Models = [] });
        Assert.Null(_keys.Find(new KeyHash(1, 2)));
    }

    [Fact]
    public void A_name_is_free_again_once_its_key_is_revoked()
    {
        KeyRecord first = New("ci", out _);
        Assert.True(_keys.TryAdd(first));
        Assert.False(_keys.TryAdd(New("ci", out _)));
        Assert.True(_keys.Revoke(first.Id, Records.Noon));
        Assert.False(_keys.Revoke(first.Id, Records.Noon.AddDays(1)));
        Assert.True(_keys.TryAdd(New("ci", out _)));
        Assert.Equal(2, _keys.All().Count);
    }

    [Fact]
    public void A_rotation_leaves_both_keys_until_the_overlap_ends()
    {
        KeyRecord old = New("ci", out _);
        _keys.TryAdd(old);
        KeyRecord fresh = New("ci", out _);
        Assert.True(_keys.TryReplace(old.Id, Records.Noon.AddHours(24), fresh));
        Assert.Equal(Records.Noon.AddHours(24), _keys.Find(old.Id)!.RevokedAt);
        Assert.Null(_keys.Find(fresh.Id)!.RevokedAt);
        Assert.True(_keys.Revoke(old.Id, Records.Noon)); // sooner is allowed
        Assert.False(_keys.TryReplace(KeyId.New(Records.Noon), Records.Noon, New("x", out _)));
    }

    [Fact]
    public void Limits_are_replaced_whole()
    {
        KeyRecord key = New("ci", out _) with { Limits = new KeyLimits { Parallel = 3 } };
        _keys.TryAdd(key);
        Assert.True(_keys.ReplaceLimits(key.Id, new KeyLimits { RequestsPerMinute = 5 }));
        Assert.Equal((null, 5L), (_keys.Find(key.Id)!.Limits.Parallel, _keys.Find(key.Id)!.Limits.RequestsPerMinute!.Value));
    }

    [Fact]
    public void No_part_of_a_secret_is_in_the_file()
    {
        var secrets = new List<string>();
        for (int i = 0; i < 1000; i++)
        {
            _keys.TryAdd(New("key" + i, out string secret));
            secrets.Add(secret);
        }
        _database.Dispose();
        string file = string.Concat(Directory.GetFiles(_folder.Path).Select(static path => Encoding.Latin1.GetString(File.ReadAllBytes(path))));
        var pieces = new HashSet<string>();
        foreach (string secret in secrets)
        {
            for (int i = ApiKey.Prefix.Length; i + 8 <= secret.Length; i++)
                pieces.Add(secret.Substring(i, 8));
        }
        for (int i = 0; i + 8 <= file.Length; i++)
            Assert.DoesNotContain(file.Substring(i, 8), pieces);
    }

    [Fact]
    public void Gone_offers_survive_with_the_day_on_which_they_went()
    {
        var gone = new GoneOfferStore(_database);
        gone.Add("groq/llama", Records.Noon, "410");
        gone.Add("groq/llama", Records.Noon.AddDays(1), "again");
        Assert.Equal([KeyValuePair.Create("groq/llama", Records.Noon)], gone.All());
        gone.Remove("groq/llama");
        Assert.Empty(gone.All());
    }

    private static KeyRecord New(string name, out string secret)
    {
        ApiKey key = ApiKey.Create(RandomNumberGenerator.Fill);
        secret = key.Reveal();
        return new KeyRecord(KeyId.New(Records.Noon), name, ApiKey.Hash(secret, Pepper), key.Tail, KeyLimits.None, Records.Noon);
    }
}
