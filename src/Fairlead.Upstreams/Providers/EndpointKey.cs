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

    /// <summary><c>x-api-key: KEY</c></summary>
    XApiKeyHeader,
}

/// <summary>Key forms as configuration and providers.json write them.</summary>
public static class KeyForms
{
    /// <summary>Every word there is.</summary>
    public static IReadOnlyList<string> Words { get; } = ["bearer", "x-api-key", "api-key", "key"];

    /// <summary>The form of a word; null where there is none.</summary>
    public static KeyForm? Find(string? word) => word switch
    {
        "bearer" => KeyForm.Bearer,
        "x-api-key" => KeyForm.XApiKeyHeader,
        "api-key" => KeyForm.ApiKeyHeader,
        "key" => KeyForm.KeyScheme,
        _ => null,
    };
}

/// <summary>A key, its form, and the origin it was stored for (B-07). Prints <c>***</c>.</summary>
public sealed class EndpointKey(KeyForm form, string key, Uri boundTo)
{
    /// <summary>The header that carries it, the secret in the clear; null where the upstream takes none.</summary>
    public (string Name, string Value)? Header => form switch
    {
        KeyForm.None => null,
        KeyForm.Bearer => ("authorization", $"Bearer {key}"),
        KeyForm.ApiKeyHeader => ("api-key", key),
        KeyForm.KeyScheme => ("authorization", $"Key {key}"),
        KeyForm.XApiKeyHeader => ("x-api-key", key),
        _ => throw new ArgumentOutOfRangeException(nameof(form), form, "No such key form."),
    };

    internal OriginCredential? Credential => Header is { } header ? new OriginCredential(boundTo, header.Name, header.Value) : null;

    public override string ToString() => "***";
}
