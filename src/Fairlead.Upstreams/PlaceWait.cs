using System.Globalization;
using Fairlead.Domain.Fleet;

namespace Fairlead.Upstreams;

/// <summary>How an attempt waits for a place in a model of our own: how long it may, and, while it does, how that goes. Calls to providers have none.</summary>
/// <remarks>The upstream writes, on whatever thread; who relays the answer reads.</remarks>
public sealed class PlaceWait(TimeSpan patience, bool mayLoad)
{
    private readonly Lock _gate = new();
    private Standing? _standing;
    private bool _waiting;
    private bool _over;

    /// <summary>Longest wait; zero: none, but the load is begun.</summary>
    public TimeSpan Patience => patience;

    /// <summary>False: the request causes no load.</summary>
    public bool MayLoad => mayLoad;

    /// <summary>Called once when it turns out that there is a wait; it is quick and asks nothing of this.</summary>
    public Action? Began { get; init; }

    /// <summary>Called once when a wait that had begun is over, however it ended; the same holds.</summary>
    public Action? Ended { get; init; }

    /// <summary><see cref="TimeProvider.GetTimestamp"/> when there was a place; 0 before.</summary>
    public long PlaceAt { get; private set; }

    /// <summary>The model was not loaded when it was asked for.</summary>
    public bool WasCold { get; private set; }

    /// <summary>Where the model stood when last heard of; null before the first word, and when the wait is over.</summary>
    public ModelStatus? Status
    {
        get
        {
            lock (_gate)
                return _over ? null : _standing?.Status;
        }
    }

    /// <summary>It waits, and this is how it stands.</summary>
    /// <param name="status">The model.</param>
    /// <param name="ahead">Requests that are before this one.</param>
    public void Tell(ModelStatus status, int ahead)
    {
        lock (_gate)
        {
            if (_over)
                return;
            _standing = new Standing(status, ahead);
            if (_waiting)
                return;
            _waiting = true;
            Began?.Invoke(); // within the lock: the end, on another thread, must not overtake it
        }
    }

    /// <summary>It has its place.</summary>
    /// <param name="timestamp">Now.</param>
    /// <param name="wasCold">See <see cref="WasCold"/>.</param>
    public void Got(long timestamp, bool wasCold)
    {
        PlaceAt = timestamp;
        WasCold = wasCold;
        End();
    }

    /// <summary>It gets none.</summary>
    /// <param name="wasCold">See <see cref="WasCold"/>.</param>
    public void Refused(bool wasCold)
    {
        WasCold = wasCold;
        End();
    }

    /// <summary>Nobody waits any more; nothing is told afterwards.</summary>
    public void End()
    {
        lock (_gate)
        {
            if (_waiting && !_over)
                Ended?.Invoke();
            _over = true;
        }
    }

    /// <summary>How it stands, in the words of the comment that a waiting stream gets: <c>loading 62 %, about 3 s</c>, <c>queued, 3 ahead, about 5 s</c>.</summary>
    public string Words()
    {
        Standing? standing;
        lock (_gate)
            standing = _standing;
        if (standing is not (var status, var ahead))
            return "waiting";
        string doing = status.State is ModelState.Loading
            ? string.Create(CultureInfo.InvariantCulture, $"loading {Math.Floor((status.Share ?? 0) * 100):0} %")
            : ahead > 0 ? string.Create(CultureInfo.InvariantCulture, $"queued, {ahead} ahead") : "queued";
        return status.ReadyIn > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $"{doing}, about {Math.Ceiling(status.ReadyIn.TotalSeconds):0} s") : doing;
    }

    private sealed record Standing(ModelStatus Status, int Ahead);
}
