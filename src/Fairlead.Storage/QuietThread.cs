using System.Collections.Concurrent;

namespace Fairlead.Storage;

/// <summary>One thread at a low priority, for work behind the requests: on a busy processor a request that has something to do comes first.</summary>
/// <remarks>A task that is started here stays here over its awaits. .NET's thread priorities do nothing on Linux, so the kernel is told (nice 10: a
/// tenth of a processor that others want, all of one that nobody wants). Without it a batch on its way to the store held a request of 60 µs up
/// for a scheduler's slice, milliseconds, on a machine of one core.</remarks>
internal sealed class QuietThread : TaskScheduler, IDisposable
{
    private const int Nice = 10;
    private readonly BlockingCollection<Task> _waiting = [];
    private readonly Thread _thread;

    public QuietThread(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Ends the thread when what is queued has run; call it after the last task has ended.</summary>
    public void Dispose()
    {
        _waiting.CompleteAdding();
        _thread.Join();
        _waiting.Dispose();
    }

    protected override void QueueTask(Task task) => _waiting.Add(task);

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false; // only ever on the thread

    protected override IEnumerable<Task> GetScheduledTasks() => _waiting;

    private void Run()
    {
        Libc.LowerPriorityOfThisThread(Nice);
        foreach (Task task in _waiting.GetConsumingEnumerable())
            TryExecuteTask(task);
    }
}
