using Fairlead.Domain.Money;

namespace Fairlead.Domain.Ledger;

/// <summary>One line of an entry: <paramref name="Amount"/> flows into the account, or out of it when negative. Never zero.</summary>
public readonly record struct Posting(PostingKind Kind, AccountName Account, NanoDollars Amount);
