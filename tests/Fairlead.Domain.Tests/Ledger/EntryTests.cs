using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using FsCheck;
using FsCheck.Fluent;

namespace Fairlead.Domain.Tests.Ledger;

public sealed class EntryTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero);
    private static readonly KeyId Key = KeyId.New(Noon);

    [Fact]
    public void An_entry_that_does_not_sum_to_zero_does_not_exist()
    {
        Assert.Throws<ArgumentException>(() => Make());
        Assert.Throws<ArgumentException>(() => Make(1));
        Assert.Throws<ArgumentException>(() => Make(1, -2));
        Assert.Throws<ArgumentException>(() => Make(1, 0, -1));
        Assert.Throws<OverflowException>(() => Make(long.MaxValue, 1, long.MinValue));
        Assert.Equal(3, Make(1, 1, -2).Postings.Length);
    }

    [Fact]
    public void Each_kind_of_posting_sums_to_zero_by_itself()
    {
        var one = new NanoDollars(1);
        Assert.Throws<ArgumentException>(() => new Entry(
            null, Noon, new Posting(PostingKind.Reserve, AccountName.Funding, one), new Posting(PostingKind.Settle, AccountName.Funding, -one)));
    }

    [Fact]
    public void Reserving_and_closing_never_creates_or_loses_a_nano_dollar() => Prop.ForAll(
        ArbMap.Default.ArbFor<(NonNegativeInt Reserved, NonNegativeInt Charged, NonNegativeInt WrittenOff, NonNegativeInt Waste)>(),
        static amounts =>
        {
            long held = amounts.Reserved.Get;
            long charged = Math.Min(amounts.Charged.Get, held);
            var reserved = new RequestReserved(RequestId.New(Noon), Key, Noon, Route.Chat, "m", new NanoDollars(held));
            RequestClosed closed = InterruptedRequest.Close(reserved, Noon.AddSeconds(1)) with
            {
                Charged = new NanoDollars(charged), WrittenOff = new NanoDollars(amounts.WrittenOff.Get), Waste = new NanoDollars(amounts.Waste.Get), Provider = "p",
            };
            var balances = new Dictionary<AccountName, long>();
            foreach (Posting posting in RequestEntry.Of(closed, KeyAccounts.Of(closed.Key))?.Postings ?? [])
                balances[posting.Account] = balances.GetValueOrDefault(posting.Account) + posting.Amount.Value;
            return balances.Values.Sum() == 0
                && balances.GetValueOrDefault(AccountName.Reserved(Key)) == 0
                && balances.GetValueOrDefault(AccountName.Available(Key)) == -charged
                && balances.GetValueOrDefault(AccountName.Revenue) == charged
                && balances.GetValueOrDefault(AccountName.Owed("p")) == charged + amounts.WrittenOff.Get
                && balances.GetValueOrDefault(AccountName.ProviderWaste) == -amounts.Waste.Get;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_interrupted_request_is_charged_its_hold_and_marked_as_an_estimate()
    {
        var reserved = new RequestReserved(RequestId.New(Noon), Key, Noon, Route.Chat, "m", new NanoDollars(77), new IdempotencyMark(1, 2));
        RequestClosed closed = InterruptedRequest.Close(reserved, Noon.AddHours(-1));
        Assert.Equal((EndReason.Interrupted, UsageSource.Estimated, 0), (closed.EndReason, closed.UsageSource, closed.Status));
        Assert.Equal((reserved.Amount, reserved.Amount, reserved.Idempotency), (closed.Reserved, closed.Charged, closed.Idempotency));
        Assert.Equal(Noon, closed.ClosedAt); // a clock that went back makes no negative duration
    }

    private static Entry Make(params long[] amounts) =>
        new(null, Noon, [.. amounts.Select(static amount => new Posting(PostingKind.Grant, AccountName.Funding, new NanoDollars(amount)))]);
}
