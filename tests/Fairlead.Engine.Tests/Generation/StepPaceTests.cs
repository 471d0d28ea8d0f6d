using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

/// <summary>A step that holds a prompt lasts no longer than it should.</summary>
public sealed class StepPaceTests
{
    private static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(100);

    [Fact]
    public void Before_anything_is_known_a_prompt_gets_a_moderate_share()
    {
        var pace = new StepPace(Stall);
        Assert.Equal(64, pace.PromptRows(answers: 3, most: 500));
        Assert.Equal(10, pace.PromptRows(answers: 3, most: 10));
    }

    [Fact]
    public void Beside_answers_a_prompt_takes_what_time_they_leave()
    {
        var pace = new StepPace(Stall);
        pace.Stepped(answers: 4, promptRows: 0, seconds: 0.040);
        pace.Stepped(answers: 4, promptRows: 100, seconds: 0.240); // 2 ms a row
        Assert.Equal(20, pace.PromptRows(answers: 4, most: 500)); // 80 ms, so that it may take a quarter longer than expected
    }

    [Fact]
    public void Answers_that_take_all_of_the_time_leave_a_prompt_half_of_it_all_the_same()
    {
        var pace = new StepPace(Stall);
        pace.Stepped(answers: 8, promptRows: 0, seconds: 0.095);
        pace.Stepped(answers: 8, promptRows: 100, seconds: 0.195); // 1 ms a row
        Assert.Equal(40, pace.PromptRows(answers: 8, most: 500));
    }

    [Fact]
    public void Where_nobody_waits_for_a_token_a_step_may_be_five_times_as_long()
    {
        var pace = new StepPace(Stall);
        pace.Stepped(answers: 0, promptRows: 100, seconds: 0.2);
        Assert.Equal(250, pace.PromptRows(answers: 0, most: 500));
        Assert.Equal(200, pace.PromptRows(answers: 0, most: 200));
    }

    [Fact]
    public void A_prompt_gets_on_however_slow_the_model_is()
    {
        var pace = new StepPace(Stall);
        pace.Stepped(answers: 8, promptRows: 0, seconds: 0.5);
        pace.Stepped(answers: 8, promptRows: 16, seconds: 3);
        Assert.Equal(16, pace.PromptRows(answers: 8, most: 500));
        Assert.Equal(9, pace.PromptRows(answers: 8, most: 9));
    }

    [Fact]
    public void It_learns_that_rows_have_become_dearer()
    {
        var pace = new StepPace(Stall);
        pace.Stepped(answers: 0, promptRows: 100, seconds: 0.1);
        for (int i = 0; i < 20; i++)
            pace.Stepped(answers: 0, promptRows: 100, seconds: 1);
        Assert.InRange(pace.PromptRows(answers: 0, most: 500), 49, 51);
    }

    [Fact]
    public void Without_a_bound_a_step_takes_what_there_is_room_for()
    {
        var pace = new StepPace(TimeSpan.MaxValue);
        pace.Stepped(answers: 3, promptRows: 64, seconds: 1000);
        Assert.Equal(500, pace.PromptRows(answers: 3, most: 500));
    }

    [Theory]
    [InlineData(0.040, 0.0025, 0)] // half a billion parameters on two cores
    [InlineData(0.040, 0.0025, 0.02)] // with a cost of its own for reading prompts at all
    [InlineData(0.002, 0.00001, 0)] // a model so small that everything fits
    [InlineData(0.090, 0.0100, 0)] // hardly any room
    [InlineData(0.200, 0.0010, 0)] // none at all
    public void The_rows_settle_where_a_step_lasts_what_was_asked_and_are_not_far_beyond_it_on_the_way(double answers, double row, double prompts)
    {
        var pace = new StepPace(Stall);
        pace.Stepped(answers: 0, promptRows: 512, answers + prompts + (512 * row));
        pace.Stepped(answers: 8, promptRows: 0, answers);
        int rows = 0;
        for (int step = 0; step < 60; step++)
        {
            rows = pace.PromptRows(answers: 8, most: 500);
            double seconds = answers + prompts + (rows * row);
            Assert.True(rows == 16 || seconds <= Math.Max(0.1, answers + 0.05) * 1.3, $"step {step} of {rows} rows takes {seconds} s");
            pace.Stepped(answers: 8, rows, seconds);
        }

        double settled = Math.Clamp((Math.Max(0.1 - answers, 0.05) - prompts) / row, 16, 500);
        Assert.InRange(rows, settled * 0.9, settled * 1.1);
    }

    [Fact]
    public void A_machine_that_becomes_slower_is_believed_at_once_and_one_that_becomes_quicker_by_and_by()
    {
        var pace = new StepPace(Stall);
        pace.Stepped(answers: 0, promptRows: 100, seconds: 0.1);
        pace.Stepped(answers: 0, promptRows: 100, seconds: 0.3);
        Assert.Equal(40, pace.PromptRows(answers: 1, most: 500));
        pace.Stepped(answers: 0, promptRows: 100, seconds: 0.1);
        Assert.InRange(pace.PromptRows(answers: 1, most: 500), 40, 45);
    }

    [Theory]
    [InlineData(0, 0.9)]
    [InlineData(0.05, 0.75)]
    [InlineData(0.15, 0.45)]
    [InlineData(0.3, 0.25)]
    public void Steps_that_vary_are_within_the_bound_but_for_one_in_fifty_and_a_prompt_still_gets_on(double spread, double share)
    {
        const double Answers = 0.020, Row = 0.0005;
        var random = new Random(1);
        var pace = new StepPace(Stall);
        pace.Stepped(answers: 0, promptRows: 512, 512 * Row);
        pace.Stepped(answers: 8, promptRows: 0, Answers);
        int late = 0;
        double rows = 0;
        const int Steps = 4000;
        for (int step = 0; step < Steps; step++)
        {
            int taken = pace.PromptRows(answers: 8, most: 500);
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            double seconds = (Answers + (taken * Row)) * Math.Exp(spread * normal);
            (late, rows) = (late + (seconds > Stall.TotalSeconds ? 1 : 0), rows + taken);
            pace.Stepped(answers: 8, taken, seconds);
        }

        Assert.InRange(late, 0, Steps / 50);
        Assert.InRange(rows / Steps, share * (0.1 - Answers) / Row, 500);
    }
}
