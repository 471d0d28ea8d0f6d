using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Protocols.Faults;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.OpenAi;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Upstreams.Tests.Http;

/// <summary>The client under test, and the words tests use for it.</summary>
internal static class Client
{
    /// <summary>How long a test waits for what is not the work of a clock.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Clocks that no machine is too busy for, and that end nothing for which a test waits.</summary>
    public static readonly UpstreamClocks Patient = new(2 * Patience, 2 * Patience, 2 * Patience, 2 * Patience);

    public static UpstreamCall Call(string body = "{}", UpstreamClocks? clocks = null, bool stream = false) => new()
    {
        Route = Route.Chat,
        Body = Encoding.UTF8.GetBytes(body),
        Stream = stream,
        Clocks = clocks ?? Patient,
        RequestId = "req_1",
    };

    public static OpenAiUpstream To(Uri url, UpstreamTransport transport, EndpointKey? key = null) =>
        new(new OpenAiEndpoint(url) { Key = key }, transport, Classify);

    public static UpstreamFault Classify(int status, string? contentType, ReadOnlySpan<byte> body, HeaderLookup header, DateTimeOffset now) =>
        new(FaultKind.ServerError, Encoding.UTF8.GetString(body[..Math.Min(body.Length, 200)]) + "|" + body.Length + "|" + contentType + "|" + header("retry-after"), status);

    /// <summary>One request to a server that answers <paramref name="answer"/> and closes; the fault or the body.</summary>
    public static async Task<(UpstreamFault? Fault, string Body, BodyKind Kind)> AskAsync(byte[] answer, TransportLimits? limits = null, int readSize = 4096)
    {
        await using var server = new RawServer(async c =>
        {
            await c.ReadRequestAsync();
            await c.WriteAsync(answer);
        });
        using var transport = new UpstreamTransport(TimeProvider.System, limits);
        return await ReadAsync(await To(server.Url, transport).OpenAsync(Call(), CancellationToken.None), readSize);
    }

    public static Task<(UpstreamFault? Fault, string Body, BodyKind Kind)> AskAsync(string answer) => AskAsync(RawServer.Bytes(answer));

    public static async Task<(UpstreamFault? Fault, string Body, BodyKind Kind)> ReadAsync(UpstreamReply reply, int readSize = 4096)
    {
        if (reply is UpstreamReply.Refused refused)
            return (refused.Fault, "", default);
        await using var opened = (UpstreamReply.Opened)reply;
        var text = new StringBuilder();
        byte[] buffer = new byte[readSize];
        try
        {
            while (await opened.ReadAsync(buffer, CancellationToken.None) is > 0 and int count)
                text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        catch (UpstreamBrokenException e)
        {
            return (e.Fault, text.ToString(), opened.Kind);
        }

        return (null, text.ToString(), opened.Kind);
    }
}
