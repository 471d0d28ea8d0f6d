using Fairlead.Domain.Ids;

namespace Fairlead.Domain.Keys;

/// <summary>All that is stored of a key. The secret is not among it.</summary>
/// <param name="Id">Stable for the key's life; a rotation makes a new key with a new id and the same name.</param>
/// <param name="Name">Unique among living keys; letters, digits, <c>. _ -</c>, at most 64.</param>
/// <param name="Hash">Keyed hash of the secret.</param>
/// <param name="Tail">Last four characters of the secret, for lists.</param>
/// <param name="Limits">What it may do.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="RevokedAt">From then on it is unknown; null while it lives. May lie in the future: a rotation with overlap.</param>
public sealed record KeyRecord(
    KeyId Id, string Name, KeyHash Hash, string Tail, KeyLimits Limits, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt = null);
