using System.Buffers.Text;
using System.Text;

namespace Fairlead.Upstreams.Http;

/// <summary>Request line and headers of one route of one origin, encoded once. Per request only accept, x-request-id and content-length are added.</summary>
public sealed class RequestHead
{
    private readonly byte[] _fixed;
    private readonly byte[] _caller = [];

    /// <param name="origin">The credential in it is written into these bytes and no others.</param>
    /// <param name="path">Appended to the origin's base path; begins with a slash and may have a query.</param>
    /// <param name="extraHeaders">Configured headers.</param>
    /// <param name="callerHeader">Name of the header that tells whose call it is; null where it is not sent.</param>
    /// <exception cref="ArgumentException">A path or header that could break out of its line.</exception>
    public RequestHead(UpstreamOrigin origin, string path, IEnumerable<KeyValuePair<string, string>> extraHeaders, string? callerHeader = null)
    {
        string target = origin.BasePath + path;
        if (!HeaderRules.IsPath(target))
            throw new ArgumentException("An upstream's path begins with a slash and has printable ASCII only.", nameof(path));
        var text = new StringBuilder(512)
            .Append("POST ").Append(target).Append(" HTTP/1.1\r\nhost: ").Append(origin.HostHeader)
            .Append("\r\nuser-agent: fairlead\r\ncontent-type: application/json\r\naccept-encoding: identity\r\n");
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "user-agent" };
        if (origin.Credential is { } credential)
            Append(text, seen, credential.HeaderName, credential.Reveal());
        foreach ((string name, string value) in extraHeaders)
            Append(text, seen, name, value);
        _fixed = Encoding.ASCII.GetBytes(text.ToString());
        if (callerHeader is not null)
            _caller = Encoding.ASCII.GetBytes(callerHeader + ": ");
        Origin = origin;
    }

    /// <summary>The one place these bytes may be sent to.</summary>
    public UpstreamOrigin Origin { get; }

    /// <summary>Upper bound of what <see cref="Write"/> writes.</summary>
    internal int MaxLength(UpstreamCall call) => _fixed.Length + call.RequestId.Length + _caller.Length + 160;

    /// <summary>Writes the head, the empty line included.</summary>
    /// <returns>Bytes written.</returns>
    internal int Write(Span<byte> destination, UpstreamCall call)
    {
        if (call.RequestId.Length > 128 || !HeaderRules.IsValue(call.RequestId))
            throw new ArgumentException("A request id is at most 128 printable ASCII characters.", nameof(call));
        int at = 0;
        Put(_fixed, destination, ref at);
        Put(call.Stream ? "accept: text/event-stream\r\n"u8 : "accept: application/json\r\n"u8, destination, ref at);
        if (call.RequestId.Length > 0)
        {
            Put("x-request-id: "u8, destination, ref at);
            at += Encoding.ASCII.GetBytes(call.RequestId, destination[at..]);
            Put("\r\n"u8, destination, ref at);
        }

        if (_caller.Length > 0)
        {
            Put(_caller, destination, ref at);
            at += Encoding.ASCII.GetBytes(call.Caller.ToString(), destination[at..]);
            Put("\r\n"u8, destination, ref at);
        }

        Put("content-length: "u8, destination, ref at);
        Utf8Formatter.TryFormat(call.Body.Length, destination[at..], out int digits);
        at += digits;
        Put("\r\n\r\n"u8, destination, ref at);
        return at;
    }

    private static void Append(StringBuilder text, HashSet<string> seen, string name, string value)
    {
        HeaderRules.Check(name, value);
        if (!seen.Add(name))
            throw new ArgumentException($"The header '{name}' is set twice.", nameof(name));
        text.Append(name).Append(": ").Append(value).Append("\r\n");
    }

    private static void Put(ReadOnlySpan<byte> bytes, Span<byte> destination, ref int at)
    {
        bytes.CopyTo(destination[at..]);
        at += bytes.Length;
    }
}
