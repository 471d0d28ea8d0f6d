using System.Text;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Protocols.Dialects;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>What Anthropic's clients really send (recorded from the Python and Go SDKs and from frameworks) is taken, and can be said in both dialects.</summary>
public sealed class AnthropicRecordedTests
{
    private static readonly string Beside = Path.GetFullPath(Path.Combine(Checkout.Root, "..", "shared", "fixtures", "clients", "clients.jsonl"));

    [Fact]
    public void Every_recorded_request_is_taken()
    {
        string file = Environment.GetEnvironmentVariable("FAIRLEAD_CLIENT_RECORDINGS") is { Length: > 0 } named ? named : Beside;
        Assert.SkipUnless(File.Exists(file), "no recordings: set FAIRLEAD_CLIENT_RECORDINGS to clients.jsonl");
        int seen = 0;
        foreach (string line in File.ReadLines(file))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement request = document.RootElement.GetProperty("request");
            Route? route = request.GetProperty("path").GetString() switch { "/v1/messages" => Route.Messages, "/v1/messages/count_tokens" => Route.CountTokens, _ => null };
            if (route is null || request.GetProperty("method").GetString() != "POST" || !request.TryGetProperty("body_json", out JsonElement body))
                continue;
            seen++;
            string text = body.GetRawText();
            ScannedRequest? scanned = RequestDialects.Scan(route.Value, Encoding.UTF8.GetBytes(text), RequestLimits.Default, out var problem);
            Assert.True(scanned is not null, $"{document.RootElement.GetProperty("id")}: {problem?.Message}");
            Assert.Null(scanned.Request.BoundToDialect);
            if (route == Route.Messages)
                Assert.Contains("\"messages\":[", AnthropicBodies.Translated(text), StringComparison.Ordinal);
        }
        Assert.True(seen > 100, $"{seen} requests");
    }
}
