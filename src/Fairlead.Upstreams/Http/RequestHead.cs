using System.Buffers.Text;
using System.Text;

namespace Fairlead.Upstreams.Http;

/// <summary>A header of which each call may bring its own value.</summary>
/// <param name="Name">Lower case.</param>
/// <param name="Otherwise">Sent where the call brings none; null: then the header is not sent.</param>
public sealed record CallHeader(string Name, string? Otherwise);

/// <summary>Request line and headers of one route of one origin, encoded once. Per request only accept, x-request-id, content-length and the headers that are
/// the call's own are added.</summary>
public sealed class RequestHead
{
    private readonly byte[] _fixed;
    private readonly byte[] _caller = [];
    private readonly IReadOnlyList<CallHeader> _callHeaders;

    /// <param name="origin">The credential in it is written into these bytes and no others.</param>
    /// <param name="path">Appended to the origin's base path; begins with a slash and may have a query.</param>
    /// <param name="extraHeaders">Configured headers.</param>
    /// <param name="callerHeader">Name of the header that tells whose call it is; null where it is not sent.</param>
    /// <param name="callHeaders">The only ones of <see cref="UpstreamCall.Headers"/> that are sent.</param>
    /// <exception cref="ArgumentException">A path or header that could break out of its line.</exception>
    public RequestHead(UpstreamOrigin origin, string path, IEnumerable<KeyValuePair<string, string>> extraHeaders, string? callerHeader = null,
        IReadOnlyList<CallHeader>? callHeaders = null)
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
        _callHeaders = callHeaders ?? [];
        foreach (CallHeader header in _callHeaders)
        {
            HeaderRules.Check(header.Name, header.Otherwise ?? "");
            if (!seen.Add(header.Name))
                throw new ArgumentException($"The header '{header.Name}' is set twice.", nameof(callHeaders));
        }
        _fixed = Encoding.ASCII.GetBytes(text.ToString());
        if (callerHeader is not null)
            _caller = Encoding.ASCII.GetBytes(callerHeader + ": ");
        Origin = origin;
    }

    /// <summary>The one place these bytes may be sent to.</summary>
    public UpstreamOrigin Origin { get; }

    /// <summary>Upper bound of what <see cref="Write"/> writes.</summary>
    internal int MaxLength(UpstreamCall call) => _fixed.Length + call.RequestId.Length + _caller.Length + 160 + CallHeadersLength(call);

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

        foreach (CallHeader header in _callHeaders)
        {
            if (ValueOf(header, call) is not { } value)
                continue;
            // What a caller sent was checked at the door; whoever makes a call by another way learns of it here and not from a split request.
            if (value.Length > HeaderRules.LongestFromCaller || !HeaderRules.IsValue(value))
                throw new ArgumentException($"The value of the header '{header.Name}' is at most {HeaderRules.LongestFromCaller} printable ASCII characters.", nameof(call));
            at += Encoding.ASCII.GetBytes(header.Name, destination[at..]);
            Put(": "u8, destination, ref at);
            at += Encoding.ASCII.GetBytes(value, destination[at..]);
            Put("\r\n"u8, destination, ref at);
        }

        Put("content-length: "u8, destination, ref at);
        Utf8Formatter.TryFormat(call.Body.Length, destination[at..], out int digits);
        at += digits;
        Put("\r\n\r\n"u8, destination, ref at);
        return at;
    }

    /// <summary>The call's own value, the first where it brings two; else the one for calls without.</summary>
    private static string? ValueOf(CallHeader header, UpstreamCall call)
    {
        for (int i = 0; i < call.Headers.Count; i++)
        {
            if (call.Headers[i].Key.Equals(header.Name, StringComparison.OrdinalIgnoreCase))
                return call.Headers[i].Value;
        }
        return header.Otherwise;
    }

    private int CallHeadersLength(UpstreamCall call)
    {
        int length = 0;
        foreach (CallHeader header in _callHeaders)
            length += header.Name.Length + (ValueOf(header, call)?.Length ?? 0) + 4;
        return length;
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
