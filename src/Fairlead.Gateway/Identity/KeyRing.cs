using System.Security.Cryptography;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Limits;
using Fairlead.Domain.Money;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Settings;
using Fairlead.Storage.Ledger;

namespace Fairlead.Gateway.Identity;

/// <summary>Makes, changes and ends keys: in the store first, then in the table that requests look at. One writer at a time.</summary>
internal sealed class KeyRing
{
    /// <summary>Name of the key that a first start makes.</summary>
    public const string FirstKeyName = "first-key";

    private static readonly Budget FirstKeyBudget = new(new NanoDollars(NanoDollars.PerDollar), BudgetPeriod.Day);

    private readonly Vault _vault;
    private readonly AliasBudgets _aliases;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<KeyId, KeyRecord> _stored = [];
    private GatewaySettings _settings;

    private KeyRing(GatewaySettings settings, Vault vault, AliasBudgets aliases, TimeProvider time)
    {
        _settings = settings;
        _vault = vault;
        _aliases = aliases;
        _time = time;
    }

    public KeyTable Table { get; } = new();

    /// <summary>Path of the file that holds the first key; null when it is not there any more.</summary>
    public string? FirstKeyFile => File.Exists(_vault.FirstKeyPath) ? _vault.FirstKeyPath : null;

    /// <summary>Loads every living key with what it has spent, makes the first key where there is none, and the keys that the configuration declares.</summary>
    public static KeyRing Load(GatewaySettings settings, Vault vault, AliasBudgets aliases, TimeProvider time)
    {
        var ring = new KeyRing(settings, vault, aliases, time);
        DateTimeOffset now = time.GetUtcNow();
        IReadOnlyList<KeyRecord> stored = vault.Keys.All();
        IReadOnlyDictionary<KeyId, PeriodSpend> spend = vault.Ledger.SpendByKey(now);
        foreach (KeyRecord key in stored)
        {
            ring._stored[key.Id] = key;
            if (key.RevokedAt is null || key.RevokedAt > now)
                ring.Admit(key, spend.GetValueOrDefault(key.Id));
        }
        if (stored.Count == 0)
        {
            (_, string secret) = ring.Create(FirstKeyName, new KeyLimits { Budget = FirstKeyBudget });
            vault.Folder.WriteSecretFile(FirstKeyName, secret);
        }
        ring.Apply(settings, spend);
        return ring;
    }

    /// <summary>Every key that was ever made, newest first.</summary>
    public IReadOnlyList<KeyRecord> All()
    {
        lock (_gate)
            return [.. _stored.Values.OrderByDescending(static k => k.CreatedAt)];
    }

    /// <summary>What a living key has left; null for one that is revoked.</summary>
    public Caller? CallerOf(KeyRecord key) => Table.Find(key.Hash);

    /// <summary>Name of a key for records; its id when it is not known.</summary>
    public string NameOf(KeyId id)
    {
        lock (_gate)
            return _stored.TryGetValue(id, out KeyRecord? key) ? key.Name : id.ToString();
    }

    /// <summary>The living key of that name or id.</summary>
    public KeyRecord? FindLiving(string nameOrId)
    {
        DateTimeOffset now = _time.GetUtcNow();
        lock (_gate)
        {
            return _stored.Values
                .Where(k => k.RevokedAt is null || k.RevokedAt > now)
                .Where(k => k.Name.Equals(nameOrId, StringComparison.Ordinal) || k.Id.ToString().Equals(nameOrId, StringComparison.Ordinal))
                .OrderByDescending(static k => k.CreatedAt)
                .FirstOrDefault();
        }
    }

    /// <summary>Makes a key; the secret is returned once and kept nowhere.</summary>
    public (KeyRecord Key, string Secret) Create(string name, KeyLimits limits)
    {
        ApiKey secret = ApiKey.Create(RandomNumberGenerator.Fill);
        DateTimeOffset now = _time.GetUtcNow();
        var key = new KeyRecord(KeyId.New(now), name, ApiKey.Hash(secret.Reveal(), _vault.Pepper), secret.Tail, limits, now);
        lock (_gate)
        {
            if (!_vault.Keys.TryAdd(key))
                throw new InvalidOperationException($"A key named '{name}' lives already.");
            _stored[key.Id] = key;
            Admit(key, default);
        }
        return (key, secret.Reveal());
    }

