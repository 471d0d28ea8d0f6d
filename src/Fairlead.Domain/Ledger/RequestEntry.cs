using System.Collections.Immutable;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Ledger;

/// <summary>What a closed request means on the ledger. Pure; posting the result is the store's business.</summary>
public static class RequestEntry
{
    private const int MostPostings = 10;

    /// <summary>Reservation, settlement, provider cost and waste, as far as there are any; null when nothing moved.</summary>
    /// <remarks>The close alone says it all, the reservation included: it may come without the record of its reservation, never the other way round.</remarks>
    public static Entry? Of(RequestClosed closed, in KeyAccounts accounts)
    {
        var postings = ImmutableArray.CreateBuilder<Posting>(MostPostings);
        (AccountName available, AccountName reserved) = accounts;
        Add(PostingKind.Reserve, available, -closed.Reserved);
        Add(PostingKind.Reserve, reserved, closed.Reserved);

        Add(PostingKind.Settle, reserved, -closed.Reserved);
        Add(PostingKind.Settle, available, closed.Reserved - closed.Charged);
        Add(PostingKind.Settle, AccountName.Revenue, closed.Charged);

        Add(PostingKind.Cost, AccountName.ProviderCost, -closed.Charged);
        Add(PostingKind.Cost, AccountName.WriteOff, -closed.WrittenOff);
        // An interrupted request does not know who served it.
        Add(PostingKind.Cost, closed.Provider is { } provider ? AccountName.Owed(provider) : AccountName.UnattributedOwed, closed.Charged + closed.WrittenOff);

        Add(PostingKind.Waste, AccountName.ProviderWaste, -closed.Waste);
        Add(PostingKind.Waste, AccountName.UnattributedOwed, closed.Waste);
        return postings.Count == 0 ? null : new Entry(closed.Id, closed.ClosedAt, postings.DrainToImmutable());

        void Add(PostingKind kind, AccountName account, NanoDollars amount)
        {
            if (amount != NanoDollars.Zero)
                postings.Add(new Posting(kind, account, amount));
        }
    }
}
