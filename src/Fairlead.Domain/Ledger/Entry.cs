using System.Collections.Immutable;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Ledger;

/// <summary>All that one request, or one grant, moved between accounts. Each kind of posting sums to zero or the entry does not exist: the
/// constructor refuses anything else.</summary>
public sealed class Entry
{
    /// <exception cref="ArgumentException">The postings of a kind do not sum to zero, one of them is zero, or there are none.</exception>
    /// <exception cref="OverflowException">An amount or a sum of amounts is beyond the range of <see cref="NanoDollars"/>.</exception>
    public Entry(RequestId? request, DateTimeOffset at, params ImmutableArray<Posting> postings)
    {
        if (postings.IsDefaultOrEmpty)
            throw new ArgumentException("an entry needs postings", nameof(postings));
        for (PostingKind kind = PostingKind.Reserve; kind <= PostingKind.Grant; kind++)
        {
            NanoDollars sum = default;
            foreach (Posting posting in postings)
            {
                if (posting.Kind == kind)
                    sum += posting.Amount;
            }
            if (sum != NanoDollars.Zero)
                throw new ArgumentException($"the {kind.Word()} postings sum to {sum} and not to zero", nameof(postings));
        }
        foreach (Posting posting in postings)
        {
            if (posting.Amount == NanoDollars.Zero)
                throw new ArgumentException($"posting to {posting.Account} moves nothing", nameof(postings));
        }
        Request = request;
        At = at;
        Postings = postings;
    }

    /// <summary>The request that caused it; null for a grant.</summary>
    public RequestId? Request { get; }

    /// <summary>UTC; for a request when it was closed.</summary>
    public DateTimeOffset At { get; }

    public ImmutableArray<Posting> Postings { get; }
}
