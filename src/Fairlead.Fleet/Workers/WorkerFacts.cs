using Fairlead.Domain.Fleet;

namespace Fairlead.Fleet.Workers;

/// <summary>What is known of a model once its worker has looked at its headers, or its configuration was read where the engine is another's.</summary>
/// <param name="Need">Memory, in bytes.</param>
/// <param name="Kind"><c>language</c> or <c>embedding</c>; <c>unknown</c> for an engine that does not tell.</param>
/// <param name="Context">Tokens of input and output together; null where nobody says.</param>
/// <param name="Slots">Answers generated at once; null where nobody says.</param>
/// <param name="Tools">Whether its template can be given tools; null where nobody says.</param>
/// <param name="FileBytes">Bytes of its files; 0 where there are none of ours to see.</param>
public sealed record WorkerFacts(MemoryNeed Need, string Kind, long? Context, int? Slots, bool? Tools, long FileBytes);
