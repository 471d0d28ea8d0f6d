using Fairlead.Api;
using Fairlead.Verbs;

namespace Fairlead.Tests.Verbs;

/// <summary>What a person sees while a model loads.</summary>
public sealed class LoadBarTests
{
    private static readonly LocalModelView s_model = new("local/qwen", "loading") { Source = "/m", ReadyInSeconds = 3.4 };

    [Fact]
    public void Where_nobody_looks_each_ten_per_cent_is_a_line()
    {
        var said = new StringWriter();
        var bar = new LoadBar(said, redraws: false);
        bar.Show(s_model with { State = "queued", ReadyInSeconds = 0 });
        for (int percent = 0; percent <= 100; percent++)
            bar.Show(s_model with { Progress = percent / 100.0 });
        bar.Show(s_model with { State = "ready", ReadyInSeconds = 0 });
        bar.Clear();
        string[] lines = said.ToString().TrimEnd().Split('\n');
        Assert.Equal("local/qwen: starting", lines[0]);
        Assert.Equal(Enumerable.Range(0, 11).Select(static tenth => $"local/qwen: loading {tenth * 10} %, about 3.4 s"), lines[1..^1]);
        Assert.Equal("local/qwen: ready", lines[^1]);
        Assert.DoesNotContain('\x1b', said.ToString());
    }

    [Fact]
    public void On_a_terminal_one_line_is_drawn_again_and_left_clean()
    {
        var said = new StringWriter();
        var bar = new LoadBar(said, redraws: true);
        bar.Show(s_model with { Progress = 0.62 });
        bar.Show(s_model with { Progress = 0.62 });
        bar.Clear();
        Assert.Equal("\r\x1b[Klocal/qwen  [############........]  loading 62 %, about 3.4 s\r\x1b[K", said.ToString());
    }

    [Fact]
    public void A_wait_for_memory_says_for_how_much() =>
        Assert.Equal("local/qwen: waits for 1.5 GiB of memory, about 42 s", LoadBar.Line(s_model with { State = "queued", MemoryBytes = 3L << 29, ReadyInSeconds = 42 }, drawn: false));

    [Fact]
    public void Nothing_that_a_terminal_would_obey_gets_there() =>
        Assert.Equal("local/q[2J: [31mready", LoadBar.Line(s_model with { Name = "local/q\x1b[2J", State = "\x1b[31mready", ReadyInSeconds = 0 }, drawn: false));

    [Theory]
    [InlineData(0, "0.0 s")]
    [InlineData(0.44, "0.4 s")]
    [InlineData(9.96, "10 s")]
    [InlineData(99.4, "99 s")]
    [InlineData(100, "2 min")]
    [InlineData(3599, "60 min")]
    [InlineData(9000, "2.5 h")]
    public void Spans_are_said_as_a_person_would(double seconds, string text) => Assert.Equal(text, Spans.Text(seconds));
}
