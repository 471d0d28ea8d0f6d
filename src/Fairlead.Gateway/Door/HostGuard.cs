using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Fairlead.Gateway.Settings;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Door;

/// <summary>Refuses requests that came by a name nobody gave this server: a page that rebinds its own name to our loopback address
/// would otherwise be of our origin.</summary>
internal static class HostGuard
{
    public static bool Allows(HttpContext http, GatewaySettings settings)
    {
        // The header as it came: the framework's own reading of it throws at a name that is no punycode.
        ReadOnlySpan<char> name = Name(http.Request.Headers.Host.ToString());
        if (name.IsEmpty)
            return true; // HTTP/1.0: no browser
        if (name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))
            return true;
        // An address cannot be rebound.
        if (IPAddress.TryParse(name.Trim("[]"), out _))
            return true;
        ImmutableArray<string> hosts = settings.Hosts;
        // Whoever listens beyond loopback is reached by names we cannot know; there, the network's own names are the operator's business.
        if (hosts.IsEmpty)
            return !IPAddress.IsLoopback(settings.Listen.Address);
        foreach (string host in hosts)
        {
            if (host == "*" || name.Equals(host, StringComparison.OrdinalIgnoreCase) || (!Ascii.IsValid(host) && name.Equals(new IdnMapping().GetAscii(host), StringComparison.OrdinalIgnoreCase)))
                return true;
        }
        return false;
    }

    /// <summary>Without the port; an IPv6 address keeps its brackets.</summary>
    private static ReadOnlySpan<char> Name(string host)
    {
        int port = host.LastIndexOf(':');
        return port > host.LastIndexOf(']') ? host.AsSpan(0, port) : host;
    }
}
