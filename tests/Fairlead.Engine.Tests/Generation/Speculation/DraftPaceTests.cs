using Fairlead.Engine.Generation.Speculation;

namespace Fairlead.Engine.Tests.Generation.Speculation;

public sealed class DraftPaceTests
{
    [Fact]
    public void A_draft_that_is_right_and_cheap_guesses_as_far_as_it_may()
    {
        var pace = default(DraftPace);
        for (int step = 0; step < 20; step++)
        {
            int guessed = Next(ref pace, 8, cost: 0.05);
            Assert.InRange(guessed, 1, 8);
            pace.Came(guessed, guessed);
        }

        Assert.Equal(8, Next(ref pace, 8, cost: 0.05));
        Assert.Equal(3, Next(ref pace, 3, cost: 0.05));
    }

    [Fact]
    public void The_more_a_guess_costs_the_fewer_are_made()
    {
        int[] lengths = [.. ((double[])[0.02, 0.1, 0.3, 0.6, 1]).Select(static cost =>
        {
            var pace = default(DraftPace);
            for (int step = 0; step < 40; step++)
                pace.Came(8, 4); // four of five that were judged
            return Next(ref pace, 15, cost);
        })];
        Assert.Equal(lengths.OrderDescending(), lengths);
        Assert.True(lengths[0] > 6 && lengths[2] is > 0 and < 4, string.Join(' ', lengths));
        Assert.Equal(0, lengths[^1]); // a draft as slow as the model saves nothing
    }

    [Fact]
    public void A_draft_that_is_wrong_pauses_longer_each_time_and_tries_one_token_then()
    {
        var pace = default(DraftPace);
        var steps = new List<int>();
        for (int step = 0; step < 1000; step++)
        {
            int guessed = Next(ref pace, 8, cost: 0.1);
            if (guessed == 0)
                continue;
            steps.Add(step);
            pace.Came(guessed, 0);
            if (steps.Count > 6)
                Assert.Equal(1, guessed);
        }

        int[] pauses = [.. steps.Skip(1).Zip(steps, static (later, earlier) => later - earlier)];
        Assert.Equal(pauses.Order(), pauses);
        Assert.InRange(pauses[^1], 64, 66);
    }

    [Fact]
    public void A_draft_that_comes_right_again_is_asked_again()
    {
        var pace = default(DraftPace);
        for (int step = 0; step < 300; step++)
        {
            if (Next(ref pace, 8, cost: 0.1) is > 0 and var wrong)
                pace.Came(wrong, 0);
        }

        int guesses = 0;
        for (int step = 0; step < 300; step++)
        {
            int guessed = Next(ref pace, 8, cost: 0.1);
            guesses += guessed;
            if (guessed > 0)
                pace.Came(guessed, guessed);
        }

        Assert.True(guesses > 500, $"{guesses} guesses in 300 steps");
        Assert.Equal(8, Next(ref pace, 8, cost: 0.1));
    }

    [Fact]
    public void Nothing_is_guessed_that_could_not_be_paid_for_and_a_shorter_guess_is_where_that_can()
    {
        var pace = default(DraftPace);
        for (int step = 0; step < 40; step++)
            pace.Came(8, 8);
        Assert.Equal(8, Next(ref pace, 8, cost: 0.1, credit: 1));
        Assert.Equal(5, Next(ref pace, 8, cost: 0.1, credit: 0.55));
        Assert.Equal(0, Next(ref pace, 8, cost: 0.1, credit: 0.05));
        Assert.Equal(0, Next(ref pace, 8, cost: 0.1, credit: 1, reading: 2));
        Assert.Equal(8, Next(ref pace, 8, cost: 0.1, credit: 3, reading: 2));
    }

    [Fact]
    public void A_text_is_not_read_for_fewer_tokens_than_that_would_pay_for()
    {
        var pace = default(DraftPace);
        for (int step = 0; step < 40; step++)
            pace.Came(8, 7);
        Assert.InRange(Next(ref pace, 8, cost: 0.2, reading: 10, ahead: 100), 1, 8);
        Assert.Equal(0, Next(ref pace, 8, cost: 0.2, reading: 10, ahead: 10));
    }

    [Fact]
    public void What_is_tried_after_a_pause_is_tried_until_it_is_judged()
    {
        // A long text is read in several steps before its first token can be guessed.
        var pace = default(DraftPace);
        while (Next(ref pace, 8, cost: 2) == 0)
            continue;
        for (int step = 0; step < 10; step++)
            Assert.Equal(1, Next(ref pace, 8, cost: 2));
        pace.Came(1, 0);
        Assert.Equal(0, Next(ref pace, 8, cost: 2));
    }

    [Fact]
    public void A_guess_that_only_one_of_many_answers_gains_by_has_to_be_that_much_cheaper()
    {
        double[] guessing = [.. Enumerable.Range(1, 8).Select(static guesses => 0.2 * guesses)];
        var pace = default(DraftPace);
        Assert.InRange(pace.Next(new DraftCosts(guessing, 1, 1, 0, 0), 100, 100), 1, 8);
        pace = default;
        Assert.Equal(0, pace.Next(new DraftCosts(guessing, 1, 8, 0, 0), 100, 100));
        pace = default;
        Assert.InRange(pace.Next(new DraftCosts(guessing, 8, 8, 0, 0), 100, 100), 1, 8);
    }

    /// <summary>One text alone, each guess of which costs the same.</summary>
    private static int Next(ref DraftPace pace, int most, double cost, double credit = 1000, double reading = 0, int ahead = 1000)
    {
        if (pace.Rests())
            return 0;
        double[] guessing = [.. Enumerable.Range(1, most).Select(guesses => cost * guesses)];
        return pace.Next(new DraftCosts(guessing, texts: 1, answers: 1, reading, reading), ahead, credit);
    }
}
