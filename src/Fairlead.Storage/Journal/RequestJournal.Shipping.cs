using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;

namespace Fairlead.Storage.Journal;

/// <summary>What the shipper sees: reading on from a position, waiting for more, and letting go of what the store has.</summary>
public sealed partial class RequestJournal
{
    private const int CarryBeyondSegments = 4;

    private readonly SemaphoreSlim _moreWritten = new(0, 1);
    private bool _shipperWaits;

    /// <summary>Where the oldest record stands that the store is not known to have.</summary>
    internal JournalPosition Shipped
    {
        get
        {
            lock (_gate)
                return _shipped;
        }
    }

    /// <summary>Takes the store's word for where it is; <paramref name="position"/> null means it has taken nothing yet.</summary>
    internal JournalPosition ResumeAt(JournalPosition? position)
    {
        lock (_gate)
        {
            if (position is { } known && known.CompareTo(_shipped) > 0)
            {
                // A store that is ahead of the journal: its folder was emptied or restored. Nothing written from now on may stand before the mark.
                _shipped = known.CompareTo(EndNeedsLock()) > 0 ? _shipped : known;
                _index.RemoveBefore(_shipped);
                CountUnshipped();
            }
            DeleteShippedNeedsLock();
            return _shipped;
        }
    }

    /// <summary>Reads up to <paramref name="most"/> records from <paramref name="from"/> on and returns where it stopped.</summary>
    /// <exception cref="JournalFormatException">Damage that was not there at open.</exception>
    internal JournalPosition Read(JournalPosition from, int most, List<JournalRecord> into)
    {
        while (into.Count < most)
        {
            Segment? segment;
            long end;
            int next;
            lock (_gate)
            {
                if (!_segments.TryGetValue(from.Segment, out segment))
                    throw new JournalFormatException($"segment {Segment.FileName(from.Segment)} is missing");
                end = segment.Length;
                int index = _segments.IndexOfKey(from.Segment);
                next = index + 1 < _segments.Count ? _segments.Keys[index + 1] : 0;
            }
            using var reader = new SegmentReader(segment.File, from.Offset, end);
            while (into.Count < most && reader.TryNext(out ReadOnlySpan<byte> frame))
            {
                ReadOnlySpan<byte> payload = frame[RecordFrame.HeaderBytes..];
                (RecordKind kind, RequestId id) = RecordCodec.Peek(payload);
                if (kind != RecordKind.Hole)
                    into.Add(new JournalRecord(kind, id, payload.ToArray()));
            }
            from = new JournalPosition(from.Segment, reader.Offset);
            if (into.Count >= most)
                break;
            if (from.Offset < end)
                throw new JournalFormatException($"segment {segment.Path} is damaged at offset {from.Offset}");
            if (next == 0)
                break;
            from = new JournalPosition(next, Segment.HeaderBytes);
        }
        return from;
    }

    /// <summary>The store has everything before <paramref name="position"/>, which is where these records were read.</summary>
    /// <returns>Where to read on: the same place, but in the next segment where the one that was read to its end is deleted by this.</returns>
    internal JournalPosition Acknowledge(JournalPosition position, List<JournalRecord> records)
    {
        lock (_gate)
        {
            _shipped = position;
            foreach (JournalRecord record in records)
            {
                if (record.Kind == RecordKind.Closed)
                    _index.Remove(record.Id, position);
            }
            CountUnshipped();
            _waitingSince = _unshippedBytes > 0 ? _time.GetUtcNow() : null;
            DeleteShippedNeedsLock();
            return _shipped;
        }
    }

    /// <summary>Returns when something stands behind <paramref name="position"/>.</summary>
    internal async Task WaitForMoreAsync(JournalPosition position, CancellationToken cancellationToken)
    {
        while (true)
        {
            lock (_gate)
            {
                if (EndNeedsLock().CompareTo(position) > 0)
                    return;
                _shipperWaits = true;
            }
            await _moreWritten.WaitAsync(cancellationToken);
        }
    }

    private JournalPosition EndNeedsLock() => new(_current.Number, _current.Length);

    private void WakeShipperNeedsLock()
    {
        if (!_shipperWaits)
            return;
        _shipperWaits = false;
        if (_moreWritten.CurrentCount == 0)
            _moreWritten.Release();
    }

    /// <summary>A request that never ends would keep its segment and all after it. Once several wait for it, its reservation is written again
    /// at the end, and that record keeps the newer segment instead.</summary>
    internal async ValueTask CarryOldReservationsAsync()
    {
        Segment oldest;
        lock (_gate)
        {
            oldest = _segments.Values[0];
            if (_segments.Count <= CarryBeyondSegments || oldest.OpenReservations == 0)
                return;
        }
        foreach (RequestReserved reserved in OpenReservationsOf(oldest))
            await AppendAsync(reserved);
    }

    private List<RequestReserved> OpenReservationsOf(Segment segment)
    {
        var open = new List<RequestReserved>();
        using var reader = new SegmentReader(segment.File, Segment.HeaderBytes, segment.Length);
        while (reader.TryNext(out ReadOnlySpan<byte> frame))
        {
            ReadOnlySpan<byte> payload = frame[RecordFrame.HeaderBytes..];
            (RecordKind kind, RequestId id) = RecordCodec.Peek(payload);
            if (kind != RecordKind.Reserved)
                continue;
            bool here;
            lock (_gate)
                here = _open.TryGetValue(id, out int holder) && holder == segment.Number;
            if (here)
                open.Add(RecordCodec.ReadReserved(payload));
        }
        return open;
    }

    private void DeleteShippedNeedsLock()
    {
        // Oldest first and none out of turn: a close must not go before the reservation that it answers, or a restart would find that open.
        while (_segments.Count > 1)
        {
            Segment segment = _segments.Values[0];
            if (segment.OpenReservations > 0 || new JournalPosition(segment.Number, segment.Length).CompareTo(_shipped) > 0)
                break;
            try
            {
                File.Delete(segment.Path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogNotDeleted(e, segment.Path);
                break;
            }
            _segments.RemoveAt(0);
            segment.File.Dispose();
        }
        // The segment that was read to its end may be gone; the position moves on with it.
        if (_shipped.Segment < _segments.Keys[0])
            _shipped = new JournalPosition(_segments.Keys[0], Segment.HeaderBytes);
    }
}
