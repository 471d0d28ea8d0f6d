using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;

namespace Fairlead.Storage.Journal;

/// <summary>Records that go to the file in one write, and who waits for it.</summary>
internal sealed class AppendBatch
{
    private readonly PayloadWriter _bytes = new();
    private readonly List<Written> _records = [];
    private readonly List<AppendWaiter> _waiters = [];

    /// <summary>A record's place in the batch.</summary>
    internal readonly record struct Written(RecordKind Kind, RequestId Id, int Start);

    public ReadOnlySpan<byte> Bytes => _bytes.Written;

    public List<Written> Records => _records;

    public bool IsEmpty => _records.Count == 0;

    public void Add(RequestReserved record)
    {
        int start = _bytes.Length;
        try
        {
            RecordCodec.Write(_bytes, record);
        }
        catch
        {
            _bytes.Truncate(start); // half a record would damage its neighbours
            throw;
        }
        _records.Add(new Written(RecordKind.Reserved, record.Id, start));
    }

    public void Add(RequestClosed record)
    {
        int start = _bytes.Length;
        try
        {
            RecordCodec.Write(_bytes, record);
        }
        catch
        {
            _bytes.Truncate(start);
            throw;
        }
        _records.Add(new Written(RecordKind.Closed, record.Id, start));
    }

    public void Add(AppendWaiter waiter) => _waiters.Add(waiter);

    /// <summary>Tells everybody who waits, then forgets all.</summary>
    public void Finish(JournalUnavailableException? failure)
    {
        foreach (AppendWaiter waiter in _waiters)
            waiter.Complete(failure);
        _waiters.Clear();
        _records.Clear();
        _bytes.Clear();
    }
}
