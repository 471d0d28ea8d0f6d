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

/// <summary>Bodies made to mislead or to break: refused, never an exception; and what is taken can be written for either dialect.</summary>
[Trait("Category", Fuzz.Category)]
public sealed class AnthropicHostileTests(ITestOutputHelper log)
{
    private static readonly RequestQuirks AllQuirks = Enum.GetValues<RequestQuirks>().Aggregate(static (all, one) => all | one);

    private static readonly string[] Seeds =
    [
        AnthropicBodies.Message("\"stream\":true,\"temperature\":0.5,\"stop_sequences\":[\"a\"],\"thinking\":{\"type\":\"adaptive\"},\"metadata\":{\"user_id\":\"u\"},\"x_new\":[1]"),
        AnthropicBodies.Conversation("""
            {"content":[{"text":"a\ud83d\ude00","type":"text"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}],"role":"user"},
            {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a\"b": "\\\" ", "n":[1, {}]}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","is_error":true,"content":[{"type":"text","text":"x"},{"type":"document","title":"t","source":{"type":"content","content":[{"type":"image","source":{"type":"url","url":"u"}}]}}]},{"type":"text","text":"go"}]}
            """, "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"},\"output_config\":{\"effort\":\"low\",\"format\":{\"type\":\"json_schema\",\"schema\":{}}}"),
        AnthropicBodies.User("""{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"}},{"type":"search_result","source":"s","title":"t","content":[]},{"type":"of_tomorrow"}"""),
    ];

    [Theory]
    [InlineData("api_base")]
    [InlineData("apiKey")]
    [InlineData("base_url")]
    [InlineData("headers")]
    [InlineData("extra_headers")]
    [InlineData("webhook_url")]
    [InlineData("proxy")]
    public void A_field_that_would_choose_the_destination_is_refused(string name)
    {
        Problem problem = AnthropicBodies.Refused(AnthropicBodies.Message($"\"{name}\":\"http://169.254.169.254/\""));
        Assert.Equal((ProblemKind.ProviderFieldRefused, name), (problem.Kind, problem.Param));
    }

    [Theory]
    [InlineData("""{"model":"a","model":"b","max_tokens":1,"messages":[{"role":"user","content":"x"}]}""")]
    [InlineData("""{"model":"a","max_tokens":1,"messages":[{"role":"user","role":"assistant","content":"x"}]}""")]
    [InlineData("""{"model":"a","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","t\u0079pe":"image","text":"x"}]}]}""")]
    [InlineData("""{"model":"a","max_tokens":1,"messages":[{"role":"user","content":"\ud83d"}]}""")]
    [InlineData("""{"model":"a","max_tokens":1,"messages":[{"role":"user","content":"x"}]} x""")]
    [InlineData("""[]""")]
    [InlineData("")]
    public void What_two_readers_might_read_differently_is_malformed(string body) => Assert.Equal(ProblemKind.BodyMalformed, AnthropicBodies.Refused(body).Kind);

    [Fact]
    public void Nesting_without_end_is_refused() =>
        Assert.Equal(ProblemKind.BodyMalformed, AnthropicBodies.Refused(AnthropicBodies.Message("\"x\":" + new string('[', 100_000))).Kind);

    [Fact]
    public void A_body_cut_anywhere_is_refused()
    {
        byte[] body = Encoding.UTF8.GetBytes(Seeds[1]);
        for (int length = 0; length < body.Length; length++)
            Assert.Null(AnthropicBodies.Scan(body[..length]).Scanned);
    }

    [Fact]
    public void Large_pictures_are_copied_and_never_made_a_string()
    {
        string body = AnthropicBodies.User("""{"type":"image","source":{"type":"base64","media_type":"image/png","data":"DATA"}}""".Replace("DATA", new string('A', 4_000_000), StringComparison.Ordinal));
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        ScannedRequest scanned = AnthropicBodies.Scan(bytes).Scanned!;
        using var output = new PooledBuffer(10_000_000);
        var edits = new BodyEdits("up/m", ForceUsage: true, RequestQuirks.None) { Spoken = Dialect.OpenAi };
        RequestDialects.Write(bytes, scanned, edits, output); // what the pool keeps is rented the first time
        long allocated = Allocation.Of(() =>
        {
            output.Clear();
            RequestDialects.Write(bytes, scanned, edits, output);
        });
        Assert.InRange(allocated, 0, 100_000);
        Assert.InRange(output.Length, 4_000_000, 4_001_000);
    }

    [Fact]
    public void No_body_breaks_the_scanner_or_a_writer()
    {
        (long bodies, long taken) = Run(Fuzz.Seed, Fuzz.Time, long.MaxValue);
        log.WriteLine($"{bodies} bodies, {taken} taken");
        Assert.True(bodies > 0 && taken > 0, $"{bodies} bodies, {taken} taken");
    }

    [Fact]
    public void Twenty_thousand_bodies_of_a_fixed_seed() => Assert.Equal(20_000, Run(7, TimeSpan.FromMinutes(5), 20_000).Bodies);

    private static (long Bodies, long Taken) Run(int seed, TimeSpan time, long most)
    {
        var random = new Random(seed);
        var json = new RandomJson(random);
        var clock = Stopwatch.StartNew();
        long bodies = 0;
        long taken = 0;
        while (bodies < most && (bodies < 100 || clock.Elapsed < time))
        {
            byte[] body = Encoding.UTF8.GetBytes(random.Next(5) == 0 ? json.Body() : Seeds[random.Next(Seeds.Length)]);
            if (random.Next(6) != 0)
                body = json.Mutate(body);
            Route route = random.Next(4) == 0 ? Route.CountTokens : Route.Messages;
            var quirks = (RequestQuirks)(random.Next() & (int)AllQuirks);
            try
            {
                taken += Check(route, body, quirks) ? 1 : 0;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, body {bodies}, {route}, quirks {quirks}: {Encoding.UTF8.GetString(body)} = {Convert.ToHexString(body)}", e);
            }
            bodies++;
        }
        return (bodies, taken);
    }

    private static bool Check(Route route, byte[] body, RequestQuirks quirks)
    {
        (ScannedRequest? scanned, Problem? problem) = AnthropicBodies.Scan(body, route);
        List<(string Name, string Value)>? oracle = JsonOracle.Read(body);
        if (scanned is null)
        {
            if (oracle is not null && JsonOracle.CursorTakes(body) && body.AsSpan().TrimStart(" \t\r\n"u8).StartsWith("{"u8))
                Assert.NotEqual(ProblemKind.BodyMalformed, problem!.Kind);
            return false;
        }
        Assert.NotNull(oracle);
        Assert.Equal(oracle.Select(static m => m.Name), scanned.Members.Select(static m => m.Name));

        using var relayed = new PooledBuffer();
        RequestDialects.Write(body, scanned, new BodyEdits("up/m", ForceUsage: true, quirks) { Spoken = Dialect.Anthropic }, relayed);
        ScannedRequest? again = RequestDialects.Scan(route, relayed.Span, RequestLimits.Default, out Problem? refused);
        Assert.True(again is not null, refused?.Message);
        Assert.Equal(scanned.Request.MaxOutputTokens, again!.Request.MaxOutputTokens);
        Assert.Equal(scanned.Request.BoundToDialect, again.Request.BoundToDialect);

        using var chat = new PooledBuffer();
        RequestDialects.Write(body, scanned, new BodyEdits("up/m", ForceUsage: true, quirks) { Spoken = Dialect.OpenAi }, chat);
        using JsonDocument written = JsonDocument.Parse(chat.Memory, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 128 });
        Assert.Equal("up/m", written.RootElement.GetProperty("model").GetString());
        Assert.All(written.RootElement.GetProperty("messages").EnumerateArray(), static m => Assert.True(m.TryGetProperty("content", out _)));
        return true;
    }
}
