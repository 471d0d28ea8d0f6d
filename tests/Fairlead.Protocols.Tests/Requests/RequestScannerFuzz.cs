using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using Fairlead.Protocols.Tests.Json;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>Throws random and damaged bodies at the scanner and the writer for as long as asked, and checks what must always hold.</summary>
[Trait("Category", Fuzz.Category)]
public sealed class RequestScannerFuzz(ITestOutputHelper log)
{
    private static readonly Route[] Routes = [Route.Chat, Route.Completions, Route.Embeddings];
    private static readonly RequestQuirks AllQuirks = Enum.GetValues<RequestQuirks>().Aggregate(static (all, one) => all | one);

    private static readonly string[] Seeds =
    [
        Bodies.Sample,
        Bodies.Chat(""" "response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"},"strict":true}},"tool_choice":{"function":{"name":"f"}} """),
        Bodies.Chat(""" "max_tokens":5,"max_completion_tokens":7,"stop":["x"],"seed":4,"random_seed":5,"store":true,"reasoning_effort":"minimal" """),
        """{"model":"a/b:together","messages":[{"role":"developer","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"1"}],"provider":{"order":["together"],"max_price":{"prompt":"0.5","completion":1}}}""",
        """{"prompt":["a","b"],"n":2,"best_of":3,"echo":true,"logprobs":1,"model":"a/b","stream":true,"stream_options":null}""",
        """{"input":[[1,2],[3]],"encoding_format":"base64","dimensions":4,"model":"a/b"}""",
    ];

    [Fact]
    public void No_body_breaks_the_scanner_or_the_writer()
    {
        (long bodies, long taken) = Run(Fuzz.Seed, Fuzz.Time, long.MaxValue);
        log.WriteLine($"{bodies} bodies, {taken} taken");
        Assert.True(bodies > 0 && taken > 0, $"{bodies} bodies, {taken} taken");
    }

    [Fact]
    public void Twenty_thousand_bodies_of_a_fixed_seed() => Assert.Equal(20_000, Run(7, TimeSpan.FromMinutes(5), 20_000).Bodies);

    /// <summary>Runs until the time or the count is over, whichever comes first.</summary>
    /// <param name="seed">Gives the same bodies in the same order.</param>
    /// <param name="time">How long.</param>
    /// <param name="most">How many bodies.</param>
    /// <returns>Bodies tried, and of those the ones taken.</returns>
    public static (long Bodies, long Taken) Run(int seed, TimeSpan time, long most)
    {
        var random = new Random(seed);
        var json = new RandomJson(random);
        var clock = Stopwatch.StartNew();
        long bodies = 0;
        long taken = 0;
        while (bodies < most && (bodies < 100 || clock.Elapsed < time))
        {
            byte[] body = Encoding.UTF8.GetBytes(random.Next(3) == 0 ? json.Body() : Seeds[random.Next(Seeds.Length)]);
            if (random.Next(4) != 0)
                body = json.Mutate(body);
            Route route = Routes[random.Next(Routes.Length)];
            var quirks = (RequestQuirks)(random.Next() & (int)AllQuirks);
            try
            {
                taken += Check(route, body, quirks, random.Next(2) == 0) ? 1 : 0;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, body {bodies}, {route}, quirks {quirks}: {Encoding.UTF8.GetString(body)} = {Convert.ToHexString(body)}", e);
            }
            bodies++;
        }
        return (bodies, taken);
    }

    private static bool Check(Route route, byte[] body, RequestQuirks quirks, bool forceUsage)
    {
        (ScannedRequest? scanned, Problem? problem) = Bodies.Scan(body, route);
        List<(string Name, string Value)>? oracle = JsonOracle.Read(body);
        if (scanned is null)
        {
            // What is JSON to both is refused for what it says, never as malformed.
            if (oracle is not null && JsonOracle.CursorTakes(body) && body.AsSpan().TrimStart(" \t\r\n"u8).StartsWith("{"u8))
                Assert.NotEqual(ProblemKind.BodyMalformed, problem!.Kind);
            return false;
        }
        Assert.NotNull(oracle);
        Assert.Equal(oracle.Select(static m => m.Name), scanned.Members.Select(static m => m.Name));
        Assert.Equal(oracle.Select(static m => m.Value), scanned.Members.Select(m => Encoding.UTF8.GetString(body[m.Value])));
        Assert.InRange(scanned.Request.Choices, 1, 128);

        using var output = new PooledBuffer();
        UpstreamBodyWriter.Write(body, scanned, new BodyEdits("up/model", forceUsage, quirks), output);
        using JsonDocument written = JsonDocument.Parse(output.Memory, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 128 });
        Assert.Equal("up/model", written.RootElement.GetProperty("model").GetString());
        Assert.False(written.RootElement.TryGetProperty("models", out _) || written.RootElement.TryGetProperty("provider", out _));
        // What goes out is a request again, and the same one to those who count and pay.
        ScannedRequest? again = RequestScanner.Scan(route, output.Span, RequestLimits.Default, out Problem? refused);
        Assert.True(again is not null, refused?.Message);
        Assert.Equal(scanned.Request.Stream, again!.Request.Stream);
        Assert.Equal(scanned.Request.MaxOutputTokens, again.Request.MaxOutputTokens);
        Assert.Equal(scanned.Request.Choices, again.Request.Choices);
        return true;
    }
}
