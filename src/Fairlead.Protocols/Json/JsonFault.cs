namespace Fairlead.Protocols.Json;

/// <summary>Why a text is no JSON that we take.</summary>
/// <param name="Offset">Byte at which it was noticed.</param>
/// <param name="Reason">What is wrong there, as the middle of a sentence.</param>
/// <param name="Repeated">The member's name, where the fault is that it stands twice in one object; otherwise null.</param>
public sealed record JsonFault(int Offset, string Reason, string? Repeated = null);
