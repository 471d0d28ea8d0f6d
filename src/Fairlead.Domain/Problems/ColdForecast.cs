using Fairlead.Domain.Fleet;

namespace Fairlead.Domain.Problems;

/// <summary>What is known of a model that is not loaded yet, for the caller who decides whether to wait.</summary>
/// <param name="State">Where it stands: cold, queued or loading.</param>
/// <param name="ReadyIn">From now until it answers, as far as can be told.</param>
/// <param name="Share">How far the load has come, 0 to 1; null where nobody tells.</param>
public sealed record ColdForecast(ModelState State, TimeSpan ReadyIn, double? Share = null);
