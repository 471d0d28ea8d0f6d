using Fairlead.Domain.Ledger;

namespace Fairlead.Storage.Journal;

/// <summary>Appending: the queue, the one writer, and what happens when the disk fails.</summary>
public sealed partial class RequestJournal
{
    /// <summary>Each segment that waits for the store is an open file. Ordinary segments reach the limit in bytes long before this one; it is for a disk
    /// that fails every fsync and so gets a new segment each second.</summary>
    private const int MostSegments = 512;

    private static readonly TimeSpan ProbeEvery = TimeSpan.FromSeconds(1);

    private AppendBatch _filling = new();
    private AppendBatch _spare = new();
    private bool _writing;
    private TaskCompletionSource? _idle;
    private Exception? _failure;
    private long _lastAttempt;
    private bool _tornTail;
    private bool _syncScheduled;

    private ValueTask Append(RequestReserved? reserved, RequestClosed? closed)
    {
        AppendBatch mine;
        lock (_gate)
        {
            ThrowIfRefused(reserved is not null);
            if (reserved is not null)
                _filling.Add(reserved);
            else
                _filling.Add(closed!);

            // An fsync takes milliseconds: strict callers always wait aside, and one fsync serves all who came meanwhile.
            if (_writing || _options.Strict)
            {
                AppendWaiter waiter = _waiters.Rent();
                _filling.Add(waiter);
                if (!_writing)
                {
                    _writing = true;
                    ThreadPool.UnsafeQueueUserWorkItem(_drain, preferLocal: false);
                }
                return waiter.Task;
            }
            _writing = true;
            mine = TakeFillingNeedsLock();
        }
        JournalUnavailableException? failure = WriteBatch(mine);
        mine.Finish(failure);
        lock (_gate)
        {
            _spare = mine;
            if (_filling.IsEmpty)
                StopWritingNeedsLock();
            else
                ThreadPool.UnsafeQueueUserWorkItem(_drain, preferLocal: false); // others came meanwhile: this caller does not work for them
        }
        return failure is null ? ValueTask.CompletedTask : ValueTask.FromException(failure);
    }

    private void Drain()
    {
        while (true)
        {
            AppendBatch batch;
            lock (_gate)
            {
                if (_filling.IsEmpty)
                {
                    StopWritingNeedsLock();
                    return;
                }
                batch = TakeFillingNeedsLock();
            }
            batch.Finish(WriteBatch(batch));
            lock (_gate)
                _spare = batch;
        }
    }

    private void StopWritingNeedsLock()
    {
        _writing = false;
        _idle?.TrySetResult();
    }

    private AppendBatch TakeFillingNeedsLock()
    {
        AppendBatch taken = _filling;
        _filling = _spare;
        return taken;
    }

    private void ThrowIfRefused(bool isReservation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        long most = _options.MaxUnshippedBytes;
        if (_unshippedBytes >= (isReservation ? most : most + (most / 8)))
            throw new JournalUnavailableException($"{_unshippedBytes} bytes of the journal wait for the store; the limit is {most}");
        if (isReservation && _segments.Count >= MostSegments)
            throw new JournalUnavailableException($"{_segments.Count} files of the journal wait for the store, the limit");
        if (_failure is null)
            return;
        // One append a second tries whether the disk is well again; the others are told at once.
        long now = _time.GetTimestamp();
        if (_time.GetElapsedTime(_lastAttempt, now) < ProbeEvery)
            throw Unavailable(_failure);
        _lastAttempt = now;
    }

