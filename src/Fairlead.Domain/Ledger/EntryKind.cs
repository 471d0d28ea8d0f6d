namespace Fairlead.Domain.Ledger;

/// <summary>Why an entry was made. A request has at most one entry of each kind, which is what makes posting it again harmless.</summary>
public enum EntryKind : byte
{
    /// <summary>available → reserved, when the request begins.</summary>
    Reserve = 1,

    /// <summary>reserved → revenue and back to available, when it ends.</summary>
    Settle = 2,

    /// <summary>Provider cost and write-off → what we owe the provider that served.</summary>
    Cost = 3,

    /// <summary>Provider waste → what we may owe for failed attempts.</summary>
    Waste = 4,

    /// <summary>Funding → available: money given to a key outside any request.</summary>
    Grant = 5,
}

/// <summary>The words of <see cref="EntryKind"/> as the store prints them.</summary>
public static class EntryKinds
{
    /// <summary>The stored word, e.g. <c>reserve</c>.</summary>
    public static string Word(this EntryKind kind) => kind switch
    {
        EntryKind.Reserve => "reserve",
        EntryKind.Settle => "settle",
        EntryKind.Cost => "cost",
        EntryKind.Waste => "waste",
        EntryKind.Grant => "grant",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a kind of entry"),
    };
}
