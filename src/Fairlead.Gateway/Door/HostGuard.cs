using System.Collections.Immutable;
using System.Net;
using Fairlead.Gateway.Settings;
using Microsoft.AspNetCore.Http;

namespace Fairlead.Gateway.Door;

/// <summary>Refuses requests that came by a name nobody gave this server: a page that rebinds its own name to our loopback address
/// would otherwise be of our origin.</summary>
internal static class HostGuard
{
    public static bool Allows(HttpContext http, GatewaySettings settings)
    {
        HostString host = http.Request.Host;
        if (!host.HasValue)
            return true; // HTTP/1.0: no browser
        string name = host.Host;
        if (name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))
            return true;
        // An address cannot be rebound.
        if (IPAddress.TryParse(name.Trim('[', ']'), out _))
            return true;
        ImmutableArray<string> hosts = settings.Hosts;
        // Whoever listens beyond loopback is reached by names we cannot know; there, the network's own names are the operator's business.
        return hosts.Contains("*") || hosts.Contains(name, StringComparer.OrdinalIgnoreCase)
            || (hosts.IsEmpty && !IPAddress.IsLoopback(settings.Listen.Address));
    }
}
