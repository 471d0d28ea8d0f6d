using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;
using Fairlead.Domain.Routing;

namespace Fairlead.Upstreams.Http;

/// <summary>Our HTTP/1.1 client: one per process, a pool of connections per origin. decisions/0002 says why it exists and what it leaves out.</summary>
/// <remarks>Thread-safe. Two <see cref="UpstreamOrigin"/>s of the same place share no connection, as their trusted roots may differ.</remarks>
public sealed class UpstreamTransport : IDisposable
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<UpstreamOrigin, ConnectionPool> _pools = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly TimeProvider _time;
    private readonly NameCache _names;
    private readonly Dialer _dialer;
    private readonly ITimer _sweeper;
    private Task _sweep = Task.CompletedTask;

    public UpstreamTransport(TimeProvider time, TransportLimits? limits = null)
        : this(time, limits ?? new TransportLimits(), static (host, token) => Dns.GetHostAddressesAsync(host, token))
    {
    }

    internal UpstreamTransport(TimeProvider time, TransportLimits limits, NameService service)
    {
        _time = time;
        Limits = limits;
        _names = new NameCache(time, service);
        _dialer = new Dialer(_names, time);
        _sweeper = time.CreateTimer(static state => ((UpstreamTransport)state!).Sweep(), this, SweepEvery, SweepEvery);
    }

    public TransportLimits Limits { get; }

    /// <summary>Figures of every origin used so far, for the metrics page.</summary>
    public IReadOnlyList<OriginFigures> Figures => [.. _pools.Values.Select(static p => p.Figures)];

    /// <summary>Sends one request and waits for its answer's head. The contract is that of <see cref="IUpstream.OpenAsync"/>.</summary>
    /// <param name="classify">Asked what an answer other than 2xx and 3xx means.</param>
    /// <exception cref="OperationCanceledException">The caller hung up; the connection has been closed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<UpstreamReply> PostAsync(
        RequestHead head, UpstreamCall call, FaultClassifierDelegate classify, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_ended.IsCancellationRequested, this);
        ConnectionPool pool = PoolOf(head.Origin);
        Connection? connection = pool.TryTakeIdle();
        while (true)
        {
            if (connection is null)
            {
                (connection, UpstreamFault? fault) = await pool.OpenAsync(call.Clocks.Connect, cancellationToken);
                if (connection is null)
                    return new UpstreamReply.Refused(fault!);
            }

            call.ConnectedAt = _time.GetTimestamp();
            UpstreamReply reply = await Exchange.RunAsync(connection, head, call, classify, Limits, _time, cancellationToken);
            // A pooled connection the peer had closed before our bytes arrived is nobody's failure. The proof is in
            // Connection.NothingAccepted; without it a request that costs money is never sent twice.
            if (connection.Reused && reply is UpstreamReply.Refused { Fault: { Kind: FaultKind.ClosedBeforeAnswer, NothingSent: true } })
            {
                pool.CountSentAgain();
                connection = null;
                continue;
            }

            return reply;
        }
    }

    /// <summary>Closes unused connections; those in use end with their answer.</summary>
    public void Dispose()
    {
        _sweeper.Dispose();
        _ended.Cancel();
        foreach (ConnectionPool pool in _pools.Values)
            pool.CloseIdle();
        _ended.Dispose();
    }

    /// <summary>Forgets an origin that a reload of the settings took away.</summary>
    public void Forget(UpstreamOrigin origin)
    {
        if (_pools.TryRemove(origin, out ConnectionPool? pool))
            pool.CloseIdle();
    }

    private ConnectionPool PoolOf(UpstreamOrigin origin) =>
        _pools.TryGetValue(origin, out ConnectionPool? pool)
            ? pool
            : _pools.GetOrAdd(origin, static (o, t) => new ConnectionPool(o, t.Limits, t._dialer, t._names, t._time), this);

    private void Sweep()
    {
        // A slow name service must not pile up sweeps.
        if (_sweep.IsCompleted)
            _sweep = SweepAsync(_ended.Token);
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (ConnectionPool pool in _pools.Values)
                await pool.SweepAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // the process ends
        }
    }
}
