using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;

namespace Fairlead.Domain.Ledger;

/// <summary>The journal's first word about a paid request: written before anything is sent upstream.</summary>
/// <param name="Id">The request.</param>
/// <param name="Key">Whose money is held.</param>
/// <param name="At">When, UTC.</param>
/// <param name="Route">Which paid route.</param>
/// <param name="Model">The model as asked for.</param>
/// <param name="Amount">The most the request can cost; held until it is closed.</param>
/// <param name="Idempotency">Fingerprint of the caller's Idempotency-Key and body; null when none was sent.</param>
public sealed record RequestReserved(
    RequestId Id, KeyId Key, DateTimeOffset At, Route Route, string Model, NanoDollars Amount, IdempotencyMark? Idempotency = null);

/// <summary>What is remembered of an <c>Idempotency-Key</c>: hashes, never the caller's text.</summary>
/// <param name="KeyHash">First 16 bytes of the SHA-256 over the API key's id and the header's value.</param>
/// <param name="BodyHash">First 16 bytes of the SHA-256 over the route and the body.</param>
public readonly record struct IdempotencyMark(UInt128 KeyHash, UInt128 BodyHash);
