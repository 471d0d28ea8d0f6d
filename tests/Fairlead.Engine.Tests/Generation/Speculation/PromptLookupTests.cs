using Fairlead.Engine.Generation.Speculation;

namespace Fairlead.Engine.Tests.Generation.Speculation;

/// <summary>What a text is guessed to go on with.</summary>
public sealed class PromptLookupTests
{
    [Theory]
    [InlineData(new int[0], new int[0])]
    [InlineData(new[] { 1, 2 }, new int[0])]
    [InlineData(new[] { 1, 2, 3, 4 }, new int[0])]
    [InlineData(new[] { 1, 2, 3, 4, 5, 6, 7, 1, 2 }, new[] { 3, 4, 5, 6 })]
    [InlineData(new[] { 9, 1, 2, 3, 8, 1, 2, 4, 9, 1, 2 }, new[] { 3, 8, 1, 2 })] // 9 1 2 agrees for longer than 8 1 2
    [InlineData(new[] { 1, 2, 3, 1, 2, 4, 1, 2 }, new[] { 4, 1, 2 })] // of equals the latest
    [InlineData(new[] { 7, 7, 7 }, new[] { 7 })]
    [InlineData(new[] { 5, 7, 7, 7, 7 }, new[] { 7 })]
    public void What_followed_the_longest_agreement_is_proposed(int[] tokens, int[] expected)
    {
        Span<int> proposal = stackalloc int[4];
        int count = PromptLookup.Propose(tokens, proposal);
        Assert.Equal(expected, proposal[..count].ToArray());
    }

    [Fact]
    public void A_guess_is_always_what_stood_in_the_text_after_the_same_two_tokens()
    {
        var random = new Random(8);
        int found = 0;
        Span<int> proposal = stackalloc int[6];
        for (int round = 0; round < 2000; round++)
        {
            int[] tokens = [.. Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(5))];
            int count = PromptLookup.Propose(tokens, proposal[..random.Next(7)]);
            if (count == 0)
                continue;
            found++;
            int[] sought = [.. tokens[^2..], .. proposal[..count]];
            Assert.True(tokens.AsSpan().IndexOf(sought) >= 0, string.Join(' ', tokens));
        }

        Assert.InRange(found, 1000, 2000);
    }

    [Fact]
    public void Guesses_grow_while_they_come_true_and_pause_when_they_do_not()
    {
        var pace = new ProposalPace();
        Assert.Equal(4, pace.Next(16));
        pace.Came(4, 4);
        Assert.Equal(8, pace.Next(16));
        Assert.Equal(5, pace.Next(5));
        pace.Came(8, 2);
        Assert.Equal(3, pace.Next(16));
        pace.Came(3, 0);
        Assert.Equal([0, 0, 4], new[] { pace.Next(16), pace.Next(16), pace.Next(16) });
        pace.Came(4, 0);
        Assert.Equal(0, Enumerable.Range(0, 4).Sum(_ => pace.Next(16)));
        Assert.Equal(4, pace.Next(16));
    }
}
