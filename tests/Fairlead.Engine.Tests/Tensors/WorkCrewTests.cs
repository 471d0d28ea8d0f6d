using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Tensors;

public sealed class WorkCrewTests
{
    /// <summary>For what would never come: a thread may get a core only now and then.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_part_is_done_once_in_each_of_ten_thousand_pieces_of_work(int threads)
    {
        using var crew = new WorkCrew(threads);
        int[] done = new int[17];
        for (int i = 1; i <= 10_000; i++)
        {
            crew.Run(1 + (i % 17), new Count(done));
            int expected = Enumerable.Range(1, i).Count(round => round % 17 >= 16);
            if (i % 1000 == 0)
                Assert.Equal(expected, done[16]);
        }

        Assert.Equal(10_000, done[0]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Of_small_parts_a_thread_does_several_together_and_each_is_done_once(int threads)
    {
        using var crew = new WorkCrew(threads);
        int[] done = new int[101];
        for (int i = 1; i <= 10_000; i++)
        {
            crew.Share(1 + (i % 101), new CountRun(done), default);
            if (i % 1000 == 0)
                Assert.Equal(Enumerable.Range(1, i).Count(static round => round % 101 >= 50), done[50]);
        }

        Assert.Equal(10_000, done[0]);
    }

    [Fact]
    public void Threads_that_have_gone_to_sleep_come_back_for_work()
    {
        using var crew = new WorkCrew(4);
        for (int round = 0; round < 20; round++)
        {
            // Four parts that wait for each other are done only if four threads do them, however long ago the last work was.
            using var barrier = new Barrier(4);
            crew.Run(4, new Meet(barrier));
            Assert.True(SpinWait.SpinUntil(() => crew.Sleeping == 3, s_patience));
        }
    }

    [Fact]
    public void An_exception_in_a_part_reaches_the_caller_after_the_other_parts_are_done()
    {
        using var crew = new WorkCrew(3);
        int[] done = new int[50];
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => crew.Run(50, new Fail(done, 20)));
        Assert.Equal("part 20", e.Message);
        Assert.Equal(49, done.Sum());
        crew.Run(50, new Count(done));
        Assert.Equal(99, done.Sum());
    }

    [Fact]
    public void Work_within_work_is_refused_rather_than_waited_for()
    {
        using var crew = new WorkCrew(2);
        Assert.Throws<InvalidOperationException>(() => crew.Run(2, new Nested(crew)));
    }

    [Fact]
    public void A_crew_that_has_ended_takes_no_work()
    {
        var crew = new WorkCrew(2);
        crew.Dispose();
        Assert.Throws<ObjectDisposedException>(() => crew.Run(2, new Count(new int[2])));
    }

    private readonly struct Count(int[] done) : IWork
    {
        public void Do(int part) => Interlocked.Increment(ref done[part]);
    }

    private readonly struct CountRun(int[] done) : IRowWork
    {
        public void Do(int first, int end)
        {
            for (int part = first; part < end; part++)
                Interlocked.Increment(ref done[part]);
        }
    }

    private readonly struct Meet(Barrier barrier) : IWork
    {
        public void Do(int part) => Assert.True(barrier.SignalAndWait(s_patience));
    }

    private readonly struct Fail(int[] done, int bad) : IWork
    {
        public void Do(int part)
        {
            if (part == bad)
                throw new InvalidDataException($"part {part}");
            Interlocked.Increment(ref done[part]);
        }
    }

    private readonly struct Nested(WorkCrew crew) : IWork
    {
        public void Do(int part) => crew.Run(2, new Count(new int[2]));
    }
}
