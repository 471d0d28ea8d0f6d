using Fairlead.Domain.Routing;

namespace Fairlead.Upstreams.Http;

/// <summary>Connections to one origin: the unused ones, the last returned first, and the callers waiting for one.</summary>
internal sealed class ConnectionPool(UpstreamOrigin origin, TransportLimits limits, Dialer dialer, NameCache names, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly List<Connection> _idle = [];
    private readonly LinkedList<TaskCompletionSource<Connection?>> _waiting = new();
    private int _open;
    private long _opened;
    private long _reused;
    private long _sentAgain;
    private bool _closed;

    public UpstreamOrigin Origin => origin;

    public OriginFigures Figures
    {
        get
        {
            lock (_gate)
                return new OriginFigures(origin.Name, _opened, _reused, Interlocked.Read(ref _sentAgain), _open, _idle.Count, _waiting.Count);
        }
    }

    public void CountSentAgain() => Interlocked.Increment(ref _sentAgain);

    /// <summary>An unused connection that the peer has not closed; null when there is none.</summary>
    public Connection? TryTakeIdle()
    {
        while (true)
        {
            Connection candidate;
            lock (_gate)
            {
                if (_idle.Count == 0)
                    return null;
                candidate = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
            }

            if (IsWorn(candidate) || candidate.IsStale())
            {
                candidate.Close(CloseCause.Done);
                continue;
            }

            Interlocked.Increment(ref _reused);
            return candidate;
        }
    }

    /// <summary>A new connection, or one that another call gives back while we wait for a free place.</summary>
    /// <exception cref="OperationCanceledException">The caller's token.</exception>
    public async Task<(Connection? Connection, UpstreamFault? Fault)> OpenAsync(TimeSpan connect, CancellationToken caller)
    {
        long began = time.GetTimestamp();
        LinkedListNode<TaskCompletionSource<Connection?>>? place = null;
        lock (_gate)
        {
            if (_open < limits.MaxConnectionsPerOrigin)
                _open++;
            else if (_waiting.Count >= limits.MaxWaitersPerOrigin)
                return (null, new UpstreamFault(FaultKind.ConnectTimeout, "too many calls wait for a connection", NothingSent: true));
            else
                place = _waiting.AddLast(new TaskCompletionSource<Connection?>(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        if (place is not null)
        {
            (bool come, Connection? given) = await WaitAsync(place, connect, caller);
            if (!come)
                return (null, new UpstreamFault(FaultKind.ConnectTimeout, "no free connection in time", NothingSent: true));
            if (given is not null)
                return (given, null);
        }

        TimeSpan left = connect - time.GetElapsedTime(began);
        bool dialled = false;
        try
        {
            (Connection? connection, UpstreamFault? fault) = await dialer.DialAsync(this, left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1), caller);
            dialled = connection is not null;
            if (dialled)
                Interlocked.Increment(ref _opened);
            return (connection, fault);
        }
        finally
        {
            if (!dialled)
                Closed();
        }
    }

    /// <summary>Takes back a connection whose answer was read to its end.</summary>
    public void Return(Connection connection)
    {
        connection.End();
        if (IsWorn(connection))
        {
            connection.Close(CloseCause.Done);
            return;
        }

        connection.IdleSince = time.GetTimestamp();
        lock (_gate)
        {
            if (!_closed)
            {
                if (GiveToWaiter(connection))
                    _reused++;
                else
                    _idle.Add(connection);
                return;
            }
        }

        connection.Close(CloseCause.Done);
    }

    /// <summary>A place is free: the first waiter gets it, or the count goes down.</summary>
    public void Closed()
    {
        lock (_gate)
        {
            if (!GiveToWaiter(null))
                _open--;
        }
    }

    /// <summary>Closes what has been unused for too long, is too old, or leads to an address the name no longer has.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        bool any;
        lock (_gate)
            any = _open > 0;
        if (any && origin.SocketPath is null)
            await AskNameAsync(cancellationToken);
        List<Connection>? worn = null;
        lock (_gate)
        {
            for (int i = _idle.Count - 1; i >= 0; i--)
            {
                if (IsWorn(_idle[i]) || time.GetElapsedTime(_idle[i].IdleSince) >= limits.Idle)
                {
                    (worn ??= []).Add(_idle[i]);
                    _idle.RemoveAt(i);
                }
            }
        }

        worn?.ForEach(static c => c.Close(CloseCause.Done));
    }

    public void CloseIdle()
    {
        Connection[] idle;
        lock (_gate)
        {
            _closed = true;
            idle = [.. _idle];
            _idle.Clear();
        }

        foreach (Connection connection in idle)
            connection.Close(CloseCause.Done);
    }

    private async Task AskNameAsync(CancellationToken cancellationToken)
    {
        try
        {
            await names.ResolveAsync(origin.Host, cancellationToken);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Connections that work are not closed because the name service does not.
        }
    }

    private bool IsWorn(Connection connection) =>
        time.GetElapsedTime(connection.OpenedAt) >= limits.Lifetime || (connection.Address is { } address && !names.StillNamed(origin.Host, address));

    private bool GiveToWaiter(Connection? connection)
    {
        while (_waiting.First is { } first)
        {
            _waiting.RemoveFirst();
            if (first.Value.TrySetResult(connection))
                return true;
        }

        return false;
    }

    private async Task<(bool Come, Connection? Given)> WaitAsync(
        LinkedListNode<TaskCompletionSource<Connection?>> place, TimeSpan connect, CancellationToken caller)
    {
        try
        {
            return (true, await place.Value.Task.WaitAsync(connect, time, caller));
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            if (place.Value.TrySetCanceled(CancellationToken.None))
            {
                lock (_gate)
                {
                    if (place.List is not null)
                        _waiting.Remove(place);
                }

                if (e is OperationCanceledException)
                    throw;
                return (false, null);
            }

            // It was given in the same moment: a caller who still wants it takes it, else it goes on to the next.
            Connection? given = await place.Value.Task;
            if (e is TimeoutException)
                return (true, given);
            if (given is null)
                Closed();
            else
                Return(given);
            throw;
        }
    }
}

/// <summary>Counters of one origin since the start; Open, Idle and Waiting are of now.</summary>
/// <param name="Origin"><c>scheme://host[:port]</c>.</param>
/// <param name="SentAgain">Requests sent a second time because a pooled connection had been closed before the first copy arrived.</param>
public sealed record OriginFigures(string Origin, long Opened, long Reused, long SentAgain, int Open, int Idle, int Waiting);
