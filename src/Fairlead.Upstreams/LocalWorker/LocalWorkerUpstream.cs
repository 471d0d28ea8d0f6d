using Fairlead.Domain.Routing;
using Fairlead.Fleet;
using Fairlead.Fleet.Workers;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.OpenAi;

namespace Fairlead.Upstreams.LocalWorker;

/// <summary>A model that runs in a process of our own: the request gets its place from the fleet, and is then asked like any other upstream.</summary>
/// <remarks>The worker speaks OpenAI's dialect over HTTP, so relay, metering, clocks and cancellation are those of every provider. What this adds is the place,
/// which is held to the answer's last byte and given back on every way out, and the word for a worker that has died.</remarks>
public sealed class LocalWorkerUpstream(string model, bool engineIsOurs, FleetLoop fleet, UpstreamTransport transport, FaultClassifierDelegate classify, TimeProvider time) : IUpstream
{
    /// <summary>Between a connection that breaks and the process behind it being seen as dead: milliseconds, and seconds on a machine that is short of time.
    /// Only a worker that lives and breaks its connections lets somebody wait so long.</summary>
    private static readonly TimeSpan Dying = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private WorkerProcess? _worker;
    private OpenAiUpstream? _way;

    /// <inheritdoc/>
    /// <remarks>The call's <see cref="UpstreamCall.Place"/> says how long it may wait, and hears how that goes.</remarks>
    public async ValueTask<UpstreamReply> OpenAsync(UpstreamCall call, CancellationToken cancellationToken)
    {
        PlaceWait place = call.Place ?? throw new ArgumentException("Who asks a model of our own says how long it may wait.", nameof(call));
        WorkerLease lease;
        try
        {
            lease = await fleet.EnterAsync(new WorkerAsk(model, call.Caller.ToString(), place.Patience, place.MayLoad) { Waiting = place.Tell }, cancellationToken);
        }
        catch (FleetRefusedException e)
        {
            UpstreamFault fault = RefusedPlace.Fault(e.Refusal, fleet.Status(model));
            place.Refused(wasCold: fault.Kind is FaultKind.WorkerCold);
            return new UpstreamReply.Refused(fault);
        }
        catch (OperationCanceledException)
        {
            place.End();
            throw;
        }
        place.Got(time.GetTimestamp(), lease.WasCold);
        UpstreamReply? reply = null;
        try
        {
            reply = await WayTo(lease.Worker).OpenAsync(call, cancellationToken);
            // The place is kept until the death is seen: one that is given back before is granted to the next who waits, and he finds the same.
            if (reply is UpstreamReply.Refused refused && await DeathAsync(lease, refused.Fault) is { } death)
                reply = new UpstreamReply.Refused(death);
        }
        finally
        {
            if (reply is not UpstreamReply.Opened)
                lease.Dispose();
        }
        return reply is UpstreamReply.Opened opened ? new Answer(opened, lease) : reply;
    }

    /// <summary>Keeps no connection to a worker that is not asked any more; called when the model leaves the configuration. Answers under way are not touched.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            if (_way is { } way)
                transport.Forget(way.Origin);
            _way = null;
            _worker = null;
        }
    }

    private OpenAiUpstream WayTo(WorkerProcess worker)
    {
        lock (_gate)
        {
            if (_worker == worker)
                return _way!;
            if (_way is { } old)
                transport.Forget(old.Origin);
            _worker = worker;
            // Whose prompt it is, only our own engine is told: it keeps callers apart by it.
            return _way = new OpenAiUpstream(
                new OpenAiEndpoint(worker.Address.BaseUrl) { SocketPath = worker.Address.Socket, CallerHeader = engineIsOurs ? "x-fairlead-scope" : null }, transport, classify);
        }
    }

    /// <summary>The fault of a connection that broke because its worker died; null when the worker lives.</summary>
    private static async ValueTask<UpstreamFault?> DeathAsync(WorkerLease lease, UpstreamFault fault) =>
        fault.Kind is FaultKind.ConnectionRefused or FaultKind.ResetBeforeAnswer or FaultKind.ClosedBeforeAnswer or FaultKind.Truncated
            && await lease.DeathAsync(Dying) is { } epitaph
            ? new UpstreamFault(FaultKind.WorkerCrash, epitaph, NothingSent: fault.NothingSent)
            : null;

    /// <summary>The worker's answer, which breaks off with the worker's death and not with a mere cut, and whose end gives the place back.</summary>
    private sealed class Answer(UpstreamReply.Opened inner, WorkerLease lease) : UpstreamReply.Opened
    {
        public override int Status => inner.Status;

        public override BodyKind Kind => inner.Kind;

        public override string? Header(string name) => inner.Header(name);

        public override string? Ignored => inner.Header("x-fairlead-ignored");

        public override async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
        {
            try
            {
                int read = await inner.ReadAsync(destination, cancellationToken);
                if (read == 0)
                    lease.Dispose(); // the model is done with it, however slowly its caller reads
                return read;
            }
            catch (UpstreamBrokenException e) when (e.Fault.Kind is FaultKind.Truncated or FaultKind.ResetBeforeAnswer)
            {
                if (await DeathAsync(lease, e.Fault) is { } death)
                    throw new UpstreamBrokenException(death, e);
                throw;
            }
        }

        public override async ValueTask DisposeAsync()
        {
            try
            {
                await inner.DisposeAsync();
            }
            finally
            {
                lease.Dispose();
            }
        }
    }
}
