using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Tensors;

public sealed class ThreadPlaceTests
{
    [Fact]
    public void A_sleeping_thread_loses_the_processor_of_who_wakes_it_and_gets_it_back()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.ProcessorCount > 1, "there is one processor, or nobody knows");
        ThreadPlace? place = null;
        using ManualResetEventSlim asleep = new(), awake = new();
        ulong[] before = [], meanwhile = [], after = [];
        var thread = new Thread(() =>
        {
            place = ThreadPlace.OfThisThread();
            before = Allowed();
            asleep.Set();
            awake.Wait(TestContext.Current.CancellationToken);
            meanwhile = Allowed();
            place!.Restore();
            after = Allowed();
        });
        thread.Start();
        asleep.Wait(TestContext.Current.CancellationToken);
        place!.LeaveOutThisProcessor();
        place.LeaveOutThisProcessor(); // a second waker takes no second processor
        awake.Set();
        thread.Join();
        Assert.Equal(Count(before) - 1, Count(meanwhile));
        Assert.Equal(before, after);
    }

    [Fact]
    public async Task The_only_processor_of_a_thread_is_left_to_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Processors.Cores.Length > 0, "nobody knows the processors");
        await Task.Factory.StartNew(
            static () =>
            {
                Processors.BindThisThread(Processors.Cores[0]);
                ThreadPlace place = ThreadPlace.OfThisThread()!;
                ulong[] before = Allowed();
                place.LeaveOutThisProcessor(); // its own
                Assert.Equal(1, Count(before));
                Assert.Equal(before, Allowed());
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning, // the thread stays bound, and ends
            TaskScheduler.Default);
    }

    private static int Count(ulong[] processors) => processors.Sum(static word => (int)ulong.PopCount(word));

    private static unsafe ulong[] Allowed()
    {
        ulong[] processors = new ulong[Processors.MostProcessors / 64];
        fixed (ulong* mask = processors)
            Assert.True(Processors.GetAffinity(0, processors.Length * sizeof(ulong), mask) >= 0);
        return processors;
    }
}
