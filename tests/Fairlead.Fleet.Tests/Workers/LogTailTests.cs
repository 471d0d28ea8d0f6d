using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>What is kept of a worker's log, whatever it writes.</summary>
public sealed class LogTailTests
{
    [Fact]
    public void A_line_without_end_is_cut_and_the_next_one_is_whole()
    {
        var lines = new List<string>();
        LogTail.ReadLines(new StringReader(new string('x', 100_000) + "\nnext\nlast"), lines.Add);
        Assert.Equal([new string('x', LogTail.MostLength), "next", "last"], lines);
    }

    [Fact]
    public void Only_the_last_lines_are_kept()
    {
        var tail = new LogTail();
        for (int i = 0; i < 1_000; i++)
            tail.Add($"line {i}");
        Assert.Equal(LogTail.MostLines, tail.Lines.Count);
        Assert.Equal("line 999", tail.Last);
    }

    [Fact]
    public void The_last_word_is_no_stack_frame()
    {
        var tail = new LogTail();
        tail.Add("Unhandled exception. The model ran into itself.");
        tail.Add("   at Fairlead.Engine.Somewhere()");
        Assert.Equal("Unhandled exception. The model ran into itself.", tail.Last);
    }
}
