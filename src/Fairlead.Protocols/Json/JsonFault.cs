namespace Fairlead.Protocols.Json;

/// <summary>Why a text is no JSON that we take.</summary>
/// <param name="Offset">Byte at which it was noticed.</param>
/// <param name="Reason">What is wrong there, as the middle of a sentence.</param>
public sealed record JsonFault(int Offset, string Reason);
