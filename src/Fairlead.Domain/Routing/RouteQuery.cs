using Fairlead.Domain.Inference;

namespace Fairlead.Domain.Routing;

/// <summary>One question to the ranking: which offers of this model can serve this request, in which order.</summary>
/// <param name="Request">What the caller asked for.</param>
/// <param name="Today">For retirement dates; ranking reads no clock.</param>
/// <param name="StickyProvider">Provider that served this session before, asked first while it is healthy; null when there is none.</param>
public readonly record struct RouteQuery(InferenceRequest Request, DateOnly Today, string? StickyProvider = null);
