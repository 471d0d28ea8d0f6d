using Fairlead.Domain.Ids;

namespace Fairlead.Domain.Ledger;

/// <summary>One account of the ledger by its name. The chart of accounts is the list of factories here; docs/ledger.md explains it.</summary>
/// <remarks>A balance is the sum of the account's postings: what flowed in is positive, what flowed out is negative.</remarks>
public readonly record struct AccountName
{
    private AccountName(string value) => Value = value;

    /// <summary>Lower-case words separated by colons, e.g. <c>key:key_01h…:reserved</c>.</summary>
    public string Value { get; }

    /// <summary>Money that was granted to keys from outside a request (top-ups, corrections): the other side of every grant.</summary>
    public static AccountName Funding { get; } = new("platform:funding");

    /// <summary>What keys paid.</summary>
    public static AccountName Revenue { get; } = new("platform:revenue");

    /// <summary>What charged answers cost us at their providers; negative.</summary>
    public static AccountName ProviderCost { get; } = new("platform:provider_cost");

    /// <summary>What answers cost beyond their reservation: paid by us, never by the key; negative.</summary>
    public static AccountName WriteOff { get; } = new("platform:write_off");

    /// <summary>What failed attempts may have cost us at their providers; negative.</summary>
    public static AccountName ProviderWaste { get; } = new("platform:provider_waste");

    /// <summary>What failed attempts may be billed at; an attempt that broke off names no reliable amount per provider, so they share one account.</summary>
    public static AccountName UnattributedOwed { get; } = new("provider:unattributed:owed");

    /// <summary>What a key has left of what it was granted; without grants, minus what it has spent and holds.</summary>
    public static AccountName Available(KeyId key) => new($"key:{key}:available");

    /// <summary>What a key's running requests hold; zero for every closed request.</summary>
    public static AccountName Reserved(KeyId key) => new($"key:{key}:reserved");

    /// <summary>What we owe one provider by our own count.</summary>
    public static AccountName Owed(string provider) => new($"provider:{provider}:owed");

    public override string ToString() => Value;
}

/// <summary>The two accounts of a key, so that whoever posts many of its requests names them once.</summary>
public readonly record struct KeyAccounts(AccountName Available, AccountName Reserved)
{
    public static KeyAccounts Of(KeyId key) => new(AccountName.Available(key), AccountName.Reserved(key));
}
