using Fairlead.Upstreams.Http;

namespace Fairlead.Upstreams.Providers;

/// <summary>How a key is written into a request.</summary>
public enum KeyForm : byte
{
    /// <summary>The upstream takes no key.</summary>
    None = 0,

    /// <summary><c>authorization: Bearer KEY</c></summary>
    Bearer,

    /// <summary><c>api-key: KEY</c></summary>
    ApiKeyHeader,

    /// <summary><c>authorization: Key KEY</c></summary>
    KeyScheme,
}

/// <summary>A key, its form, and the origin it was stored for (B-07). Prints <c>***</c>.</summary>
public sealed class EndpointKey(KeyForm form, string key, Uri boundTo)
{
    internal OriginCredential? Credential => form switch
    {
        KeyForm.None => null,
        KeyForm.Bearer => new OriginCredential(boundTo, "authorization", $"Bearer {key}"),
        KeyForm.ApiKeyHeader => new OriginCredential(boundTo, "api-key", key),
        KeyForm.KeyScheme => new OriginCredential(boundTo, "authorization", $"Key {key}"),
        _ => throw new ArgumentOutOfRangeException(nameof(form), form, "No such key form."),
    };

    public override string ToString() => "***";
}
