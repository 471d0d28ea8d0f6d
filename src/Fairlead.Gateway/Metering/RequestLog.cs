using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Storage.Journal;
using Fairlead.Storage.Ledger;

namespace Fairlead.Gateway.Metering;

/// <summary>Decision records: the newest are still in the journal, the others in the store.</summary>
internal sealed class RequestLog(RequestJournal journal, LedgerStore store)
{
    /// <summary>The record of a closed request; null for one that is unknown or still under way.</summary>
    public ValueTask<RequestClosed?> FindAsync(RequestId id, CancellationToken cancellationToken) =>
        journal.TryFind(id, out RequestClosed? closed)
            ? ValueTask.FromResult<RequestClosed?>(closed)
            : new ValueTask<RequestClosed?>(Task.Run(() => store.Find(id), cancellationToken)); // SQLite blocks: not on the thread of a socket
}
