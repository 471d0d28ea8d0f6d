using Fairlead.Domain.Ledger;
using Fairlead.Storage.Journal;
using Microsoft.Extensions.Logging;

namespace Fairlead.Gateway.Metering;

/// <summary>Closes that the journal could not take. They are appended again, oldest first, once a second until it takes them.</summary>
/// <remarks>Only requests whose reservation is in the journal come here, and while it cannot be written none is reserved:
/// there are about as many as were under way when it began. Safe for any number of threads.</remarks>
internal sealed partial class LateCloses : IAsyncDisposable
{
    /// <summary>Most closes that wait; one more is left to the next start.</summary>
    public const int Most = 10_000;

    /// <summary>As often as the journal itself tries whether the disk is well again.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly RequestJournal _journal;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly Queue<RequestClosed> _waiting = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ITimer _timer;
    private bool _stopping;

    public LateCloses(RequestJournal journal, TimeProvider time, ILogger<LateCloses> log)
    {
        (_journal, _time, _log) = (journal, time, log);
        _timer = time.CreateTimer(static late => _ = ((LateCloses)late!).TryAgainAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Closes that wait now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>Keeps a close until the journal takes it; false when too many wait: the next start closes the request as interrupted.</summary>
    public bool TryKeep(RequestClosed closed)
    {
        lock (_gate)
        {
            if (_waiting.Count < Most)
            {
                _waiting.Enqueue(closed);
                if (_waiting.Count == 1 && !_stopping)
                    _timer.Change(Every, Every);
                return true;
            }
        }
        LogTooMany(closed.Id.ToString(), Most);
        return false;
    }

    /// <summary>Tries a last time, after the second that the journal wants between two tries. Dispose before the journal, when nothing is closed any more.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
            _stopping = true;
        await _timer.DisposeAsync();
        await _turn.WaitAsync(); // a try under way
        await AppendAsync();
        if (Count > 0)
        {
            await Task.Delay(Every, _time);
            await AppendAsync();
        }
        if (Count > 0)
            LogLeft(Count);
        _turn.Dispose();
    }

    private async Task TryAgainAsync()
    {
        if (!await _turn.WaitAsync(0))
            return; // a slow disk: the last try is still under way
        try
        {
            await AppendAsync();
            lock (_gate)
            {
                if (_waiting.Count == 0 && !_stopping)
                    _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Whoever calls this has the turn.</summary>
    private async Task AppendAsync()
    {
        int taken = 0;
        while (true)
        {
            RequestClosed? oldest;
            lock (_gate)
            {
                if (!_waiting.TryPeek(out oldest))
                    break;
            }
            try
            {
                await _journal.AppendAsync(oldest);
            }
            catch (JournalUnavailableException)
            {
                break; // it has told its log why; the next try comes
            }
            lock (_gate)
                _waiting.Dequeue();
            taken++;
        }
        if (taken > 0)
            LogTaken(taken);
    }

    [LoggerMessage(EventId = 3501, Level = LogLevel.Warning,
        Message = "{RequestId}: {Most} closes wait for the journal already; the next start closes this request as interrupted, with its reservation")]
    private partial void LogTooMany(string requestId, int most);

    [LoggerMessage(EventId = 3502, Level = LogLevel.Information, Message = "The journal has taken {Count} closes that waited for it")]
    private partial void LogTaken(int count);

    [LoggerMessage(EventId = 3503, Level = LogLevel.Warning,
        Message = "{Count} requests could not be closed in the journal; the next start closes them as interrupted, with their reservations")]
    private partial void LogLeft(int count);
}
