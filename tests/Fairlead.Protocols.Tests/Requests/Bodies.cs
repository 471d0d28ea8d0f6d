using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>Bodies in, scans and upstream bodies out, as the tests of this folder need them.</summary>
internal static class Bodies
{
    /// <summary>A chat with every kind of JSON value, escapes, pairs of surrogates and text beyond ASCII.</summary>
    public const string Sample = """
        {"messages": [ {"role":"system","content":"Be \"brief\".\n"}, {"role" : "user", "content": [{"type":"text","text":"ünïcödé \ud83d\ude00 漢字"},
        {"type":"image_url","image_url":{"url":"https://example.org/a.png"}}]}], "temperature": 0.25, "stop": ["a", "b"], "stream": true,
        "seed": -12, "x_unknown": {"deep": [1, 2.5e-3, null, false, {"k": []}]}, "stream_options": {"include_usage": false},
        "tools": [{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}], "model": "meta-llama/Llama-3.1-8B-Instruct:cheapest"}
        """;

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>A minimal chat with <paramref name="more"/> members behind it.</summary>
    public static string Chat(string more = "") => $$"""{"model":"o/m","messages":[{"role":"user","content":"hi"}]{{(more.Length > 0 ? "," + more : "")}}}""";

    public static string Completion(string more = "") => $$"""{"model":"o/m","prompt":"hi"{{(more.Length > 0 ? "," + more : "")}}}""";

    public static string Embedding(string input, string more = "") => $$"""{"model":"o/m","input":{{input}}{{(more.Length > 0 ? "," + more : "")}}}""";

    public static (ScannedRequest? Scanned, Problem? Problem) Scan(string body, Route route = Route.Chat) => Scan(Utf8(body), route);

    public static (ScannedRequest? Scanned, Problem? Problem) Scan(byte[] body, Route route = Route.Chat)
    {
        ScannedRequest? scanned = RequestScanner.Scan(route, body, RequestLimits.Default, out Problem? problem);
        Assert.True(scanned is null != problem is null, "exactly one of result and problem");
        if (problem is not null)
            AssertReadable(problem);
        return (scanned, problem);
    }

    public static ScannedRequest Taken(string body, Route route = Route.Chat)
    {
        (ScannedRequest? scanned, Problem? problem) = Scan(body, route);
        Assert.True(scanned is not null, problem?.Message);
        return scanned!;
    }

    public static InferenceRequest Request(string body, Route route = Route.Chat) => Taken(body, route).Request;

    public static Problem Refused(string body, Route route = Route.Chat)
    {
        (_, Problem? problem) = Scan(body, route);
        Assert.True(problem is not null, "the body was taken: " + (body.Length > 200 ? body[..200] : body));
        return problem!;
    }

    public static string Write(string body, RequestQuirks quirks = RequestQuirks.None, bool forceUsage = false, Route route = Route.Chat, string model = "up/stream")
    {
        byte[] bytes = Utf8(body);
        using var output = new PooledBuffer();
        UpstreamBodyWriter.Write(bytes, Taken(body, route), new BodyEdits(model, forceUsage, quirks), output);
        return Encoding.UTF8.GetString(output.Span);
    }

    /// <summary>What holds for every refusal: an own 4xx, at most 300 characters, nothing that could break a header or a terminal.</summary>
    public static void AssertReadable(Problem problem)
    {
        Assert.InRange(problem.Status, 400, 413);
        Assert.InRange(problem.Message.Length, 10, 300);
        Assert.DoesNotContain(problem.Message, static c => char.IsControl(c));
        if (problem.Param is { } param)
            Assert.True(param.Length is > 0 and <= 200 && !param.Any(char.IsControl), param);
    }
}
