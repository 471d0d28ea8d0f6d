using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

public sealed class StopRuleTests
{
    [Fact]
    public void What_may_become_a_stop_string_waits_and_is_given_away_when_it_does_not()
    {
        var rule = new StopRule(["</end>", "\n\n"]);
        Assert.Equal("a", rule.Append("a<"));
        Assert.Equal("", rule.Append("/en"));
        Assert.Equal("</ent", rule.Append("t"));
        Assert.Equal("b", rule.Append("b\n"));
        Assert.Equal("\nc", rule.Append("c"));
        Assert.Equal("", rule.Append("\n"));
        Assert.Equal("\n", rule.Rest());
        Assert.Null(rule.Met);
    }

    [Fact]
    public void Nothing_of_the_stop_string_and_nothing_after_it_is_given_away()
    {
        var rule = new StopRule(["STOP"]);
        Assert.Equal("goS", rule.Append("goSST"));
        Assert.Equal("", rule.Append("OP and more"));
        Assert.Equal("STOP", rule.Met);
        Assert.Equal("", rule.Append("even more"));
        Assert.Equal("", rule.Rest());
    }

    [Fact]
    public void A_piece_passes_as_it_came_where_nothing_can_stop_it()
    {
        string piece = new('x', 3);
        Assert.Same(piece, new StopRule([]).Append(piece));
        Assert.Same(piece, new StopRule(["y"]).Append(piece));
    }

    /// <summary>However a text is cut, the answer is the text before the stop string that is complete first, the longest of those.</summary>
    [Fact]
    public void The_result_does_not_depend_on_where_the_pieces_end()
    {
        var random = new Random(4);
        for (int run = 0; run < 3000; run++)
        {
            string text = Word(random.Next(30));
            string[] stops = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Word(1 + random.Next(5)))];
            (int cut, string? met) = First(text, stops);
            var rule = new StopRule([.. stops]);
            var given = new System.Text.StringBuilder();
            for (int at = 0; at < text.Length;)
            {
                int length = Math.Min(text.Length - at, random.Next(4));
                given.Append(rule.Append(text.Substring(at, length)));
                Assert.True(given.Length <= cut, "a part of a stop string was given away");
                at += length;
            }

            given.Append(rule.Rest());
            Assert.Equal((text[..cut], met), (given.ToString(), rule.Met));
        }

        string Word(int length) => string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(2))));

        static (int Cut, string? Met) First(string text, string[] stops)
        {
            for (int end = 1; end <= text.Length; end++)
            {
                string? met = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).MaxBy(static stop => stop.Length);
                if (met is not null)
                    return (end - met.Length, met);
            }

            return (text.Length, null);
        }
    }
}
