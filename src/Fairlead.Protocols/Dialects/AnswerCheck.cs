using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;

namespace Fairlead.Protocols.Dialects;

/// <summary>What a look at a whole answer tells.</summary>
/// <param name="Fault">Set when it is no answer to relay.</param>
/// <param name="Usage">As reported; null when it reports none.</param>
/// <param name="OutputTokensSeen">Our own estimate: a quarter of the answer's text bytes.</param>
/// <param name="UsageValue">Where the usage object stands in the body; empty when there is none.</param>
/// <param name="Mended">The answer written anew where it had to be mended; null where the upstream's bytes go through.</param>
public sealed record AnswerCheck(UpstreamFault? Fault, Usage? Usage, long OutputTokensSeen, Range UsageValue, byte[]? Mended);
