using System.Security.Cryptography.X509Certificates;

namespace Fairlead.Upstreams.Http;

/// <summary>A credential and the only origin it may be sent to (B-07). Prints <c>***</c>.</summary>
/// <param name="boundTo">Scheme, host and port of this address are the binding; its path says nothing.</param>
/// <param name="header">Name of the header that carries it.</param>
/// <param name="value">The whole header value, the scheme word included.</param>
public sealed class OriginCredential(Uri boundTo, string header, string value)
{
    internal string HeaderName { get; } = header;

    internal string Reveal() => value;

    internal bool IsFor(Uri origin) => Uri.Compare(
        boundTo, origin, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    public override string ToString() => "***";
}

/// <summary>Where requests go: scheme, host, port and base path, or a Unix socket, with the credential bound to exactly that place. Immutable.</summary>
/// <remarks>Which addresses an operator may name (B-02) is the settings' business; here every name is connected to as it resolves.
/// Proxy environment variables are not read (B-08).</remarks>
public sealed class UpstreamOrigin
{
    /// <param name="baseUrl">Absolute, http or https, without user info, query or fragment.</param>
    /// <param name="credential">Null when the upstream takes none.</param>
    /// <param name="roots">Certificate authorities trusted instead of the system's for this origin; null for the system's.</param>
    /// <param name="socketPath">A Unix domain socket that is connected to instead of the address's host and port; null for TCP.</param>
    /// <exception cref="ArgumentException">Not such an address, or the credential belongs to another origin (<c>secret_origin_mismatch</c>).</exception>
    public UpstreamOrigin(Uri baseUrl, OriginCredential? credential = null, X509Certificate2Collection? roots = null, string? socketPath = null)
    {
        if (!baseUrl.IsAbsoluteUri || (baseUrl.Scheme != Uri.UriSchemeHttp && baseUrl.Scheme != Uri.UriSchemeHttps))
            throw new ArgumentException("An upstream's address begins with http:// or https://.", nameof(baseUrl));
        if (baseUrl.UserInfo.Length > 0 || baseUrl.Query.Length > 0 || baseUrl.Fragment.Length > 0)
            throw new ArgumentException("An upstream's address has no user info, query or fragment.", nameof(baseUrl));
        if (credential is not null && !credential.IsFor(baseUrl))
            throw new ArgumentException("secret_origin_mismatch: this credential was stored for another origin.", nameof(credential));
        if (socketPath is not null && baseUrl.Scheme == Uri.UriSchemeHttps)
            throw new ArgumentException("A Unix socket is this machine's own and is spoken to without TLS.", nameof(socketPath));
        BaseUrl = baseUrl;
        SocketPath = socketPath;
        Secure = baseUrl.Scheme == Uri.UriSchemeHttps;
        Host = baseUrl.IdnHost.Trim('[', ']');
        Port = baseUrl.Port;
        BasePath = baseUrl.AbsolutePath.TrimEnd('/');
        Credential = credential;
        Roots = roots;
        string host = baseUrl.HostNameType == UriHostNameType.IPv6 ? $"[{Host}]" : Host;
        HostHeader = baseUrl.IsDefaultPort ? host : $"{host}:{Port}";
        Name = $"{baseUrl.Scheme}://{HostHeader}";
    }

    public Uri BaseUrl { get; }

    public bool Secure { get; }

    /// <summary>Name or address without brackets; used for the name service, SNI and the certificate's name.</summary>
    public string Host { get; }

    public int Port { get; }

    /// <summary>The Unix domain socket behind it; null for TCP.</summary>
    public string? SocketPath { get; }

    /// <summary>Empty or <c>/a/b</c>, never with a trailing slash.</summary>
    public string BasePath { get; }

    /// <summary><c>scheme://host[:port]</c>, for metrics and records.</summary>
    public string Name { get; }

    internal string HostHeader { get; }

    internal OriginCredential? Credential { get; }

    internal X509Certificate2Collection? Roots { get; }

    public override string ToString() => Name;
}
