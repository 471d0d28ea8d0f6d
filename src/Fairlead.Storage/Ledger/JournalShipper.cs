using Fairlead.Storage.Journal;
using Fairlead.Storage.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Storage.Ledger;

/// <summary>Moves the journal into the store: one loop, batches of at most 2,000 records, each in one transaction with the position it reaches.</summary>
/// <remarks>A crash anywhere repeats a batch at most, and posting a record again changes nothing. While the store is away the loop backs off
/// (100 ms doubling to 5 s) and the journal grows up to its bound.</remarks>
public sealed partial class JournalShipper : IAsyncDisposable
{
    private const int BatchRecords = 2000;
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(5);

    private readonly RequestJournal _journal;
    private readonly LedgerStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly TimeSpan _linger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly List<JournalRecord> _batch = new(BatchRecords);
    private JournalPosition? _position;
    private volatile ShipperHealth _health = new(0, null, null, null);
    private Task _loop = Task.CompletedTask;
    private QuietThread? _thread;

    /// <param name="linger">How long the loop waits after the first new record, so that a batch is worth its fsync. Default 250 ms.</param>
    public JournalShipper(RequestJournal journal, LedgerStore store, TimeProvider time, ILogger<JournalShipper>? log = null, TimeSpan? linger = null)
    {
        (_journal, _store, _time) = (journal, store, time);
        _log = log ?? (ILogger)NullLogger.Instance;
        _linger = linger ?? TimeSpan.FromMilliseconds(250);
    }

    /// <summary>How it goes now.</summary>
    public ShipperHealth Health => _health;

    /// <summary>Begins the loop. Call once.</summary>
    public void Start()
    {
        _thread = new QuietThread("fairlead shipper");
        _loop = Task.Factory.StartNew(LoopAsync, CancellationToken.None, TaskCreationOptions.None, _thread).Unwrap();
    }

    /// <summary>Moves all that stands in the journal now and returns; what <see cref="StopAsync"/> does last, and what a command-line verb needs.</summary>
    /// <exception cref="StoreUnavailableException">The store does not take it.</exception>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        while (await ShipBatchAsync(cancellationToken) > 0)
            cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Ends the loop and moves what is left, unless <paramref name="cancellationToken"/> ends that too; the journal keeps the rest.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _loop;
        try
        {
            await DrainAsync(cancellationToken);
        }
        catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException)
        {
            LogLeft(e, _journal.Health.UnshippedBytes);
        }
    }

    /// <summary>Ends the loop without draining. Dispose the shipper before the journal.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _loop;
        _thread?.Dispose();
        _stopping.Dispose();
        _turn.Dispose();
    }

    private async Task LoopAsync()
    {
        TimeSpan backoff = FirstBackoff;
        CancellationToken stopping = _stopping.Token;
        try
        {
            while (true)
            {
                try
                {
                    int shipped;
                    do
                    {
                        shipped = await ShipBatchAsync(stopping);
                        backoff = FirstBackoff;
                        // After each batch: behind steady traffic there may be no last one for a long time.
                        await _journal.CarryOldReservationsAsync();
                    }
                    while (shipped == BatchRecords);
                    await _journal.WaitForMoreAsync(_position!.Value, stopping);
                    await Task.Delay(_linger, _time, stopping);
                }
                catch (IOException e) // the store is away, or a segment cannot be read: neither gets better by giving up
                {
                    Fail(e);
                    await Task.Delay(backoff, _time, stopping);
                    backoff = backoff * 2 < LongestBackoff ? backoff * 2 : LongestBackoff;
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Told to stop.
        }
    }

    /// <summary>Moves one batch and returns how many records it had.</summary>
    private async Task<int> ShipBatchAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            JournalPosition from = _position ??= _journal.ResumeAt(_store.Position());
            _batch.Clear();
            JournalPosition next = _journal.Read(from, BatchRecords, _batch);
            if (next == from)
                return 0;
            int closed = _store.Post(_batch, next);
            _position = _journal.Acknowledge(next, _batch);
            if (_health.Error is not null)
                LogRecovered();
            _health = new ShipperHealth(_health.Shipped + closed, _time.GetUtcNow(), null, null);
            return _batch.Count;
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Fail(Exception e)
    {
        if (_health.Error is null)
            LogFailing(e);
        _health = _health with { Error = e.Message, FailingSince = _health.FailingSince ?? _time.GetUtcNow() };
    }

    [LoggerMessage(EventId = 5201, Level = LogLevel.Error, Message = "The store does not take the journal; requests are still served until the journal is full")]
    private partial void LogFailing(Exception e);

    [LoggerMessage(EventId = 5202, Level = LogLevel.Information, Message = "The store takes the journal again")]
    private partial void LogRecovered();

    [LoggerMessage(EventId = 5203, Level = LogLevel.Warning, Message = "{Bytes} bytes of the journal are left for the next start")]
    private partial void LogLeft(Exception e, long bytes);
}
