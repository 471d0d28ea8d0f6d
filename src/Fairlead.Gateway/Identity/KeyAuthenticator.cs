using System.Net;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Problems;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Identity;

/// <summary>(2) Finds the caller by a keyed hash of the key, in memory.</summary>
internal sealed class KeyAuthenticator(KeyTable keys, WrongKeyThrottle throttle, KeyHasher hasher, TimeProvider time)
{
    /// <summary>The caller; null with a problem for a key that is missing, malformed, unknown, revoked or expired.</summary>
    public Caller? Authenticate(HttpContext http, out Problem? problem)
    {
        string? text = PresentedKey.Read(http.Request.Headers, out problem);
        if (text is null)
            return null;
        DateTimeOffset now = time.GetUtcNow();
        Caller? caller = text.Length == ApiKey.Length ? keys.Find(hasher.Hash(text)) : null;
        if (caller is null && !ApiKey.IsWellFormed(text))
        {
            problem = new Problem(ProblemKind.KeyMalformed,
                "The Authorization header does not hold a Fairlead key (they start with hf_FL and have 37 characters). " +
                "If you pasted a provider's key, put it under 'providers' in the configuration instead.");
            return null;
        }
        if (caller is null || caller.Key.RevokedAt <= now)
        {
            IPAddress? address = http.Connection.RemoteIpAddress;
            problem = throttle.Blocks(address) is { } wait
                ? new Problem(ProblemKind.TooManyWrongKeys,
                    "Too many unknown keys came from this address. Check the key, then try again.", RetryAfter: wait)
                : new Problem(ProblemKind.KeyUnknown,
                    "This API key is not known to this server. It may have been revoked or belong to another Fairlead. " +
                    "Check it with 'fairlead keys list'.");
            return null;
        }
        if (caller.Key.Limits.ExpiresAt is { } expires && expires <= now)
        {
            problem = new Problem(ProblemKind.KeyExpired,
                $"Key '{caller.Key.Name}' expired on {expires.UtcDateTime:d MMM yyyy HH:mm} UTC. Rotate it with 'fairlead keys rotate {caller.Key.Name}'.");
            return null;
        }
        return caller;
    }
}
