using Fairlead.Fleet.Workers;
using Fairlead.Shared;

namespace Fairlead.Fleet.Tests.Workers;

/// <summary>What is kept of a worker's log, whatever it writes.</summary>
public sealed class LogRingTests
{
    private readonly LogRing _ring = new(TimeProvider.System);

    [Fact]
    public void A_line_without_end_is_cut_and_the_next_one_is_whole()
    {
        var lines = new List<string>();
        LogLines.Read(new StringReader(new string('x', 100_000) + "\nnext\nlast"), lines.Add);
        Assert.Equal([new string('x', LogRing.MostLength), "next", "last"], lines);
    }

    [Fact]
    public void Only_the_last_thousand_lines_are_kept()
    {
        for (int i = 0; i < 5_000; i++)
            _ring.Add($"line {i}");
        Assert.Equal(LogRing.MostLines, _ring.Lines.Length);
        Assert.EndsWith(" line 4999", _ring.Lines[^1], StringComparison.Ordinal);
        Assert.EndsWith(" line 4000", _ring.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_of_any_length_take_no_more_than_their_bound()
    {
        for (int i = 0; i < 5_000; i++)
            _ring.Add(new string('x', 10_000));
        Assert.InRange(_ring.Lines.Sum(static line => line.Length), LogRing.MostCharacters - 1_000, LogRing.MostCharacters);
    }

    [Fact]
    public void Every_line_has_its_time_and_nothing_that_moves_a_cursor_or_turns_the_text_around()
    {
        _ring.Add("red \e[31m and \u202Eback\u2028 and\r\nanother\0");
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z red  \[31m and  back  and  another $", _ring.Lines.Single());
    }

    [Fact]
    public void Whoever_follows_gets_each_line_once_and_loses_only_those_that_are_gone()
    {
        _ring.Add("one");
        (var first, long seen) = _ring.After(0);
        Assert.Single(first);
        Assert.Empty(_ring.After(seen).Lines);
        for (int i = 0; i < 1_500; i++)
            _ring.Add($"line {i}");
        (var rest, long written) = _ring.After(seen);
        Assert.Equal((LogRing.MostLines, 1_501L), (rest.Length, written));
        _ring.Add("last");
        Assert.EndsWith(" last", _ring.After(written).Lines.Single(), StringComparison.Ordinal);
    }
}
