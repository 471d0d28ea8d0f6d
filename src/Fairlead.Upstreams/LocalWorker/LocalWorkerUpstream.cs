using Fairlead.Domain.Routing;
using Fairlead.Fleet.Workers;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.OpenAi;

namespace Fairlead.Upstreams.LocalWorker;

/// <summary>A model that runs in a process of our own: it is started where it does not run, and then asked like any other upstream.</summary>
/// <remarks>The worker speaks OpenAI's dialect over HTTP on a Unix socket, so relay, metering, clocks and cancellation are those of every provider. What
/// this adds is the start, and the word for a worker that has died.</remarks>
public sealed class LocalWorkerUpstream(LocalModel model, UpstreamTransport transport, FaultClassifierDelegate classify) : IUpstream
{
    /// <summary>Between a connection that breaks and the process behind it being seen as dead.</summary>
    private static readonly TimeSpan Dying = TimeSpan.FromSeconds(1);

    // The base URL names no place: the socket does. Its host is what the worker reads as Host.
    private static readonly Uri BaseUrl = new("http://worker/v1");

    private readonly Lock _gate = new();
    private WorkerProcess? _worker;
    private OpenAiUpstream? _way;

    /// <inheritdoc/>
    public async ValueTask<UpstreamReply> OpenAsync(UpstreamCall call, CancellationToken cancellationToken)
    {
        WorkerProcess worker;
        try
        {
            worker = await model.ReadyAsync(cancellationToken);
        }
        catch (WorkerFailedException e)
        {
            return new UpstreamReply.Refused(new UpstreamFault(FaultKind.WorkerLoadFailed, e.Message, NothingSent: true));
        }
        UpstreamReply reply = await WayTo(worker).OpenAsync(call, cancellationToken);
        return reply switch
        {
            UpstreamReply.Opened opened => new Answer(opened, worker),
            UpstreamReply.Refused refused when await DeathAsync(worker, refused.Fault) is { } death => new UpstreamReply.Refused(death),
            _ => reply,
        };
    }

    /// <summary>Closes the connections to a worker that is gone; called when this upstream leaves the configuration.</summary>
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
            return _way = new OpenAiUpstream(new OpenAiEndpoint(BaseUrl) { SocketPath = worker.Address.Socket, CallerHeader = "x-fairlead-scope" }, transport, classify);
        }
    }

    /// <summary>The fault of a connection that broke because its worker died; null when the worker lives.</summary>
    private static async ValueTask<UpstreamFault?> DeathAsync(WorkerProcess worker, UpstreamFault fault) =>
        fault.Kind is FaultKind.ConnectionRefused or FaultKind.ResetBeforeAnswer or FaultKind.ClosedBeforeAnswer or FaultKind.Truncated
            && await worker.EndsWithinAsync(Dying)
            ? new UpstreamFault(FaultKind.WorkerCrash, worker.Epitaph(), NothingSent: fault.NothingSent)
            : null;

    /// <summary>The worker's answer, which breaks off with the worker's death and not with a mere cut.</summary>
    private sealed class Answer(UpstreamReply.Opened inner, WorkerProcess worker) : UpstreamReply.Opened
    {
        public override int Status => inner.Status;

        public override BodyKind Kind => inner.Kind;

        public override string? Header(string name) => inner.Header(name);

        public override string? Ignored => inner.Header("x-fairlead-ignored");

        public override async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
        {
            try
            {
                return await inner.ReadAsync(destination, cancellationToken);
            }
            catch (UpstreamBrokenException e) when (e.Fault.Kind is FaultKind.Truncated or FaultKind.ResetBeforeAnswer)
            {
                if (await DeathAsync(worker, e.Fault) is { } death)
                    throw new UpstreamBrokenException(death, e);
                throw;
            }
        }

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
