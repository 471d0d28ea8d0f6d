using Fairlead.Domain.Fleet;
using Fairlead.Fleet.Turns;
using Fairlead.Fleet.Workers;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet.Asks;

/// <summary>Gives requests their places, and takes them back.</summary>
internal sealed class Leases(Mail mail, ILogger log)
{
    public WorkerLease New(RunningWorker worker, long ask, TimeSpan waited, bool wasCold) => new(this, worker, worker.Process!, ask, waited, wasCold);

    /// <summary>A request has left its place.</summary>
    public void Return(RunningWorker worker, long ask) => mail.Post(new FleetEvent.Ended(ask), worker);

    /// <summary>A place was lost: the runtime has found its lease, which nobody disposed.</summary>
    public void TakeBack(RunningWorker worker, long ask)
    {
        log.LogLost(worker.Model.Name);
        ThreadPool.UnsafeQueueUserWorkItem(static lost => lost.Leases.Return(lost.Worker, lost.Ask), (Leases: this, Worker: worker, Ask: ask), preferLocal: false); // not on the runtime's own thread
    }
}
