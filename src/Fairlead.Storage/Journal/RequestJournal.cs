using Fairlead.Domain.Ids;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Money;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Storage.Journal;

/// <summary>The local append-only record of what requests hold and cost. An append that returned is in the kernel's hands (or on the disk, when
/// strict), so the death of the process loses nothing that was acknowledged.</summary>
/// <remarks>Safe for any number of threads. Appends combine: whoever comes first writes everything that is queued with one write(2); an append
/// that finds nobody writing allocates nothing and completes on its own thread. docs/ledger.md says what survives what.</remarks>
public sealed partial class RequestJournal : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly JournalOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly SegmentFileOpener _openFile;
    private readonly SortedList<int, Segment> _segments = [];
    private readonly UnshippedIndex _index = new();
    private readonly Dictionary<RequestId, int> _open = []; // reservation without a close → its segment
    private readonly AppendWaiterPool _waiters = new();
    private readonly DrainWork _drain;
    private readonly ITimer _syncTimer;
    private Segment _current;
    private JournalPosition _shipped;
    private long _unshippedBytes;
    private DateTimeOffset? _waitingSince;
    private bool _disposed;

    private RequestJournal(JournalOptions options, TimeProvider time, ILogger log, SegmentFileOpener openFile, JournalRecovery found)
    {
        (_options, _time, _log, _openFile) = (options, time, log, openFile);
        foreach (Segment segment in found.Segments)
            _segments.Add(segment.Number, segment);
        foreach ((RequestId id, UnshippedIndex.Place place) in found.Closed)
            _index.Add(id, place);
        foreach ((RequestReserved reserved, int segment) in found.Dangling)
        {
            _open.Add(reserved.Id, segment);
            _segments[segment].OpenReservations++;
        }
        _current = found.Segments[^1];
        _shipped = new JournalPosition(found.Segments[0].Number, Segment.HeaderBytes);
        Dangling = [.. found.Dangling.Select(static pair => pair.Reserved)];
        Opening = found.Opening;
        CountUnshipped();
        _waitingSince = _unshippedBytes > 0 ? time.GetUtcNow() : null;
        _drain = new DrainWork(this);
        _syncTimer = time.CreateTimer(static journal => ((RequestJournal)journal!).SyncAll(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Opens the journal, cuts a torn tail off, puts damaged places into quarantine and finds the reservations that nobody closed.</summary>
    /// <exception cref="JournalFormatException">A segment or record of another version.</exception>
    /// <exception cref="IOException">The folder or a file cannot be read or written.</exception>
    public static RequestJournal Open(JournalOptions options, TimeProvider time, ILogger<RequestJournal>? log = null) =>
        Open(options, time, log, static (path, create) => new SegmentFile(path, create));

    internal static RequestJournal Open(JournalOptions options, TimeProvider time, ILogger? log, SegmentFileOpener openFile)
    {
        log ??= NullLogger.Instance;
        JournalRecovery found = JournalRecovery.Run(options.Folder, openFile);
        var journal = new RequestJournal(options, time, log, openFile, found);
        if (found.Opening.TornBytes > 0)
            journal.LogTornTail(found.Opening.TornBytes, journal._current.Path);
        foreach (JournalDamage damage in found.Opening.Damages)
            journal.LogDamage(damage.Length, damage.Offset, damage.Segment, damage.Quarantine);
        return journal;
    }

    /// <summary>Reservations without a close that were found at open, oldest first. Close each with <see cref="InterruptedRequest.Close"/>.</summary>
    public IReadOnlyList<RequestReserved> Dangling { get; }

    /// <summary>What was found at open.</summary>
    public JournalOpening Opening { get; }

    /// <summary>How it is now.</summary>
    public JournalHealth Health
    {
        get
        {
            lock (_gate)
            {
                return new JournalHealth(
                    _unshippedBytes, _index.Count, _waitingSince, _failure?.Message,
                    _unshippedBytes >= _options.MaxUnshippedBytes || _segments.Count >= MostSegments, _segments.Count);
            }
        }
    }

    /// <summary>Records that money is held. Returns when the write is done (strict: when it is on the disk).</summary>
    /// <exception cref="JournalUnavailableException">Not written; nothing may be dispatched.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative amount.</exception>
    public ValueTask AppendAsync(RequestReserved record)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(record.Amount, NanoDollars.Zero, nameof(record));
        return Append(record, null);
    }

    /// <summary>Records how a request ended. Returns when the write is done (strict: when it is on the disk).</summary>
    /// <exception cref="JournalUnavailableException">Not written: the request stays reserved, and unless the close is appended again later
    /// the next start closes it as interrupted.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative amount, or a negative time.</exception>
    public ValueTask AppendAsync(RequestClosed record)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(record.Reserved, NanoDollars.Zero, nameof(record));
        ArgumentOutOfRangeException.ThrowIfLessThan(record.Charged, NanoDollars.Zero, nameof(record));
        ArgumentOutOfRangeException.ThrowIfLessThan(record.WrittenOff, NanoDollars.Zero, nameof(record));
        ArgumentOutOfRangeException.ThrowIfLessThan(record.Waste, NanoDollars.Zero, nameof(record));
        ArgumentOutOfRangeException.ThrowIfLessThan(record.Usage.ComputeTime, TimeSpan.Zero, nameof(record));
        return Append(null, record);
    }

    /// <summary>Finds a closed request that the store has not taken. Look here first and in the store after: a record leaves here only once the store has it.</summary>
    public bool TryFind(RequestId id, out RequestClosed closed)
    {
        closed = null!;
        UnshippedIndex.Place place;
        Segment? segment;
        lock (_gate)
        {
            if (!_index.TryGet(id, out place) || !_segments.TryGetValue(place.Segment, out segment))
                return false;
        }
        try
        {
            using var reader = new SegmentReader(segment.File, place.Offset, place.Offset + place.Length);
            if (!reader.TryNext(out ReadOnlySpan<byte> frame))
                throw new JournalFormatException($"the record of {id} in {Segment.FileName(place.Segment)} at {place.Offset} has gone bad");
            closed = RecordCodec.ReadClosed(frame[RecordFrame.HeaderBytes..]);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false; // shipped and deleted since the look-up: the store has it
        }
    }

    /// <summary>Waits for the write under way, syncs and closes the files. Appends are refused from the beginning of this call.</summary>
    public async ValueTask DisposeAsync()
    {
        Task idle;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            idle = _writing ? (_idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }
        await idle;
        await _syncTimer.DisposeAsync(); // waits for a sync under way
        SyncAll();
        _moreWritten.Dispose();
        foreach (Segment segment in _segments.Values)
            segment.File.Dispose();
    }

    private void CountUnshipped()
    {
        long bytes = 0;
        foreach (Segment segment in _segments.Values)
        {
            if (segment.Number > _shipped.Segment)
                bytes += segment.Length - Segment.HeaderBytes;
            else if (segment.Number == _shipped.Segment)
                bytes += segment.Length - _shipped.Offset;
        }
        _unshippedBytes = bytes;
    }
}
