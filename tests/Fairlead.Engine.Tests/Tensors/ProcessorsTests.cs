using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Tensors;

public sealed class ProcessorsTests
{
    [Fact]
    public void Of_two_hardware_threads_of_a_core_the_first_that_is_allowed_counts()
    {
        string?[] neighbours = ["0-1", "0-1", "2-3", "2-3", null, null];
        Assert.Equal([0, 2, 4, 5], Processors.OnePerCore([0, 1, 2, 3, 4, 5], processor => neighbours[processor]));
        Assert.Equal([1, 3], Processors.OnePerCore([1, 3], processor => neighbours[processor]));
        string[] apart = ["0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7"];
        Assert.Equal([0, 1, 2, 3], Processors.OnePerCore(Enumerable.Range(0, 8), processor => apart[processor]));
    }

    [Theory]
    [InlineData("0", 1)]
    [InlineData("0-3", 4)]
    [InlineData("0-3,8,10-11", 7)]
    [InlineData("", 0)]
    [InlineData("3-0", 0)]
    [InlineData("0-1-2", 0)]
    [InlineData("0-99999999", 0)]
    [InlineData("a", 0)]
    public void A_list_of_processors_names_so_many(string list, int count) => Assert.Equal(count, Processors.Count(list));

    [Fact]
    public void There_are_as_many_threads_as_cores_and_no_more_than_the_process_may_use()
    {
        Assert.InRange(Processors.DefaultThreads, 1, Environment.ProcessorCount);
        if (OperatingSystem.IsLinux())
            Assert.InRange(Processors.Cores.Length, 1, 8192);
    }

    [Fact]
    public void A_thread_that_is_bound_runs_on_its_processor_and_the_others_stay_free()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Processors.Cores.Length > 1, "there is one core, or nobody knows");
        var seen = new List<int>();
        var thread = new Thread(() =>
        {
            Processors.BindThisThread(Processors.Cores[^1]);
            for (int i = 0; i < 1000; i++)
                seen.Add(Thread.GetCurrentProcessorId());
        });
        thread.Start();
        thread.Join();
        Assert.All(seen, static processor => Assert.Equal(Processors.Cores[^1], processor));
    }
}
