using FsCheck;
using FsCheck.Fluent;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Tests.Money;

public sealed class NanoDollarsTests
{
    [Theory]
    [InlineData("0", 0L)]
    [InlineData("0.20", 200_000_000L)]
    [InlineData("20", 20_000_000_000L)]
    [InlineData("0.000000001", 1L)]
    [InlineData("9223372036.854775807", long.MaxValue)]
    public void Decimal_text_is_read_digit_for_digit(string text, long nano)
    {
        Assert.True(NanoDollars.TryParseDollars(text, out NanoDollars amount));
        Assert.Equal(nano, amount.Value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1e3")]
    [InlineData(".5")]
    [InlineData("5.")]
    [InlineData("1.0000000001")]
    [InlineData("9223372036.854775808")]
    [InlineData("1,5")]
    [InlineData("١")]
    [InlineData("NaN")]
    [InlineData("1.2.3")]
    public void What_is_no_amount_is_refused(string text) => Assert.False(NanoDollars.TryParseDollars(text, out _));

    [Fact]
    public void The_text_of_an_amount_is_the_header_form() => Assert.Equal("0.000006400", new NanoDollars(6_400).ToString());

    [Fact]
    public void Text_and_utf8_agree_and_read_back() =>
        Prop.ForAll<long>(value =>
        {
            var amount = new NanoDollars(value);
            Span<byte> utf8 = stackalloc byte[24];
            bool written = amount.TryFormatUtf8(utf8, out int length);
            string text = amount.ToString();
            bool readBack = value < 0 || (NanoDollars.TryParseDollars(text, out NanoDollars again) && again == amount);
            return written && System.Text.Encoding.ASCII.GetString(utf8[..length]) == text && readBack;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(long.MinValue, "-9223372036.854775808")]
    [InlineData(long.MaxValue, "9223372036.854775807")]
    public void The_ends_of_the_range_have_a_text(long value, string text) => Assert.Equal(text, new NanoDollars(value).ToString());

    [Fact]
    public void Overflow_throws_and_never_wraps()
    {
        Assert.Throws<OverflowException>(() => new NanoDollars(long.MaxValue) + new NanoDollars(1));
        Assert.Throws<OverflowException>(() => -new NanoDollars(long.MinValue));
        Assert.Throws<OverflowException>(() => Price(long.MaxValue, 0).For(new Usage(long.MaxValue, 0)));
    }

    [Fact]
    public void Eleven_in_and_seven_out_at_twenty_and_sixty_cents_cost_6400_nano_dollars() =>
        Assert.Equal(new NanoDollars(6_400), Price(200_000_000, 600_000_000).For(new Usage(11, 7)));

    [Fact]
    public void A_charge_is_rounded_up_once_over_all_its_parts()
    {
        // 0.0375 USD/M is 37.5 nano-dollars a token: one token in and one out are 75, not 38 + 38.
        OfferPrice price = Price(37_500_000, 37_500_000);
        Assert.Equal(75, price.For(new Usage(1, 1)).Value);
        Assert.Equal(38, price.For(new Usage(1, 0)).Value);
    }

    [Fact]
    public void Cached_input_is_priced_apart_and_counted_once()
    {
        OfferPrice price = Price(1_000_000_000, 0) with { CachedInput = new TokenPrice(new NanoDollars(100_000_000)), CacheWrite = new TokenPrice(new NanoDollars(1_250_000_000)) };
        Assert.Equal(70 * 1_000 + 20 * 100 + 10 * 1_250, price.For(new Usage(100, 0, CachedInputTokens: 20, CacheWriteTokens: 10)).Value);
    }

    [Fact]
    public void What_a_cache_keeps_for_an_hour_is_priced_apart_from_what_it_keeps_for_minutes()
    {
        OfferPrice price = Price(1_000_000_000, 0) with { CacheWrite = new TokenPrice(new NanoDollars(1_250_000_000)), CacheWriteHour = new TokenPrice(new NanoDollars(2_000_000_000)) };
        var usage = new Usage(100, 0, CachedInputTokens: 0, CacheWriteTokens: 10, CacheWriteHourTokens: 4);
        Assert.Equal(90 * 1_000 + 6 * 1_250 + 4 * 2_000, price.For(usage).Value);
        Assert.Equal(90 * 1_000 + 10 * 1_250, (price with { CacheWriteHour = null }).For(usage).Value);
        Assert.Equal(100 * 1_000, (price with { CacheWrite = null, CacheWriteHour = null }).For(usage).Value);
        Assert.Equal(96 * 1_000 + 4 * 2_000, (price with { CacheWrite = null }).For(usage).Value);
    }

    [Fact]
    public void A_part_of_what_was_written_is_no_more_than_all_of_it()
    {
        Assert.True(new Usage(10, 0, 0, 4, 0, 4).IsPossible);
        Assert.False(new Usage(10, 0, 0, 4, 0, 5).IsPossible);
        Assert.False(new Usage(10, 0, 0, 4, 0, -1).IsPossible);
    }

    [Fact]
    public void What_is_reserved_is_never_less_than_what_any_split_of_the_same_tokens_costs() =>
        Prop.ForAll((NonNegativeInt input, NonNegativeInt output, NonNegativeInt seed) =>
        {
            var random = new Random(seed.Get);
            long read = random.NextInt64(input.Get + 1L);
            long write = random.NextInt64(input.Get - read + 1);
            OfferPrice price = Price(200_000_000, 600_000_000) with { CachedInput = new TokenPrice(new NanoDollars(20_000_000)), CacheWrite = new TokenPrice(new NanoDollars(250_000_000)), CacheWriteHour = new TokenPrice(new NanoDollars(400_000_000)) };
            return price.For(new Usage(input.Get, output.Get, read, write, 0, random.NextInt64(write + 1))) <= price.MostFor(input.Get, output.Get, TimeSpan.Zero);
        }).QuickCheckThrowOnFailure();

    private static OfferPrice Price(long input, long output) => new(new TokenPrice(new NanoDollars(input)), new TokenPrice(new NanoDollars(output)));
}
