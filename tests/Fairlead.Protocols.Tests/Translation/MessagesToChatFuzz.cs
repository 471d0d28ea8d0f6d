using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.OpenAi;
using Fairlead.Protocols.Tests.Json;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>Whatever the Anthropic door takes can be written for OpenAI, and what is written has its form.</summary>
[Trait("Category", Fuzz.Category)]
public sealed class MessagesToChatFuzz(ITestOutputHelper log)
{
    private static readonly RequestQuirks AllQuirks = Enum.GetValues<RequestQuirks>().Aggregate(static (all, one) => all | one);

    [Fact]
    public void No_message_request_breaks_the_translator()
    {
        (long bodies, long taken) = Run(Fuzz.Seed, Fuzz.Time, long.MaxValue);
        log.WriteLine($"{bodies} bodies, {taken} taken");
        Assert.True(bodies > 0 && taken > 0, $"{bodies} bodies, {taken} taken");
    }

    [Fact]
    public void Twenty_thousand_message_requests_of_a_fixed_seed()
    {
        (long bodies, long taken) = Run(11, TimeSpan.FromMinutes(5), 20_000);
        Assert.Equal(20_000, bodies);
        Assert.InRange(taken, 4_000, bodies);
    }

    private static (long Bodies, long Taken) Run(int seed, TimeSpan time, long most)
    {
        var random = new Random(seed);
        var hostile = new HostileMessages(random);
        var json = new RandomJson(random);
        var clock = Stopwatch.StartNew();
        long bodies = 0;
        long taken = 0;
        for (; bodies < most && (bodies < 100 || clock.Elapsed < time); bodies++)
        {
            byte[] body = Encoding.UTF8.GetBytes(random.Next(8) == 0 ? new RandomTalk(random.Next()).AsMessages() : hostile.Body());
            if (random.Next(4) == 0)
                body = json.Mutate(body);
            var quirks = (RequestQuirks)(random.Next() & (int)AllQuirks);
            try
            {
                taken += Check(body, quirks) ? 1 : 0;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, body {bodies}, quirks {quirks}: {Encoding.UTF8.GetString(body)}", e);
            }
        }
        return (bodies, taken);
    }

    private static bool Check(byte[] body, RequestQuirks quirks)
    {
        ScannedRequest? scanned = RequestDialects.Scan(Route.Messages, body, RequestLimits.Default, out Problem? _);
        if (scanned is null)
            return false;
        using var output = new PooledBuffer();
        BodyEdits edits = Edits(quirks);
        RequestDialects.Write(body, scanned, edits, output);
        _ = Parsed(output);
        AssertHeaderSafe(RequestDialects.Adapted(scanned, body, edits));
        AssertHeaderSafe(scanned.Request.BoundToDialect);
        if (scanned.Request.BoundToDialect is not null)
            return true; // no offer of this dialect is asked for it
        output.Clear();
        RequestDialects.Write(body, scanned, Edits(RequestQuirks.None), output);
        JsonNode written = Parsed(output);
        JsonArray messages = written["messages"]!.AsArray();
        Assert.NotEmpty(messages);
        foreach (JsonNode? message in messages)
            AssertMessage(message!.AsObject());
        foreach (string list in (ReadOnlySpan<string>)["tools", "stop"])
            Assert.True(written[list] is null or JsonArray { Count: > 0 }, list);
        // What goes out is a chat that our own door takes, and the same one to those who count and pay.
        ScannedRequest? again = RequestDialects.Scan(Route.Chat, output.Span, RequestLimits.Default, out Problem? refused);
        Assert.True(again is not null, refused?.Message);
        Assert.Equal(scanned.Request.Stream, again!.Request.Stream);
        Assert.Equal(scanned.Request.MaxOutputTokens, again.Request.MaxOutputTokens);
        Assert.Equal(scanned.Request.Needs, again.Request.Needs);
        return true;
    }

    private static BodyEdits Edits(RequestQuirks quirks) => new("up/m", ForceUsage: true, quirks) { Spoken = Dialect.OpenAi };

    private static JsonNode Parsed(PooledBuffer output) =>
        JsonNode.Parse(output.Span, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 200 })!;

    private static void AssertMessage(JsonObject message)
    {
        string role = (string)message["role"]!;
        Assert.Contains(role, (string[])["system", "user", "assistant", "tool"]);
        JsonNode? content = message["content"];
        Assert.True(content is JsonValue || role == "user" || (role == "assistant" && content is null && message["tool_calls"] is not null), message.ToJsonString());
        if (content is JsonArray parts)
        {
            Assert.NotEmpty(parts);
            foreach (JsonNode? part in parts)
                AssertPart(part!);
        }
        else if (content is not null)
        {
            Assert.Equal(JsonValueKind.String, content.GetValueKind());
        }
        if (message.ContainsKey("tool_calls"))
        {
            Assert.NotEmpty(message["tool_calls"]!.AsArray());
            foreach (JsonNode? call in message["tool_calls"]!.AsArray())
            {
                Assert.True(call!["id"]!.GetValueKind() == JsonValueKind.String && call["function"]!["name"]!.GetValueKind() == JsonValueKind.String);
                Assert.IsType<JsonObject>(JsonNode.Parse((string)call["function"]!["arguments"]!));
            }
        }
        Assert.Equal(role == "tool", message.ContainsKey("tool_call_id"));
    }

    private static void AssertPart(JsonNode part)
    {
        string kind = (string)part["type"]!;
        JsonNode value = kind == "image_url" ? part["image_url"]!["url"]! : kind == "file" ? part["file"]!["file_data"]! : part["text"]!;
        Assert.Equal(JsonValueKind.String, value.GetValueKind());
    }

    private static void AssertHeaderSafe(string? names) =>
        Assert.True(names is null || (names.Length is > 0 and <= 1200 && names.All(static c => c is >= ' ' and <= '~')), names);
}