    /// <summary>Ends a key at <paramref name="at"/>, which may lie ahead: a rotation with overlap.</summary>
    public KeyRecord Revoke(KeyRecord key, DateTimeOffset at)
    {
        KeyRecord ended = key with { RevokedAt = at };
        lock (_gate)
        {
            _vault.Keys.Revoke(key.Id, at);
            _stored[key.Id] = ended;
            if (Table.Find(key.Hash) is { } caller)
                caller.Key = ended;
            if (at <= _time.GetUtcNow())
                Table.Remove(key.Hash);
        }
        return ended;
    }

    /// <summary>A new secret under the same name and limits; the old one is good until <paramref name="oldUntil"/>.</summary>
    public (KeyRecord Key, string Secret) Rotate(KeyRecord old, DateTimeOffset oldUntil)
    {
        ApiKey secret = ApiKey.Create(RandomNumberGenerator.Fill);
        DateTimeOffset now = _time.GetUtcNow();
        var key = new KeyRecord(KeyId.New(now), old.Name, ApiKey.Hash(secret.Reveal(), _vault.Pepper), secret.Tail, old.Limits, now);
        lock (_gate)
        {
            _vault.Keys.TryReplace(old.Id, oldUntil, key);
            _stored[old.Id] = old with { RevokedAt = oldUntil };
            _stored[key.Id] = key;
            if (Table.Find(old.Hash) is { } caller)
                caller.Key = caller.Key with { RevokedAt = oldUntil };
            if (oldUntil <= now)
                Table.Remove(old.Hash);
            Admit(key, default);
        }
        return (key, secret.Reveal());
    }

    /// <summary>Puts the limits of a configuration in force: what the file says of a key wins over the store, and a key that it declares is made where there is none.</summary>
    public void Apply(GatewaySettings settings) => Apply(settings, _vault.Ledger.SpendByKey(_time.GetUtcNow()));

    private void Apply(GatewaySettings settings, IReadOnlyDictionary<KeyId, PeriodSpend> spend)
    {
        DateTimeOffset now = _time.GetUtcNow();
        lock (_gate)
            _settings = settings;
        foreach (KeySettings declared in settings.Keys)
        {
            if (FindLiving(declared.Name) is null)
            {
                (_, string secret) = Create(declared.Name, declared.Limits);
                _vault.Folder.WriteSecretFile("keys/" + declared.Name, secret);
            }
        }
        foreach (Caller caller in Table.All)
        {
            KeyLimits limits = InForce(caller.Key);
            PeriodSpend spent = spend.GetValueOrDefault(caller.Key.Id);
            lock (caller.Gate)
            {
                if (caller.Allowance.Limits != limits)
                    caller.Allowance.Change(limits, Spent(limits, spent), now);
            }
            caller.Key = caller.Key with { Limits = limits };
        }
        _aliases.Apply(settings, alias => _vault.Ledger.SpentByAskedModel(alias.Name, alias.Budget!.Value.PeriodStart(now)));
    }

    private void Admit(KeyRecord key, PeriodSpend spent)
    {
        KeyLimits limits = InForce(key);
        Table.Put(new Caller(key with { Limits = limits }, new Allowance(limits, Spent(limits, spent), _time.GetUtcNow())));
    }

    private KeyLimits InForce(KeyRecord key) => _settings.Keys.FirstOrDefault(k => k.Name.Equals(key.Name, StringComparison.Ordinal))?.Limits ?? key.Limits;

    private static NanoDollars Spent(KeyLimits limits, PeriodSpend spent) => limits.Budget?.Period == BudgetPeriod.Month ? spent.Month : spent.Today;
}
