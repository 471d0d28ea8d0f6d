using Fairlead.Protocols.Faults;

namespace Fairlead.Protocols.Tests.Faults;

/// <summary>R-08: every spelling of when to come back.</summary>
public sealed class WaitingHintTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2", 2.0)]
    [InlineData("0", 0.0)]
    [InlineData(" 2 ", 2.0)]
    [InlineData("2.5", 2.5)]
    [InlineData("86400", 86_400.0)]
    [InlineData("86401", null)]
    [InlineData("-1", null)]
    [InlineData("1e9", null)]
    [InlineData("+5", null)]
    [InlineData("1,5", null)]
    [InlineData("0x10", null)]
    [InlineData("NaN", null)]
    [InlineData("Infinity", null)]
    [InlineData("99999999999999999999999999", null)]
    [InlineData("soon", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("Thu, 26 Nov 2026 12:00:30 GMT", 30.0)]
    [InlineData("Thursday, 26-Nov-26 12:00:30 GMT", 30.0)]
    [InlineData("Thu Nov 26 12:00:30 2026", 30.0)]
    [InlineData("Thu, 26 Nov 2026 11:59:59 GMT", null)]
    [InlineData("Thu, 26 Nov 2099 11:59:59 GMT", null)]
    [InlineData("Thu, 32 Nov 2026 11:59:59 GMT", null)]
    public void Retry_After_is_seconds_or_a_date_or_nothing(string? value, double? seconds) =>
        Assert.Equal(seconds, WaitingHint.RetryAfter(value, Now)?.TotalSeconds);

    [Theory]
    [InlineData("120", 0.12)]
    [InlineData("2600.5", 2.6005)]
    [InlineData("-1", 7.0)]
    [InlineData("x", 7.0)]
    public void Milliseconds_come_first_where_they_can_be_read(string ms, double seconds) =>
        Assert.Equal(seconds, Read(("retry-after-ms", ms), ("retry-after", "7"))!.Value.TotalSeconds, 6);

    [Theory]
    [InlineData("7.66s", 7.66)]
    [InlineData("1m12.5s", 72.5)]
    [InlineData("120ms", 0.12)]
    [InlineData("1h2m3s", 3_723.0)]
    [InlineData("6m0s", 360.0)]
    [InlineData("3", 3.0)]
    [InlineData("25h", null)]
    [InlineData("1x", null)]
    [InlineData("s", null)]
    [InlineData("1m 2s", null)]
    public void Durations_are_read_as_Go_writes_them(string text, double? seconds) => Assert.Equal(seconds, WaitingHint.Duration(text)?.TotalSeconds);

    /// <summary>OpenRouter's is an epoch in milliseconds, which no wait is.</summary>
    [Fact]
    public void An_epoch_is_no_wait() => Assert.Null(Read(("x-ratelimit-reset", "1795694400000")));

    [Fact]
    public void A_bucket_that_is_not_empty_says_nothing() => Assert.Null(Read(("x-ratelimit-remaining-tokens", "5"), ("x-ratelimit-reset-tokens", "9s")));

    [Fact]
    public void Of_two_empty_buckets_the_later_counts() =>
        Assert.Equal(9, Read(("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "2s"), ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "9s"))!.Value.TotalSeconds);

    [Theory]
    [InlineData("2026-11-26T12:00:30Z", 30.0)]
    [InlineData("2026-11-26T12:00:30.250Z", 30.25)]
    [InlineData("2026-11-26T13:00:30+01:00", 30.0)]
    [InlineData("2026-11-26T11:59:59Z", null)]
    [InlineData("2026-11-28T12:00:30Z", null)]
    [InlineData("2026-13-26T12:00:30Z", null)]
    [InlineData("30", null)]
    [InlineData("soon", null)]
    [InlineData(null, null)]
    public void Anthropics_limits_end_at_a_time(string? reset, double? seconds) =>
        Assert.Equal(seconds, Read(("anthropic-ratelimit-tokens-remaining", "0"), ("anthropic-ratelimit-tokens-reset", reset!))?.TotalSeconds);

    [Fact]
    public void Of_Anthropics_limits_the_last_that_is_used_up_counts() =>
        Assert.Equal(20, Read(
            ("anthropic-ratelimit-requests-remaining", "0"), ("anthropic-ratelimit-requests-reset", "2026-11-26T12:00:05Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"), ("anthropic-ratelimit-input-tokens-reset", "2026-11-26T12:00:20Z"),
            ("anthropic-ratelimit-output-tokens-remaining", "8000"), ("anthropic-ratelimit-output-tokens-reset", "2026-11-26T12:00:59Z"))!.Value.TotalSeconds);

    private static TimeSpan? Read(params (string Name, string Value)[] headers) =>
        WaitingHint.Read(name => headers.FirstOrDefault(h => h.Name == name).Value, ErrorBody.Parse("{}"u8), Now);
}
