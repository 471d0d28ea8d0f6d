using Fairlead.Engine.Architectures.Encoders;

namespace Fairlead.Engine.Tests.Architectures.Encoders;

public sealed class TextGroupTests
{
    [Fact]
    public void One_thread_takes_texts_in_their_order_as_many_at_a_time_as_fit()
    {
        List<TextGroup> groups = [new(9, 9, 9, 9)];
        Assert.Equal(0, TextGroup.Cut([100, 100, 100, 300, 5], 256, 1, groups));
        Assert.Equal([new(0, 2, 0, 200), new(2, 1, 200, 100), new(3, 1, 300, 300), new(4, 1, 600, 5)], groups);
    }

    [Fact]
    public void Threads_take_as_many_equal_groups_each_and_the_rest_together()
    {
        List<TextGroup> groups = [];
        Assert.Equal(4, TextGroup.Cut([128, 128, 128, 128, 128], 256, 2, groups));
        Assert.Equal(5, groups.Count);
        Assert.Equal(0, TextGroup.Cut([128], 256, 2, groups));
        Assert.Equal(0, TextGroup.Cut([128, 128], 256, 3, groups));
        Assert.Equal([new(0, 2, 0, 256)], groups);
    }

    [Fact]
    public void Where_one_thread_would_have_much_more_to_do_all_work_together()
    {
        List<TextGroup> groups = [];
        Assert.Equal(0, TextGroup.Cut([200, 8], 256, 2, groups));
        Assert.Equal([new(0, 2, 0, 208)], groups);
        Assert.Equal(0, TextGroup.Cut([500, 100, 100, 100], 256, 2, groups));
        Assert.Equal([new(0, 1, 0, 500), new(1, 2, 500, 200), new(3, 1, 700, 100)], groups);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(16)]
    public void Every_text_is_in_one_group_and_those_apart_come_longest_first_and_are_even(int threads)
    {
        var random = new Random(threads);
        int batchesApart = 0;
        for (int batch = 0; batch < 500; batch++)
        {
            int[] lengths = [.. Enumerable.Range(0, random.Next(1, 80)).Select(_ => random.Next(1, 1 + random.Next(1, 300)))];
            List<TextGroup> groups = [];
            int apart = TextGroup.Cut(lengths, 256, threads, groups);
            int text = 0, row = 0;
            foreach (TextGroup group in groups.OrderBy(static group => group.Text))
            {
                Assert.Equal((text, row, lengths.Skip(text).Take(group.Texts).Sum()), (group.Text, group.Row, group.Rows));
                Assert.True(group.Texts == 1 || group.Rows <= 256);
                (text, row) = (text + group.Texts, row + group.Rows);
            }

            Assert.Equal(lengths.Length, text);
            Assert.Equal(0, apart % threads);
            if (apart == 0)
                continue;
            batchesApart++;
            long[] loads = new long[threads];
            foreach (TextGroup group in groups.Take(apart))
                loads[Array.IndexOf(loads, loads.Min())] += group.Rows;
            Assert.InRange(loads.Max() * threads, loads.Sum(), loads.Sum() * 110 / 100);
            Assert.Equal(groups.Take(apart).Select(static group => group.Rows).OrderDescending(), groups.Take(apart).Select(static group => group.Rows));
        }

        Assert.Equal(threads == 1 ? 0 : 1, Math.Sign(batchesApart));
    }
}