    /// <summary>Only the one writer calls this. All of the batch is written, or none of it counts.</summary>
    private JournalUnavailableException? WriteBatch(AppendBatch batch)
    {
        try
        {
            MendTornTail();
            if (_current.Poisoned || (_current.Length > Segment.HeaderBytes && _current.Length + batch.Bytes.Length > _options.SegmentBytes))
                BeginSegment();
            Segment segment = _current;
            _tornTail = true; // until the write has succeeded, nobody knows how much of it the file has
            segment.File.Write(batch.Bytes, segment.Length);
            if (_options.Strict)
                SyncOrPoison(segment);
            _tornTail = false;
            bool recovered;
            lock (_gate)
            {
                ApplyNeedsLock(segment, batch);
                recovered = _failure is not null;
                _failure = null;
            }
            if (recovered)
                LogRecovered(segment.Path);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e);
            try
            {
                MendTornTail();
            }
            catch (Exception again) when (again is IOException or UnauthorizedAccessException)
            {
                // It stays marked as torn: nothing is written before the next attempt has cut it.
                LogTornTailStays(again, _current.Path);
            }
            return Unavailable(e);
        }
    }

    private void MendTornTail()
    {
        if (!_tornTail)
            return;
        _current.File.SetLength(_current.Length);
        _tornTail = false;
    }

    private void SyncOrPoison(Segment segment)
    {
        try
        {
            segment.File.Sync();
        }
        catch (IOException)
        {
            segment.Poisoned = true;
            throw;
        }
        segment.SyncedLength = long.MaxValue; // strict: whatever is acknowledged is synced
    }

    private void BeginSegment()
    {
        int number = _current.Number + 1;
        string path = Path.Combine(_options.Folder, Segment.FileName(number));
        // Left behind by an attempt that failed half-way; nothing in it was acknowledged.
        File.Delete(path);
        SegmentFile file = _openFile(path, true);
        try
        {
            file.Write(Segment.Header(number), 0);
            if (_options.Strict)
                file.Sync();
            DataFolder.SyncFolder(_options.Folder);
        }
        catch
        {
            file.Dispose();
            File.Delete(path);
            throw;
        }
        lock (_gate)
        {
            _current = new Segment(number, path, file, Segment.HeaderBytes) { SyncedLength = _options.Strict ? long.MaxValue : 0 };
            _segments.Add(number, _current);
        }
    }

    private void ApplyNeedsLock(Segment segment, AppendBatch batch)
    {
        List<AppendBatch.Written> records = batch.Records;
        for (int i = 0; i < records.Count; i++)
        {
            AppendBatch.Written record = records[i];
            if (record.Kind == RecordKind.Reserved)
            {
                // Written again, it moves to the newer segment: see CarryOldReservationsAsync.
                if (_open.TryGetValue(record.Id, out int older))
                    _segments[older].OpenReservations--;
                _open[record.Id] = segment.Number;
                segment.OpenReservations++;
                continue;
            }
            int end = i + 1 < records.Count ? records[i + 1].Start : batch.Bytes.Length;
            _index.Add(record.Id, new UnshippedIndex.Place(segment.Number, segment.Length + record.Start, end - record.Start));
            if (_open.Remove(record.Id, out int holder))
                _segments[holder].OpenReservations--;
        }
        segment.Length += batch.Bytes.Length;
        _unshippedBytes += batch.Bytes.Length;
        _waitingSince ??= _time.GetUtcNow();
        WakeShipperNeedsLock();
        if (!_options.Strict && !_syncScheduled)
        {
            _syncScheduled = true;
            _syncTimer.Change(_options.SyncEvery, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The grouped fsync of the default mode.</summary>
    private void SyncAll()
    {
        Segment[] dirty;
        lock (_gate)
        {
            _syncScheduled = false;
            dirty = [.. _segments.Values.Where(static segment => !segment.Poisoned && segment.SyncedLength < segment.Length)];
        }
        foreach (Segment segment in dirty)
        {
            long length = segment.Length; // may be behind by now, never ahead of what was written
            try
            {
                segment.File.Sync();
                segment.SyncedLength = length;
            }
            catch (ObjectDisposedException)
            {
                // Shipped and deleted meanwhile: the store has it.
            }
            catch (IOException e)
            {
                segment.Poisoned = true;
                Fail(e);
            }
        }
    }

    private void Fail(Exception e)
    {
        bool first;
        lock (_gate)
        {
            first = _failure is null;
            _failure = e;
            _lastAttempt = _time.GetTimestamp();
        }
        if (first)
            LogUnavailable(e, _options.Folder);
    }

    private static JournalUnavailableException Unavailable(Exception cause) => new($"the journal cannot be written: {cause.Message}", cause);

    private sealed class DrainWork(RequestJournal journal) : IThreadPoolWorkItem
    {
        public void Execute() => journal.Drain();
    }
}
