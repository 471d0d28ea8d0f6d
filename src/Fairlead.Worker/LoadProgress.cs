namespace Fairlead.Worker;

/// <summary>Tells how far a load is: to <c>/health</c> always, on standard output at most every 100 ms.</summary>
internal sealed class LoadProgress(Readiness readiness, WorkerEvents events, TimeProvider time) : IProgress<double>
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    private long? _told;

    /// <summary>From the thread that loads.</summary>
    public void Report(double value)
    {
        // 1 is said with "ready": until then the weights are there and nobody answers.
        double share = Math.Min(value, 0.99);
        if (share <= readiness.Progress)
            return;
        readiness.Progress = share;
        if (_told is { } last && time.GetElapsedTime(last) < Between)
            return;
        _told = time.GetTimestamp();
        events.Progress(share);
    }
}
