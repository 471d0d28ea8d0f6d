using Fairlead.Domain.Fleet;

namespace Fairlead.Domain.Tests.Fleet;

public sealed class LoadForecastTests
{
    private const long GB = 1_000_000_000;

    [Fact]
    public void Before_anything_was_loaded_a_disk_of_500_megabytes_a_second_is_assumed() =>
        Assert.Equal(8.3, new LoadForecast().For("a", 4 * GB).TotalSeconds, 3);

    [Fact]
    public void A_model_that_was_loaded_takes_the_median_of_its_last_ten_loads()
    {
        var forecast = new LoadForecast();
        foreach (double seconds in new[] { 100.0, 100, 100, 5, 5, 5, 5, 5, 5, 60, 5, 5, 5 }) // the first three are forgotten, and one disk was full
            forecast.Learn("a", 4 * GB, TimeSpan.FromSeconds(seconds));
        Assert.Equal(TimeSpan.FromSeconds(5), forecast.For("A", 4 * GB));
        forecast.Learn("b", GB, TimeSpan.FromSeconds(2));
        forecast.Learn("b", GB, TimeSpan.FromSeconds(4));
        Assert.Equal(TimeSpan.FromSeconds(3), forecast.For("b", GB));
    }

    [Fact]
    public void Other_files_are_another_load()
    {
        var forecast = new LoadForecast();
        forecast.Learn("a", 4 * GB, TimeSpan.FromSeconds(40));
        Assert.NotEqual(TimeSpan.FromSeconds(40), forecast.For("a", GB));
    }

    [Theory]
    [InlineData(0.1, 5_000)]
    [InlineData(1.0, 100)]
    [InlineData(3.0, 2_000)]
    public void A_model_that_was_never_loaded_takes_the_rate_of_this_machine(double overhead, double megabytesPerSecond)
    {
        var forecast = new LoadForecast();
        for (int i = 1; i <= 10; i++)
        {
            for (int model = 0; model < 6; model++)
                forecast.Learn($"m{i} {model}", i * GB, TimeSpan.FromSeconds(overhead + i * 1000 / megabytesPerSecond));
        }
        double truth = overhead + 20_000 / megabytesPerSecond;
        Assert.InRange(forecast.For("new", 20 * GB).TotalSeconds, truth * 0.8, truth * 1.25);
    }

    [Fact]
    public void Ten_loads_of_one_size_give_a_rate_that_is_true_for_that_size_and_above_nothing_for_others()
    {
        var forecast = new LoadForecast();
        for (int i = 0; i < 10; i++)
            forecast.Learn("a", 4 * GB, TimeSpan.FromSeconds(2));
        Assert.InRange(forecast.For("b", 4 * GB).TotalSeconds, 1.6, 2.6);
        Assert.InRange(forecast.For("c", 1).TotalSeconds, 0.02, 1);
    }

    [Fact]
    public void The_rest_of_a_load_is_what_was_thought_at_first_and_what_is_seen_in_the_end()
    {
        var forecast = new LoadForecast();
        forecast.Learn("a", GB, TimeSpan.FromSeconds(10));
        Assert.Equal(10, Left(0, 0), 3);
        Assert.Equal(6, Left(0, 4), 3);
        Assert.Equal(5, Left(0.5, 5), 3);
        Assert.InRange(Left(0.1, 10), 15, 30); // much slower than ever, and there is little to go by
        Assert.InRange(Left(0.9, 90), 8, 11); // a hundred seconds it will be
        Assert.Equal(0, Left(1, 12), 3);
        Assert.Equal(3, Left(0, 30), 3); // overdue, and it does not tell how far it is
        double Left(double share, double elapsed) => forecast.Remaining("a", GB, share, TimeSpan.FromSeconds(elapsed)).TotalSeconds;
    }

    [Fact]
    public void A_load_may_take_what_is_configured_or_what_the_slowest_disk_would_need()
    {
        Assert.Equal(300, LoadForecast.LimitFor(4 * GB, TimeSpan.FromSeconds(300)).TotalSeconds);
        Assert.Equal(1030, LoadForecast.LimitFor(100 * GB, TimeSpan.FromSeconds(300)).TotalSeconds);
        Assert.Equal(300, LoadForecast.LimitFor(-1, TimeSpan.FromSeconds(300)).TotalSeconds);
    }

    [Fact]
    public void What_was_learned_survives_a_restart()
    {
        var forecast = new LoadForecast();
        for (int i = 0; i < 20; i++)
            forecast.Learn($"m{i % 3}", (i % 3 + 1) * GB, TimeSpan.FromSeconds(1 + i * 0.25));
        var restarted = new LoadForecast();
        Assert.Equal(0, restarted.Import(forecast.Export()));
        Assert.Equal(forecast.Export(), restarted.Export());
        foreach (string model in new[] { "m0", "m1", "m2", "new" })
            Assert.Equal(forecast.For(model, 2 * GB), restarted.For(model, 2 * GB));
    }

    [Fact]
    public void What_a_file_says_is_checked_before_it_is_believed()
    {
        var forecast = new LoadForecast();
        PastLoad?[] hostile =
        [
            null, new(null!, 1, 1), new("", 1, 1), new(new string('a', 257), 1, 1), new("a", -1, 1), new("a", 1, 0), new("a", 1, -3), new("a", 1, double.NaN),
            new("a", 1, double.PositiveInfinity), new("a", 1, 86_401), new("a", GB, 4),
        ];
        Assert.Equal(hostile.Length - 1, forecast.Import(hostile));
        Assert.Equal([new PastLoad("a", GB, 4)], forecast.Export());
    }

    [Fact]
    public void No_history_is_so_odd_that_a_forecast_fails()
    {
        var forecast = new LoadForecast();
        for (int i = 0; i < 5000; i++)
            forecast.Learn($"m{i}", i % 2 == 0 ? long.MaxValue : 1, TimeSpan.FromSeconds(i % 3 == 0 ? 1e-6 : 86_000));
        Assert.Equal(LoadForecast.MostModels, forecast.Export().Length);
        foreach (long bytes in new[] { 0, 1, GB, long.MaxValue })
            Assert.InRange(forecast.For("new", bytes), TimeSpan.FromTicks(1), TimeSpan.FromDays(2));
    }
}
