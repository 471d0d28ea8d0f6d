using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;
using Fairlead.Protocols.Buffers;
using Fairlead.Protocols.Dialects;
using Fairlead.Protocols.Tests.Json;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>Whatever the door takes can be written for Anthropic, and what is written has its form.</summary>
[Trait("Category", Fuzz.Category)]
public sealed class ChatToMessagesFuzz(ITestOutputHelper log)
{
    private static readonly string[] Models =
        ["claude-3-haiku-20240307", Translated.Old, Translated.Haiku, "claude-opus-4-5", "claude-sonnet-4-6", "claude-opus-4-8", "claude-sonnet-5", "claude-sonnet-5-5", Translated.Newest];

    [Fact]
    public void No_chat_breaks_the_translator()
    {
        (long bodies, long taken) = Run(Fuzz.Seed, Fuzz.Time, long.MaxValue);
        log.WriteLine($"{bodies} bodies, {taken} taken");
        Assert.True(bodies > 0 && taken > 0, $"{bodies} bodies, {taken} taken");
    }

    [Fact]
    public void Twenty_thousand_chats_of_a_fixed_seed()
    {
        (long bodies, long taken) = Run(11, TimeSpan.FromMinutes(5), 20_000);
        Assert.Equal(20_000, bodies);
        Assert.InRange(taken, 4_000, bodies);
    }

    private static (long Bodies, long Taken) Run(int seed, TimeSpan time, long most)
    {
        var random = new Random(seed);
        var hostile = new HostileChat(random);
        var json = new RandomJson(random);
        var clock = Stopwatch.StartNew();
        long bodies = 0;
        long taken = 0;
        for (; bodies < most && (bodies < 100 || clock.Elapsed < time); bodies++)
        {
            byte[] body = Encoding.UTF8.GetBytes(random.Next(8) == 0 ? new RandomTalk(random.Next()).AsChat() : hostile.Body());
            if (random.Next(4) == 0)
                body = json.Mutate(body);
            string model = Models[random.Next(Models.Length)];
            try
            {
                taken += Check(body, Translated.Edits(model, random.Next(3) == 0 ? null : 2048)) ? 1 : 0;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, body {bodies}, {model}: {Encoding.UTF8.GetString(body)}", e);
            }
        }
        return (bodies, taken);
    }

    private static bool Check(byte[] body, in BodyEdits edits)
    {
        ScannedRequest? scanned = RequestDialects.Scan(Route.Chat, body, RequestLimits.Default, out Problem? _);
        if (scanned is null)
            return false;
        using var output = new PooledBuffer();
        RequestDialects.Write(body, scanned, edits, output);
        JsonNode written = JsonNode.Parse(output.Span, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 200 })!;
        AssertHeaderSafe(RequestDialects.Adapted(scanned, body, edits));
        AssertHeaderSafe(scanned.Request.BoundToDialect);
        Assert.True((long)written["max_tokens"]! >= 0);
        if (scanned.Request.BoundToDialect is not null)
            return true; // no offer of this dialect is asked for it
        JsonArray turns = written["messages"]!.AsArray();
        Assert.NotEmpty(turns);
        for (int i = 0; i < turns.Count; i++)
        {
            string role = (string)turns[i]!["role"]!;
            // One after the other, the user first; only what stands in for the user may follow itself.
            Assert.True(role == (i % 2 == 0 ? "user" : "assistant"), turns.ToJsonString());
            AssertContent(turns[i]!["content"], role);
        }
        AssertEnd(turns, thinksByBudget: (string?)written["thinking"]?["type"] == "enabled");
        if (written["system"] is { } system)
            AssertContent(system, "system");
        foreach (string list in (ReadOnlySpan<string>)["tools", "stop_sequences"])
            Assert.True(written[list] is null or JsonArray { Count: > 0 }, list);
        int marks = Encoding.UTF8.GetString(output.Span).Split("\"cache_control\":").Length - 1;
        Assert.InRange(marks, 0, 4);
        return true;
    }

    private static void AssertContent(JsonNode? content, string role)
    {
        if (content is JsonArray blocks)
            AssertBlocks(blocks, role);
        else
            Assert.False(string.IsNullOrWhiteSpace((string)content!));
    }

    private static void AssertBlocks(JsonArray blocks, string role)
    {
        Assert.NotEmpty(blocks);
        bool others = false;
        foreach (JsonNode? block in blocks)
        {
            string kind = (string)block!["type"]!;
            Assert.Contains(kind, role switch
            {
                "system" => ["text"],
                "user" => ["text", "image", "document", "tool_result"],
                _ => (string[])["text", "thinking", "redacted_thinking", "tool_use"],
            });
            if (kind == "tool_result")
                Assert.False(others, blocks.ToJsonString());
            else
                others = true;
            if (kind == "text")
                Assert.False(string.IsNullOrWhiteSpace((string)block["text"]!));
            if (kind == "tool_use")
                Assert.True((string)block["name"]! != "" && block["input"] is JsonObject);
            if (kind is "tool_use" or "tool_result")
                Assert.Matches("^[a-zA-Z0-9_-]+$", (string?)block["id"] ?? (string)block["tool_use_id"]!);
            if (kind is "image" or "document")
                AssertSource(block["source"]!);
            if (kind == "tool_result" && block["content"] is { } given)
                AssertContent(given, "user");
        }
    }

    private static void AssertSource(JsonNode source)
    {
        switch ((string)source["type"]!)
        {
            case "url":
                Assert.StartsWith("http", (string)source["url"]!, StringComparison.OrdinalIgnoreCase);
                break;
            case "file":
                Assert.StartsWith("file_", (string)source["file_id"]!, StringComparison.Ordinal);
                break;
            default:
                Assert.True(source["data"] is JsonValue && source["media_type"] is JsonValue, source.ToJsonString());
                break;
        }
    }

    /// <summary>What an answer goes on from does not end in white space; and where a model thinks by a budget, each turn of the loop that is under way begins with its thinking.</summary>
    private static void AssertEnd(JsonArray turns, bool thinksByBudget)
    {
        JsonNode last = turns[^1]!;
        string? words = last["content"] is JsonArray said ? (string?)said[^1]!["text"] : (string)last["content"]!;
        Assert.False((string)last["role"]! == "assistant" && words is { Length: > 0 } && char.IsWhiteSpace(words[^1]), turns.ToJsonString());
        for (int i = turns.Count - 1; i >= 0 && thinksByBudget && turns[i]!["content"] is JsonArray blocks; i--)
        {
            bool calls = blocks.Any(static block => (string)block!["type"]! == "tool_use");
            if ((string)turns[i]!["role"]! == "user" && blocks.Any(static block => (string)block!["type"]! != "tool_result"))
                return;
            Assert.False(calls && (string)blocks[0]!["type"]! is not ("thinking" or "redacted_thinking"), turns.ToJsonString());
        }
    }

    private static void AssertHeaderSafe(string? names) =>
        Assert.True(names is null || (names.Length is > 0 and <= 1200 && names.All(static c => c is >= ' ' and <= '~')), names);
}
