using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

public sealed class ScoresTests
{
    private const float Forbidden = float.NegativeInfinity;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(640)]
    [InlineData(5003)]
    public void Best_sum_and_order_are_those_of_plain_arithmetic(int length)
    {
        var random = new Random(length);
        float[] scores = [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() * 40) - 20))];
        for (int i = 1; i < length; i += 5)
            scores[i] = i % 2 == 0 ? Forbidden : scores[0]; // ties and holes
        var weights = new float[length];
        float max = Scores.Max(scores);
        double sum = Scores.Exponentials(scores, max, 0.5f, weights);

        Assert.Equal(scores.Max(), max);
        Assert.Equal(Array.IndexOf(scores, max), Scores.Best(scores));
        double expected = scores.Sum(score => Math.Exp((score - (double)max) * 0.5));
        Assert.InRange(sum / expected, 1 - 1e-5, 1 + 1e-5);
        Assert.All(scores.Zip(weights), pair => Assert.True(pair.First != Forbidden || pair.Second == 0));

        int[] order = [.. Enumerable.Range(0, length).Where(i => scores[i] != Forbidden).OrderByDescending(i => scores[i]).ThenBy(static i => i)];
        foreach (int count in (int[])[1, 2, 20, length])
        {
            var keys = new ulong[length];
            int kept = Scores.Largest(scores, count, keys);
            Assert.Equal(order.Take(count), keys.Take(kept).Select(Scores.Token));
        }
    }

    [Fact]
    public void A_score_that_is_no_number_is_seen_wherever_it_stands()
    {
        for (int at = 0; at < 19; at++)
        {
            var scores = new float[19];
            scores[at] = float.NaN;
            Assert.True(float.IsNaN(Scores.Max(scores)));
            Assert.Equal(-1, Scores.Best(scores));
        }

        Assert.Equal(-1, Scores.Best([Forbidden, Forbidden]));
    }

    [Fact]
    public void Minus_zero_and_zero_are_one_score_and_the_lower_id_is_the_better_one()
    {
        Assert.True(Scores.Key(0f, 1) > Scores.Key(-0f, 0));
        Assert.True(Scores.Key(-0f, 1) > Scores.Key(0f, 0));
        Assert.True(Scores.Key(float.Epsilon, 9) < Scores.Key(0f, 0));
        Assert.True(Scores.Key(-1f, 0) < Scores.Key(-2f, 0));
    }
}
