using System.Collections.Immutable;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Ledger;

/// <summary>What a request's two journal records mean on the ledger. Pure; posting the result is the store's business.</summary>
public static class RequestEntries
{
    /// <summary>available → reserved; null when nothing is held.</summary>
    public static Entry? Reserve(RequestReserved reserved) => reserved.Amount == NanoDollars.Zero
        ? null
        : new Entry(EntryKind.Reserve, reserved.Id, reserved.At,
            new Posting(AccountName.Available(reserved.Key), -reserved.Amount),
            new Posting(AccountName.Reserved(reserved.Key), reserved.Amount));

    /// <summary>The reservation that a close implies when its own record was lost.</summary>
    public static RequestReserved ImpliedBy(RequestClosed closed) =>
        new(closed.Id, closed.Key, closed.StartedAt, closed.Route, closed.AskedModel, closed.Reserved, closed.Idempotency);

    /// <summary>Settlement, provider cost and waste, as far as there are any.</summary>
    /// <param name="closed">How the request ended.</param>
    /// <param name="held">What the ledger holds for it; all of it is let go.</param>
    public static IEnumerable<Entry> Close(RequestClosed closed, NanoDollars held)
    {
        var settle = ImmutableArray.CreateBuilder<Posting>(3);
        Add(settle, AccountName.Reserved(closed.Key), -held);
        Add(settle, AccountName.Available(closed.Key), held - closed.Charged);
        Add(settle, AccountName.Revenue, closed.Charged);
        if (settle.Count > 0)
            yield return new Entry(EntryKind.Settle, closed.Id, closed.ClosedAt, settle.ToImmutable());

        var cost = ImmutableArray.CreateBuilder<Posting>(3);
        Add(cost, AccountName.ProviderCost, -closed.Charged);
        Add(cost, AccountName.WriteOff, -closed.WrittenOff);
        // An interrupted request does not know who served it.
        Add(cost, closed.Provider is { } provider ? AccountName.Owed(provider) : AccountName.UnattributedOwed, closed.Charged + closed.WrittenOff);
        if (cost.Count > 0)
            yield return new Entry(EntryKind.Cost, closed.Id, closed.ClosedAt, cost.ToImmutable());

        if (closed.Waste != NanoDollars.Zero)
        {
            yield return new Entry(EntryKind.Waste, closed.Id, closed.ClosedAt,
                new Posting(AccountName.ProviderWaste, -closed.Waste),
                new Posting(AccountName.UnattributedOwed, closed.Waste));
        }
    }

    private static void Add(ImmutableArray<Posting>.Builder postings, AccountName account, NanoDollars amount)
    {
        if (amount != NanoDollars.Zero)
            postings.Add(new Posting(account, amount));
    }
}
