using Fairlead.Engine.Generation.Speculation;

namespace Fairlead.Engine.Tests.Generation.Speculation;

/// <summary>What rows cost is measured, and between and beyond what was measured not made up.</summary>
public sealed class RowCostsTests
{
    [Fact]
    public void Between_two_measurements_lies_a_line_and_beyond_them_it_goes_on()
    {
        var costs = new RowCosts(16);
        Assert.Equal((0, 0), (costs.Of(0), costs.Of(5)));
        Learn(costs, 2, 10);
        Assert.Equal(10, costs.Of(1));
        Assert.Equal(10 + (0.08 * 10 * 2), costs.Of(4), 9);
        Learn(costs, 10, 18);
        Assert.Equal(14, costs.Of(6), 9);
        Assert.Equal(20, costs.Of(12), 9);
        Assert.Equal(50, costs.Of(42), 9); // several passes, as one
        Learn(costs, 12, 12); // a measurement may be lower than that of fewer rows
        Assert.InRange(costs.Of(16), 12, 12 + (4 * 12 / 12.0));
    }

    [Fact]
    public void No_row_is_taken_to_cost_more_than_an_even_share()
    {
        var costs = new RowCosts(128);
        Learn(costs, 64, 64);
        Assert.Equal(128, costs.Of(128), 9);
        Assert.Equal(64, costs.Of(1), 9);
    }

    [Fact]
    public void The_first_measurement_is_not_believed_where_the_second_is_less_and_a_slow_one_moves_it_little()
    {
        var costs = new RowCosts(4);
        costs.Learn(1, 50);
        costs.Learn(1, 5);
        Assert.Equal(5, costs.Of(1));
        costs.Learn(1, 5000);
        Assert.Equal(5 + (5 / 8.0), costs.Of(1), 9);
        for (int i = 0; i < 100; i++)
            costs.Learn(1, 20);
        Assert.Equal(20, costs.Of(1), 1);
    }

    [Fact]
    public void As_many_rows_as_take_no_longer_are_found_and_never_fewer_than_the_least()
    {
        var costs = new RowCosts(128);
        Assert.Equal(100, costs.Within(1, least: 16, room: 100)); // nothing is known
        Learn(costs, 10, 10);
        Learn(costs, 100, 100);
        Assert.Equal(50, costs.Within(50.5, least: 16, room: 128));
        Assert.Equal(16, costs.Within(3, least: 16, room: 128));
        Assert.Equal(128, costs.Within(1000, least: 16, room: 128));
        Assert.Equal(5, costs.Within(3, least: 16, room: 5));
    }

    [Fact]
    public void What_is_not_measured_fades()
    {
        var costs = new RowCosts(4);
        Learn(costs, 1, 8);
        Learn(costs, 3, 10);
        costs.Fade(0.5);
        Assert.Equal((4.0, 4.5, 5.0), (costs.Of(1), costs.Of(2), costs.Of(3)));
    }

    private static void Learn(RowCosts costs, int rows, double seconds)
    {
        costs.Learn(rows, seconds);
        for (int i = 0; i < 300; i++)
            costs.Learn(rows, seconds); // what was expected before bounds the first ones
    }
}
