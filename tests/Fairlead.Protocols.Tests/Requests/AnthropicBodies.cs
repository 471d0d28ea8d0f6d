using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>Message requests in, scans and upstream bodies of either dialect out.</summary>
internal static class AnthropicBodies
{
    /// <summary>A minimal request with <paramref name="more"/> members behind it.</summary>
    public static string Message(string more = "") => $$"""{"model":"o/m","max_tokens":16,"messages":[{"role":"user","content":"hi"}]{{(more.Length > 0 ? "," + more : "")}}}""";

    /// <summary>A request whose messages are these.</summary>
    public static string Conversation(string messages, string more = "") => $$"""{"model":"o/m","max_tokens":16,"messages":[{{messages}}]{{(more.Length > 0 ? "," + more : "")}}}""";

    /// <summary>A request with one message of the user's that holds these blocks.</summary>
    public static string User(string blocks, string more = "") => Conversation($$"""{"role":"user","content":[{{blocks}}]}""", more);

    public static (ScannedRequest? Scanned, Problem? Problem) Scan(string body, Route route = Route.Messages) => Scan(Encoding.UTF8.GetBytes(body), route);

    public static (ScannedRequest? Scanned, Problem? Problem) Scan(byte[] body, Route route = Route.Messages)
    {
        ScannedRequest? scanned = RequestDialects.Scan(route, body, RequestLimits.Default, out Problem? problem);
        Assert.True(scanned is null != problem is null, "exactly one of result and problem");
        if (problem is not null)
            Bodies.AssertReadable(problem);
        return (scanned, problem);
    }

    public static ScannedRequest Taken(string body, Route route = Route.Messages)
    {
        (ScannedRequest? scanned, Problem? problem) = Scan(body, route);
        Assert.True(scanned is not null, problem?.Message);
        return scanned!;
    }

    public static InferenceRequest Request(string body, Route route = Route.Messages) => Taken(body, route).Request;

    public static Problem Refused(string body, Route route = Route.Messages)
    {
        (_, Problem? problem) = Scan(body, route);
        Assert.True(problem is not null, "the body was taken: " + (body.Length > 200 ? body[..200] : body));
        return problem!;
    }

    /// <summary>The body for an upstream of Anthropic's dialect.</summary>
    public static string Relayed(string body, Route route = Route.Messages) => Write(body, Dialect.Anthropic, RequestQuirks.None, route);

    /// <summary>The body for an upstream of OpenAI's dialect.</summary>
    public static string Translated(string body, RequestQuirks quirks = RequestQuirks.None) => Write(body, Dialect.OpenAi, quirks, Route.Messages);

    /// <summary>The names that <c>x-fairlead-adapted</c> tells.</summary>
    public static string? Adapted(string body, Dialect spoken = Dialect.OpenAi, RequestQuirks quirks = RequestQuirks.None)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        return RequestDialects.Adapted(Taken(body), bytes, new BodyEdits("up/m", ForceUsage: true, quirks) { Spoken = spoken });
    }

    private static string Write(string body, Dialect spoken, RequestQuirks quirks, Route route)
    {
        using var output = new PooledBuffer();
        RequestDialects.Write(Encoding.UTF8.GetBytes(body), Taken(body, route), new BodyEdits("up/m", ForceUsage: true, quirks) { Spoken = spoken }, output);
        return Encoding.UTF8.GetString(output.Span);
    }
}
