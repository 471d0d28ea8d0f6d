using Fairlead.Domain.Routing;
using Fairlead.Protocols.Faults;

namespace Fairlead.Upstreams.Http;

/// <summary>Says what an answer that is no 2xx means. Called once per such answer, on the reading thread; must not block or throw.</summary>
/// <param name="status">400–599, or an odd 2xx-less status an upstream invented.</param>
/// <param name="contentType">As sent; null when absent.</param>
/// <param name="body">Decoded, at most <see cref="TransportLimits.MaxErrorBytes"/>, perhaps cut short.</param>
/// <param name="header">The answer's headers.</param>
/// <param name="now">For waiting hints that are dates.</param>
public delegate UpstreamFault FaultClassifierDelegate(
    int status, string? contentType, ReadOnlySpan<byte> body, HeaderLookup header, DateTimeOffset now);
