using System.Security.Cryptography;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Limits;
using Fairlead.Domain.Money;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Settings;
using Fairlead.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Identity;

/// <summary>Makes, changes and ends keys: in the store first, then in the table that requests look at. One writer at a time.</summary>
internal sealed partial class KeyRing
{
    /// <summary>Name of the key that a first start makes.</summary>
    public const string FirstKeyName = "first-key";

    private static readonly Budget FirstKeyBudget = new(new NanoDollars(NanoDollars.PerDollar), BudgetPeriod.Day);

    private readonly Vault _vault;
    private readonly AliasBudgets _aliases;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<KeyId, KeyRecord> _stored = [];
    private GatewaySettings _settings;

    private KeyRing(GatewaySettings settings, Vault vault, AliasBudgets aliases, TimeProvider time, ILogger log)
    {
        _settings = settings;
        _vault = vault;
        _aliases = aliases;
        _time = time;
        _log = log;
    }

    public KeyTable Table { get; } = new();

    /// <summary>Path of the file that holds the first key; null when it is not there any more.</summary>
    public string? FirstKeyFile => File.Exists(_vault.FirstKeyPath) ? _vault.FirstKeyPath : null;

    /// <summary>Loads every living key with what it has spent, makes the first key where there is none, and the keys that the configuration declares.</summary>
    public static KeyRing Load(GatewaySettings settings, Vault vault, AliasBudgets aliases, TimeProvider time, ILogger<KeyRing> log)
    {
        var ring = new KeyRing(settings, vault, aliases, time, log);
        DateTimeOffset now = time.GetUtcNow();
        IReadOnlyList<KeyRecord> stored = vault.Keys.All();
        IReadOnlyDictionary<KeyId, PeriodSpend> spend = vault.Ledger.SpendByKey(now);
        foreach (KeyRecord key in stored)
            ring._stored[key.Id] = key;
        foreach (List<KeyRecord> family in Families(stored))
            ring.Admit(family, spend, now);
        if (stored.Count == 0)
        {
            (_, string secret) = ring.TryCreate(FirstKeyName, new KeyLimits { Budget = FirstKeyBudget })!.Value;
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

    /// <summary>The living keys of a name, newest first: more than one while a rotation overlaps. Of an id at most one.</summary>
    public IReadOnlyList<KeyRecord> FindLiving(string nameOrId)
    {
        DateTimeOffset now = _time.GetUtcNow();
        lock (_gate)
        {
            return
            [
                .. _stored.Values
                    .Where(k => Lives(k, now))
                    .Where(k => k.Name.Equals(nameOrId, StringComparison.Ordinal) || k.Id.ToString().Equals(nameOrId, StringComparison.Ordinal))
                    .OrderByDescending(static k => k.CreatedAt).ThenByDescending(static k => k.Id.ToString(), StringComparer.Ordinal),
            ];
        }
    }

    /// <summary>Makes a key; the secret is returned once and kept nowhere. Null when a key of that name lives.</summary>
    public (KeyRecord Key, string Secret)? TryCreate(string name, KeyLimits limits)
    {
        ApiKey secret = ApiKey.Create(RandomNumberGenerator.Fill);
        DateTimeOffset now = _time.GetUtcNow();
        var key = new KeyRecord(KeyId.New(now), name, ApiKey.Hash(secret.Reveal(), _vault.Pepper), secret.Tail, limits, now);
        lock (_gate)
        {
            if (FindLiving(name).Count > 0 || !_vault.Keys.TryAdd(key))
                return null;
            _stored[key.Id] = key;
            Admit([key], new Dictionary<KeyId, PeriodSpend>(), now);
        }
        return (key, secret.Reveal());
    }

    /// <summary>Ends a key now: it is unknown from the next request on, and its streams end at their next event.</summary>
    public KeyRecord Revoke(KeyRecord key)
    {
        DateTimeOffset now = _time.GetUtcNow();
        lock (_gate)
        {
            _vault.Keys.Revoke(key.Id, now);
            return End(key, now, now);
        }
    }

    /// <summary>A new secret under the same name, limits and account of them; the old one is good for <paramref name="overlap"/> more.
    /// A key that has expired gets as long again as it was made for; one that has not keeps its day.</summary>
    /// <returns>Null when the key was rotated or revoked already.</returns>
    public (KeyRecord Key, string Secret)? TryRotate(KeyRecord old, TimeSpan overlap)
    {
        ApiKey secret = ApiKey.Create(RandomNumberGenerator.Fill);
        DateTimeOffset now = _time.GetUtcNow();
        KeyLimits limits = old.Limits.ExpiresAt is { } expired && expired <= now ? old.Limits with { ExpiresAt = now + (expired - old.CreatedAt) } : old.Limits;
        var key = new KeyRecord(KeyId.New(now), old.Name, ApiKey.Hash(secret.Reveal(), _vault.Pepper), secret.Tail, limits, now);
        lock (_gate)
        {
            if (_stored[old.Id].RevokedAt is not null || !_vault.Keys.TryReplace(old.Id, now + overlap, key))
                return null;
            SharedAllowance account = Table.Find(old.Hash)!.Limits;
            End(old, now + overlap, now);
            _stored[key.Id] = key;
            Table.Put(new Caller(key with { Limits = InForce(key) }, account));
        }
        return (key, secret.Reveal());
    }

    /// <summary>Puts the limits of a configuration in force: what the file says of a key wins over the store, and a key that it declares is made where there is none.</summary>
    public void Apply(GatewaySettings settings) => Apply(settings, _vault.Ledger.SpendByKey(_time.GetUtcNow()));

    private void Apply(GatewaySettings settings, IReadOnlyDictionary<KeyId, PeriodSpend> spend)
    {
        DateTimeOffset now = _time.GetUtcNow();
        // What can fail comes first: a reload is in force whole or not at all.
        Dictionary<string, NanoDollars> spentByAlias = settings.Aliases.Where(static a => a.Budget is not null)
            .ToDictionary(static a => a.Name, a => _vault.Ledger.SpentByAskedModel(a.Name, a.Budget!.Value.PeriodStart(now)), StringComparer.OrdinalIgnoreCase);
        lock (_gate)
        {
            foreach (KeySettings declared in settings.Keys)
            {
                if (TryCreate(declared.Name, declared.Limits) is not { } made)
                    continue;
                _vault.Folder.WriteSecretFile("keys/" + declared.Name, made.Secret);
                string file = _vault.Folder.In("keys", declared.Name);
                LogMade(declared.Name, file);
            }
            _settings = settings;
            foreach (List<KeyRecord> family in Families(_stored.Values))
            {
                foreach (KeyRecord key in family)
                {
                    if (Table.Find(key.Hash) is not { } caller)
                        continue;
                    KeyLimits limits = InForce(key);
                    lock (caller.Gate)
                    {
                        if (caller.Allowance.Limits != limits)
                            caller.Allowance.Change(limits, Spent(limits, family, spend), now);
                    }
                    caller.Key = key with { Limits = limits };
                }
            }
        }
        _aliases.Apply(settings, alias => spentByAlias[alias.Name]);
    }

    /// <summary>Keys that are rotations of each other, oldest first: each was made while the one before it still lived, or in the moment it ended.</summary>
    private static IEnumerable<List<KeyRecord>> Families(IEnumerable<KeyRecord> keys)
    {
        foreach (IGrouping<string, KeyRecord> name in keys.GroupBy(static k => k.Name, StringComparer.Ordinal))
        {
            var family = new List<KeyRecord>();
            foreach (KeyRecord key in name.OrderBy(static k => k.CreatedAt).ThenBy(static k => k.Id.ToString(), StringComparer.Ordinal))
            {
                if (family.Count > 0 && !(family[^1].RevokedAt >= key.CreatedAt))
                {
                    yield return family;
                    family = [];
                }
                family.Add(key);
            }
            yield return family;
        }
    }

    private KeyRecord End(KeyRecord key, DateTimeOffset at, DateTimeOffset now)
    {
        KeyRecord ended = _stored[key.Id] with { RevokedAt = at };
        _stored[key.Id] = ended;
        if (Table.Find(key.Hash) is { } caller)
        {
            caller.Key = caller.Key with { RevokedAt = at };
            if (at <= now)
            {
                Table.Remove(key.Hash);
                caller.CutOff();
            }
        }
        return ended;
    }

    private void Admit(List<KeyRecord> family, IReadOnlyDictionary<KeyId, PeriodSpend> spend, DateTimeOffset now)
    {
        KeyLimits limits = InForce(family[^1]);
        var account = new SharedAllowance(new Allowance(limits, Spent(limits, family, spend), now));
        foreach (KeyRecord key in family.Where(key => Lives(key, now)))
            Table.Put(new Caller(key with { Limits = InForce(key) }, account));
    }

    private static bool Lives(KeyRecord key, DateTimeOffset now) => key.RevokedAt is null || key.RevokedAt > now;

    private KeyLimits InForce(KeyRecord key) => _settings.Keys.FirstOrDefault(k => k.Name.Equals(key.Name, StringComparison.Ordinal))?.Limits ?? key.Limits;

    /// <summary>What a family has spent of a budget: a new secret is no fresh budget.</summary>
    private static NanoDollars Spent(KeyLimits limits, List<KeyRecord> family, IReadOnlyDictionary<KeyId, PeriodSpend> spend)
    {
        NanoDollars sum = NanoDollars.Zero;
        foreach (KeyRecord key in family)
        {
            PeriodSpend spent = spend.GetValueOrDefault(key.Id);
            sum += limits.Budget?.Period == BudgetPeriod.Month ? spent.Month : spent.Today;
        }
        return sum;
    }

    [LoggerMessage(EventId = 3401, Level = LogLevel.Information, Message = "The configuration declares the key {Name}, which there was not; it was made, and its secret is in {File}")]
    private partial void LogMade(string name, string file);
}
