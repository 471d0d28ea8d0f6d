namespace Fairlead.Domain.Ledger;

/// <summary>Why money moves. Within one entry the postings of each kind sum to zero.</summary>
public enum PostingKind : byte
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

/// <summary>The words of <see cref="PostingKind"/> as the store prints them.</summary>
public static class PostingKinds
{
    /// <summary>The stored word, e.g. <c>reserve</c>.</summary>
    public static string Word(this PostingKind kind) => kind switch
    {
        PostingKind.Reserve => "reserve",
        PostingKind.Settle => "settle",
        PostingKind.Cost => "cost",
        PostingKind.Waste => "waste",
        PostingKind.Grant => "grant",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a kind of posting"),
    };
}
