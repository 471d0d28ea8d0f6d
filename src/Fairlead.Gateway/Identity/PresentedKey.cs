using Fairlead.Domain.Problems;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Fairlead.Gateway.Identity;

/// <summary>Reads the one key that a request presents: <c>Authorization: Bearer</c>, <c>x-api-key</c> or <c>api-key</c>.</summary>
internal static class PresentedKey
{
    /// <summary>The key's text; null with a problem when there is none, or when two headers disagree.</summary>
    /// <remarks>Two different credentials are refused rather than one of them chosen: whoever sits between the caller and us might choose the other.</remarks>
    public static string? Read(IHeaderDictionary headers, out Problem? problem)
    {
        problem = null;
        string? key = null;
        if (!Take(Bearer(headers.Authorization), ref key) || !Take(headers["x-api-key"], ref key) || !Take(headers["api-key"], ref key))
        {
            problem = new Problem(ProblemKind.KeysConflict,
                "This request carries two different keys. Send one, in the Authorization header as 'Bearer hf_FL…'.");
            return null;
        }
        if (key is null)
        {
            problem = new Problem(ProblemKind.KeyMissing,
                "This request carries no key. Send one as 'Authorization: Bearer hf_FL…' or 'x-api-key: hf_FL…'; make one with 'fairlead keys create'.");
        }
        return key;
    }

    private static StringValues Bearer(StringValues authorization)
    {
        if (authorization.Count != 1 || authorization[0] is not { } value)
            return authorization;
        const string Scheme = "Bearer ";
        return value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? value[Scheme.Length..].Trim() : value.Trim() is "Bearer" ? "" : value;
    }

    private static bool Take(StringValues values, ref string? key)
    {
        foreach (string? value in values)
        {
            if (string.IsNullOrEmpty(value))
                continue;
            if (key is not null && !string.Equals(key, value, StringComparison.Ordinal))
                return false;
            key = value;
        }
        return true;
    }
}
