using System.Diagnostics.CodeAnalysis;
using Fairlead.Fleet.Asks;
using Fairlead.Fleet.Workers;

namespace Fairlead.Fleet;

/// <summary>A request's place in a worker, until it is disposed. Disposing it twice, or from any thread, does no harm.</summary>
public sealed class WorkerLease : IDisposable
{
    private readonly RunningWorker _worker;
    private readonly long _ask;
    private Leases? _leases;

    internal WorkerLease(Leases leases, RunningWorker worker, WorkerProcess process, long ask, TimeSpan waited, bool wasCold)
    {
        _leases = leases;
        _worker = worker;
        _ask = ask;
        Worker = process;
        Waited = waited;
        WasCold = wasCold;
    }

    /// <summary>A place that nobody gives back would keep its slot taken, and its model loaded, for good: it is given back when the runtime finds it, and said so.</summary>
    [SuppressMessage("Design", "MA0055:Do not use finalizer", Justification = "The one way to see that a place was lost.")]
    ~WorkerLease() => Interlocked.Exchange(ref _leases, null)?.TakeBack(_worker, _ask);

    /// <summary>Where the request goes.</summary>
    public WorkerProcess Worker { get; }

    /// <summary>From the ask to the place.</summary>
    public TimeSpan Waited { get; }

    /// <summary>Whether the model was not ready when this was asked for.</summary>
    public bool WasCold { get; }

    /// <summary>Why the worker has died, with its last words, where it has or does so within <paramref name="patience"/>: a connection that breaks is seen
    /// before its process is gone. Null where it lives. Told when the fleet knows it too, so that whoever asks for a place then gets none in the dead.</summary>
    public async ValueTask<string?> DeathAsync(TimeSpan patience)
    {
        if (!await Worker.EndsWithinAsync(patience))
            return null;
        await _worker.Buried;
        return Worker.Epitaph();
    }

    /// <summary>The request has left its place, however it ended.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _leases, null)?.Return(_worker, _ask);
        GC.SuppressFinalize(this);
    }
}
