using System.Collections.Immutable;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Ledger;

/// <summary>One movement of money between accounts. It sums to zero or it does not exist: the constructor refuses anything else.</summary>
public sealed class Entry
{
    /// <exception cref="ArgumentException">The postings do not sum to zero, one of them is zero, or there are none.</exception>
    /// <exception cref="OverflowException">An amount or a sum of amounts is beyond the range of <see cref="NanoDollars"/>.</exception>
    public Entry(EntryKind kind, RequestId? request, DateTimeOffset at, params ImmutableArray<Posting> postings)
    {
        if (postings.IsDefaultOrEmpty)
            throw new ArgumentException("an entry needs postings", nameof(postings));
        NanoDollars sum = default;
        foreach (Posting posting in postings)
        {
            if (posting.Amount == NanoDollars.Zero)
                throw new ArgumentException($"posting to {posting.Account} moves nothing", nameof(postings));
            sum += posting.Amount;
        }
        if (sum != NanoDollars.Zero)
            throw new ArgumentException($"the postings sum to {sum} and not to zero", nameof(postings));
        Kind = kind;
        Request = request;
        At = at;
        Postings = postings;
    }

    public EntryKind Kind { get; }

    /// <summary>The request that caused it; null for a grant.</summary>
    public RequestId? Request { get; }

    /// <summary>UTC.</summary>
    public DateTimeOffset At { get; }

    public ImmutableArray<Posting> Postings { get; }
}
