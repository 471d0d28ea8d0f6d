using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Tests.Money;

public sealed class HourlyPriceTests
{
    private const long Hour = TimeSpan.TicksPerHour;

    private static readonly KeyId Key = KeyId.New(DateTimeOffset.UnixEpoch);

    /// <summary>Worked out by hand: price in nano-dollars an hour, time in ticks of 100 ns, charge in nano-dollars.</summary>
    [Theory]
    [InlineData(600_000_000, 0, 0)]
    [InlineData(0, Hour, 0)]
    [InlineData(600_000_000, Hour, 600_000_000)] // $0.60/hour for an hour
    [InlineData(600_000_000, 10_000_000, 166_667)] // a second of it: 166,666 2/3
    [InlineData(600_000_000, 30_000_000, 500_000)] // three seconds: exactly
    [InlineData(600_000_000, 1, 1)] // 100 ns of it is a sixtieth of a nano-dollar: the line is rounded up
    [InlineData(600_000_000, 60, 1)] // and here it is exactly one
    [InlineData(600_000_000, 61, 2)]
    [InlineData(1, 1, 1)] // $0.000000001/hour
    [InlineData(1, Hour, 1)]
    [InlineData(1, Hour + 1, 2)]
    [InlineData(36_000_000_000, 1, 1)] // $36/hour is a nano-dollar for every tick
    [InlineData(36_000_000_001, 1, 2)]
    [InlineData(long.MaxValue, Hour, long.MaxValue)]
    [InlineData(long.MaxValue, 1, 256_204_779)] // 9,223,372,036,854,775,807 / 36,000,000,000 = 256,204,778.8…
    [InlineData(1, long.MaxValue, 256_204_779)]
    public void An_hour_of_computing_is_charged_to_the_tick_and_rounded_up_once(long perHour, long ticks, long charge)
    {
        var price = OfferPrice.ByTheHour(new NanoDollars(perHour));
        var time = TimeSpan.FromTicks(ticks);
        Assert.Equal(charge, price.For(new Usage(0, 0) { ComputeTime = time }).Value);
        Assert.Equal(charge, price.For(new Usage(1_000_000, 1_000_000) { ComputeTime = time }).Value); // tokens are no part of such a price
        Assert.Equal(charge, price.MostFor(1_000_000, 1_000_000, time).Value);
    }

    [Fact]
    public void Tokens_and_time_of_one_line_are_rounded_together()
    {
        // Half a nano-dollar of tokens and half a one of time are one, not two.
        var price = new OfferPrice(new TokenPrice(new NanoDollars(500_000)), default, Hourly: new HourlyPrice(new NanoDollars(18_000_000_000)));
        Assert.Equal(1, price.For(new Usage(1, 0) { ComputeTime = TimeSpan.FromTicks(1) }).Value);
        Assert.Equal(1, price.For(new Usage(1, 0)).Value);
        Assert.Equal(1, price.For(new Usage(0, 0) { ComputeTime = TimeSpan.FromTicks(1) }).Value);
        Assert.Equal(2, price.For(new Usage(1, 0) { ComputeTime = TimeSpan.FromTicks(2) }).Value);
    }

    [Fact]
    public void A_charge_beyond_the_range_is_refused_and_never_wraps()
    {
        var price = OfferPrice.ByTheHour(new NanoDollars(long.MaxValue));
        Assert.Throws<OverflowException>(() => price.For(new Usage(0, 0) { ComputeTime = TimeSpan.FromTicks(Hour + 1) }));
        Assert.Throws<OverflowException>(() => price.For(new Usage(0, 0) { ComputeTime = TimeSpan.MaxValue }));
        Assert.Throws<OverflowException>(() => price.MostFor(0, 0, TimeSpan.MaxValue));
        // The dearest tokens and the dearest time together: the largest products there can be.
        var dearest = new TokenPrice(new NanoDollars(long.MaxValue));
        OfferPrice both = price with { Input = dearest, Output = dearest, CachedInput = dearest, CacheWrite = dearest };
        Assert.Throws<OverflowException>(() => both.For(new Usage(long.MaxValue, long.MaxValue, long.MaxValue / 2, long.MaxValue / 2) { ComputeTime = TimeSpan.MaxValue }));
        Assert.False(both.IsFree); // whether something costs anything is asked without working it out
    }

