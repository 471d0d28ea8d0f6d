using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>A body that ends early is refused in words, wherever it ends, on every route.</summary>
public sealed class TruncationTests
{
    [Fact]
    public void A_chat_cut_at_any_byte_is_refused() => CutEverywhere(Bodies.Sample, Route.Chat);

    [Fact]
    public void A_completion_cut_at_any_byte_is_refused() =>
        CutEverywhere("""{"prompt":["a","b"],"max_tokens":5,"echo":true,"best_of":2,"suffix":"x","logprobs":3,"model":"o/m"}""", Route.Completions);

    [Fact]
    public void An_embedding_cut_at_any_byte_is_refused() =>
        CutEverywhere("""{"input":[[1,2],[3]],"encoding_format":"base64","dimensions":8,"user":"u","model":"o/m"}""", Route.Embeddings);

    [Fact]
    public void The_routing_fields_cut_at_any_byte_are_refused() =>
        CutEverywhere("""{"model":"o/m","models":["a/b"],"provider":{"order":["x"],"only":["x"],"ignore":[],"allow_fallbacks":false,"sort":"price","max_price":{"prompt":"0.5","completion":2},"require_parameters":true},"response_format":{"type":"json_object"},"reasoning_effort":"low","n":2,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":null,"tool_calls":[]}]}""", Route.Chat);

    private static void CutEverywhere(string whole, Route route)
    {
        byte[] body = Bodies.Utf8(whole);
        Assert.NotNull(Bodies.Scan(body, route).Scanned);
        for (int length = 0; length < body.Length; length++)
        {
            (_, Problem? problem) = Bodies.Scan(body[..length], route);
            Assert.True(problem?.Kind == ProblemKind.BodyMalformed, $"cut at {length}: {problem?.Message ?? "taken"}");
        }
    }
}
