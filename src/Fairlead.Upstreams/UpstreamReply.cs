using Fairlead.Domain.Routing;

namespace Fairlead.Upstreams;

/// <summary>What became of an attempt: opened or refused. There is no third: an outcome that cannot be known is a refusal whose fault
/// says that the request was sent (<see cref="UpstreamFault.NothingSent"/> is false), and the fault table never repeats those silently.</summary>
public abstract class UpstreamReply
{
    private UpstreamReply()
    {
    }

    /// <summary>No answer to relay; the fault says why.</summary>
    public sealed class Refused(UpstreamFault fault) : UpstreamReply
    {
        /// <summary>The upstream's dialect or the upstream itself has no route of this sort; nothing was sent.</summary>
        internal static Refused NoSuchRoute { get; } = new(new UpstreamFault(FaultKind.RouteNotFound, "this upstream has no such route", NothingSent: true));

        /// <summary>The body is larger than the upstream is known to take; nothing was sent.</summary>
        internal static Refused TooLarge(int bytes, long most) => new(
            new UpstreamFault(FaultKind.InvalidRequest, $"the body has {bytes} bytes there, and at most {most} are taken", Status: 413, NothingSent: true));

        public UpstreamFault Fault { get; } = fault;
    }

    /// <summary>A 2xx with a body to read.</summary>
    public abstract class Opened : UpstreamReply, IAsyncDisposable
    {
        public abstract int Status { get; }

        /// <summary>What the body is, by its content type, or by its first bytes where the content type is no help (F055, F056).</summary>
        public abstract BodyKind Kind { get; }

        /// <summary>Value of a response header by lower-case name; null when absent.</summary>
        public abstract string? Header(string name);

        /// <summary>Fields of the request that the upstream says had no effect, comma-separated; null where it says nothing of the kind, as providers do.</summary>
        public virtual string? Ignored => null;

        /// <summary>Reads decoded body bytes (chunked and gzip are undone, bounded as of fault U-30). 0 means a complete, orderly end.</summary>
        /// <returns>Bytes read.</returns>
        /// <exception cref="UpstreamBrokenException">Reset, cut short, length mismatch, bad chunk, bad gzip, over the cap; carries the fault.</exception>
        public abstract ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken);

        /// <summary>At the orderly end returns the connection to its pool; before it closes the connection at once.</summary>
        public abstract ValueTask DisposeAsync();
    }
}

/// <summary>What kind of body a 2xx carries.</summary>
public enum BodyKind : byte
{
    Json = 1,
    EventStream,
    NdJson,

    /// <summary>A page for people (F064): never relayed.</summary>
    Html,
    Other,
}

/// <summary>The body of an opened answer broke off. Thrown only by <see cref="UpstreamReply.Opened.ReadAsync"/>.</summary>
public sealed class UpstreamBrokenException(UpstreamFault fault, Exception? inner = null) : IOException(fault.Detail, inner)
{
    public UpstreamFault Fault { get; } = fault;
}