    [Fact]
    public void Ten_thousand_charges_are_what_whole_numbers_say_never_more_than_what_is_held_and_sum_to_zero_on_the_ledger()
    {
        var random = new Random(20261126);
        for (int i = 0; i < 10_000; i++)
        {
            var price = new OfferPrice(
                Token(random), Token(random), random.Next(2) == 0 ? Token(random) : null, random.Next(2) == 0 ? Token(random) : null, random.Next(2) == 0 ? Token(random) : null,
                random.Next(4) == 0 ? null : new HourlyPrice(Amount(random)));
            long input = random.NextInt64(2_000_000);
            long cached = random.NextInt64(input + 1);
            long written = random.NextInt64(input - cached + 1);
            long hour = random.NextInt64(written + 1);
            var usage = new Usage(input, random.NextInt64(200_000), cached, written, 0, hour) { ComputeTime = TimeSpan.FromTicks(random.NextInt64(Hour)) };
            Assert.True(usage.IsPossible);

            NanoDollars charge = price.For(usage);

            // The same as a fraction over one common unit, without any parting into whole and rest.
            System.Numerics.BigInteger tokens =
                (System.Numerics.BigInteger)price.Input.PerMillion.Value * (input - cached - written)
                + (System.Numerics.BigInteger)(price.CachedInput ?? price.Input).PerMillion.Value * cached
                + (System.Numerics.BigInteger)(price.CacheWrite ?? price.Input).PerMillion.Value * (written - hour)
                + (System.Numerics.BigInteger)(price.CacheWriteHour ?? price.CacheWrite ?? price.Input).PerMillion.Value * hour
                + (System.Numerics.BigInteger)price.Output.PerMillion.Value * usage.OutputTokens;
            System.Numerics.BigInteger time = (System.Numerics.BigInteger)(price.Hourly?.PerHour.Value ?? 0) * usage.ComputeTime.Ticks;
            System.Numerics.BigInteger unit = (System.Numerics.BigInteger)1_000_000 * Hour;
            System.Numerics.BigInteger sum = tokens * Hour + time * 1_000_000;
            Assert.Equal((sum + unit - 1) / unit, charge.Value);
            Assert.True(charge >= NanoDollars.Zero);
            Assert.True(charge <= price.MostFor(input, usage.OutputTokens, usage.ComputeTime));
            NanoDollars held = price.MostFor(input, usage.OutputTokens, TimeSpan.FromHours(1));
            Assert.True(charge <= held);

            // On the ledger every kind of posting sums to zero, else there would be no entry; the key pays no more than was held, whatever it came to.
            NanoDollars lent = new(random.NextInt64(held.Value + 1));
            var closed = new RequestClosed
            {
                Id = RequestId.New(DateTimeOffset.UnixEpoch), Key = Key, StartedAt = DateTimeOffset.UnixEpoch, ClosedAt = DateTimeOffset.UnixEpoch, Route = Route.Chat,
                AskedModel = "local/m", Status = 200, EndReason = EndReason.Ok, Provider = "local", Price = price, Usage = usage,
                Reserved = lent, Charged = NanoDollars.Min(charge, lent), WrittenOff = charge - NanoDollars.Min(charge, lent), Waste = new NanoDollars(random.NextInt64(1_000)),
            };
            Entry? entry = RequestEntry.Of(closed, KeyAccounts.Of(Key));
            Assert.Equal(0, entry?.Postings.Sum(static posting => posting.Amount.Value) ?? 0);
            Assert.Equal(-closed.Charged.Value, entry?.Postings.Where(static posting => posting.Account == AccountName.Available(Key)).Sum(static posting => posting.Amount.Value) ?? 0);
            Assert.Equal(charge.Value, entry?.Postings.Where(static posting => posting.Account == AccountName.Owed("local")).Sum(static posting => posting.Amount.Value) ?? 0);
        }
    }

    [Fact]
    public void A_time_below_zero_is_no_usage()
    {
        Assert.False(new Usage(1, 1) { ComputeTime = TimeSpan.FromTicks(-1) }.IsPossible);
        Assert.True(new Usage(1, 1) { ComputeTime = TimeSpan.FromTicks(1) }.IsPossible);
        Assert.True(new Usage(0, 0).IsPossible);
    }

    [Fact]
    public void Free_is_what_neither_tokens_nor_time_cost()
    {
        Assert.True(OfferPrice.Free.IsFree);
        Assert.True(OfferPrice.ByTheHour(NanoDollars.Zero).IsFree);
        Assert.False(OfferPrice.ByTheHour(new NanoDollars(1)).IsFree);
        Assert.False(new OfferPrice(default, default, CacheWrite: new TokenPrice(new NanoDollars(1))).IsFree);
        Assert.True(OfferPrice.ByTheHour(new NanoDollars(1)).ChargesTime);
        Assert.False(OfferPrice.ByTheHour(NanoDollars.Zero).ChargesTime);
        Assert.False(OfferPrice.ByTheHour(new NanoDollars(1)).ChargesTokens);
    }

    private static TokenPrice Token(Random random) => new(Amount(random));

    private static NanoDollars Amount(Random random) => new(random.Next(8) switch
    {
        0 => 0,
        1 => 1,
        2 => random.NextInt64(100),
        _ => random.NextInt64(50_000_000_000),
    });
}
