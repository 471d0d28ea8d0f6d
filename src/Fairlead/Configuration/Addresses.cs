using System.Net;
using System.Net.Sockets;

namespace Fairlead.Configuration;

/// <summary>Addresses and URLs that an operator may set.</summary>
internal static class Addresses
{
    /// <summary>An IP address or <c>localhost</c> with a port; <c>:8080</c> is loopback.</summary>
    public static bool TryParse(string text, out IPEndPoint endPoint)
    {
        endPoint = new IPEndPoint(IPAddress.Loopback, 0);
        string full = text.StartsWith(':') ? "127.0.0.1" + text : text.StartsWith("localhost:", StringComparison.OrdinalIgnoreCase) ? "127.0.0.1" + text[9..] : text;
        if (!full.Contains(':', StringComparison.Ordinal) || !IPEndPoint.TryParse(full, out IPEndPoint? parsed) || parsed.Port is < 1 or > 65535)
            return false;
        endPoint = parsed;
        return true;
    }

    public static bool TryUrl(string text, out Uri url)
    {
        bool right = Uri.TryCreate(text, UriKind.Absolute, out Uri? parsed) && parsed.Scheme is "http" or "https" && parsed!.UserInfo.Length == 0
            && parsed.Query.Length == 0 && parsed.Fragment.Length == 0 && parsed.Host.Length > 0;
        url = parsed ?? new Uri("http://invalid/");
        return right;
    }

    /// <summary>Loopback, private (RFC 1918, ULA) or a name without dots: somewhere on the operator's own network.</summary>
    public static bool IsPrivate(Uri url)
    {
        if (url.IsLoopback)
            return true;
        if (!IPAddress.TryParse(url.Host.Trim('[', ']'), out IPAddress? address))
            return !url.Host.Contains('.', StringComparison.Ordinal) || url.Host.EndsWith(".local", StringComparison.OrdinalIgnoreCase) || url.Host.EndsWith(".internal", StringComparison.OrdinalIgnoreCase);
        byte[] b = address.GetAddressBytes();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? b[0] == 10 || (b[0] == 172 && b[1] is >= 16 and <= 31) || (b[0] == 192 && b[1] == 168) || b[0] == 127 || (b[0] == 100 && b[1] is >= 64 and <= 127)
            : (b[0] & 0xFE) == 0xFC;
    }
}
