using Fairlead.Domain.Routing;

namespace Fairlead.Domain.Tests.Routing;

public sealed class OfferHealthTests
{
    [Fact]
    public void Nothing_measured_is_not_a_number_and_stale()
    {
        OfferCondition condition = new OfferHealth().Condition(Seconds(1));
        Assert.True(double.IsNaN(condition.FirstTokenMs) && double.IsNaN(condition.TokensPerSecond) && condition.IsStale);
        Assert.Equal(0, condition.ErrorShare);
    }

    [Fact]
    public void One_slow_answer_among_fresh_ones_moves_a_fifth_of_the_way()
    {
        var health = new OfferHealth();
        health.RecordFirstToken(500, Seconds(0));
        health.RecordFirstToken(1_500, Seconds(0));
        health.RecordSuccess(100, Seconds(0));
        health.RecordSuccess(50, Seconds(0));
        Assert.Equal((700.0, 90.0), (health.Condition(Seconds(0)).FirstTokenMs, health.Condition(Seconds(0)).TokensPerSecond));
    }

    [Fact]
    public void After_a_pause_the_news_outweighs_the_memory()
    {
        var health = new OfferHealth();
        health.RecordFirstToken(10_000, Seconds(0));
        health.RecordFirstToken(500, Seconds(30));
        Assert.InRange(health.Condition(Seconds(30)).FirstTokenMs, 500, 1_700);
    }

    [Fact]
    public void A_measurement_is_fresh_for_five_seconds()
    {
        var health = new OfferHealth();
        health.RecordFirstToken(500, Seconds(0));
        Assert.False(health.Condition(Seconds(5)).IsStale);
        Assert.True(health.Condition(Seconds(5.1)).IsStale);
    }

    [Fact]
    public void Errors_add_up_and_half_of_them_are_forgotten_in_a_minute()
    {
        var health = new OfferHealth();
        for (int i = 0; i < 4; i++)
            health.RecordFailure(Seconds(0));
        double share = health.Condition(Seconds(0)).ErrorShare;
        Assert.InRange(share, 0.55, 0.65);
        Assert.Equal(share / 2, health.Condition(Seconds(60)).ErrorShare, 6);
        health.RecordSuccess(null, Seconds(60));
        Assert.Equal(share / 2 * 0.8, health.Condition(Seconds(60)).ErrorShare, 6);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
