using System.Text;
using Fairlead.Domain.Inference;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Dispatch;

/// <summary>The caller's side of a stream: one writer at a time, be it the relay or the heartbeat.</summary>
/// <remarks>While nothing comes, the caller gets a comment now and then; while its request waits for a model, it hears how that goes. Comments fix the
/// status and commit nothing: failover stays free until the first event. After it, Anthropic's callers get the event that their dialect has for this; before it they
/// could not read one. Back-pressure is the socket's: a caller who reads slowly holds up the relay, which stops reading the upstream.</remarks>
internal sealed class CallerStream : IAsyncDisposable
{
    private static readonly byte[] KeepAlive = ": keep-alive\n\n"u8.ToArray();
    private static readonly byte[] Ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n"u8.ToArray();

    /// <summary>A wait that is over so soon is none.</summary>
    private static readonly TimeSpan FirstWord = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan EachWord = TimeSpan.FromSeconds(1);

    private readonly HttpResponse _response;
    private readonly Action<IHeaderDictionary> _writeHeaders;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly byte[] _beatOfAnswer;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly ITimer _timer;
    private readonly CancellationToken _callerGone;
    private Task _beat = Task.CompletedTask;
    private long _lastWrite;
    private volatile Func<string>? _waiting;
    private volatile bool _answering;
    private bool _over;

    /// <param name="response">Not begun yet.</param>
    /// <param name="writeHeaders">Called once, right before the headers leave; what is known then is told then.</param>
    /// <param name="door">The caller's dialect.</param>
    /// <param name="interval">Silence after which the caller gets a beat.</param>
    /// <param name="time">The clock.</param>
    /// <param name="callerGone">Ends a heartbeat that cannot be written.</param>
    public CallerStream(HttpResponse response, Action<IHeaderDictionary> writeHeaders, Dialect door, TimeSpan interval, TimeProvider time, CancellationToken callerGone)
    {
        _response = response;
        _writeHeaders = writeHeaders;
        _beatOfAnswer = door == Dialect.Anthropic ? Ping : KeepAlive;
        _interval = interval;
        _time = time;
        _callerGone = callerGone;
        _lastWrite = time.GetTimestamp();
        _timer = time.CreateTimer(static self => ((CallerStream)self!).Tick(), this, interval, interval);
    }

    /// <summary>Status and headers have left: from now on a failure is an event.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Sends <paramref name="events"/>, and the headers first if they have not left; returns when the socket has taken them.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> events, CancellationToken cancellationToken) => WriteAsync(events, ofAnswer: true, cancellationToken);

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool ofAnswer, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            Begin();
            _answering |= ofAnswer;
            _lastWrite = _time.GetTimestamp();
            await _response.BodyWriter.WriteAsync(bytes, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>From now on the caller hears, after a moment and then each second, what is waited for.</summary>
    /// <param name="words">What to say, without line breaks.</param>
    public void BeginWaiting(Func<string> words)
    {
        _waiting = words;
        _timer.Change(FirstWord, EachWord);
    }

    /// <summary>The wait is over.</summary>
    public void EndWaiting()
    {
        _waiting = null;
        _timer.Change(_interval, _interval);
    }

    /// <summary>Stops the heartbeat and waits for one that is being written; nothing is written afterwards.</summary>
    public async ValueTask DisposeAsync()
    {
        _over = true;
        await _timer.DisposeAsync();
        await _beat;
        _turn.Dispose();
    }

    private void Begin()
    {
        if (HasBegun)
            return;
        HasBegun = true;
        _response.StatusCode = StatusCodes.Status200OK;
        IHeaderDictionary headers = _response.Headers;
        headers.ContentType = "text/event-stream; charset=utf-8";
        headers.CacheControl = "no-cache";
        headers["x-accel-buffering"] = "no";
        _writeHeaders(headers);
    }

    private void Tick()
    {
        if (_over || !_beat.IsCompleted)
            return;
        Func<string>? waiting = _waiting;
        if (waiting is null && _time.GetElapsedTime(_lastWrite) < _interval)
            return;
        _beat = BeatAsync(waiting is null ? (_answering ? _beatOfAnswer : KeepAlive) : Encoding.UTF8.GetBytes($": {waiting()}\n\n"));
    }

    private async Task BeatAsync(byte[] beat)
    {
        try
        {
            await WriteAsync(beat, ofAnswer: false, _callerGone);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The caller is gone or the answer just ended; the relay meets the same fact and ends the request.
        }
    }
}
