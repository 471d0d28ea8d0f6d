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
        Assert.Equal(30, pace.PromptRows(answers: 4, most: 500));
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
}
