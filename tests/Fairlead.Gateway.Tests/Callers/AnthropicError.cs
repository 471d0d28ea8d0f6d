using System.Text.Json;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Tests.Yard;

namespace Fairlead.Gateway.Tests.Callers;

/// <summary>What every refusal at Anthropic's door has, read as its clients read it.</summary>
internal static class AnthropicError
{
    /// <summary>Checks the whole envelope and the headers beside it.</summary>
    /// <param name="answer">The refusal.</param>
    /// <param name="status">As Anthropic's clients expect it.</param>
    /// <param name="type">Anthropic's.</param>
    /// <param name="code">Ours.</param>
    /// <returns>The <c>error</c> member.</returns>
    public static JsonElement Check(Answer answer, int status, string type, string code)
    {
        Assert.True(answer.Status == status, $"{answer.Status}: {answer.Body}");
        JsonElement error = Check(answer.Json, type, code);
        string id = answer.Json.GetProperty("request_id").GetString()!;
        Assert.Equal(id, answer.Header("request-id"));
        Assert.Equal(id, answer.Header("x-request-id"));
        Assert.Equal("application/json", answer.Header("content-type"));
        Assert.Equal(code, answer.Header("x-error-code"));
        Assert.Equal(error.GetProperty("retryable").GetBoolean() ? "true" : "false", answer.Header("x-should-retry"));
        if (answer.Header("retry-after") is { } wait)
        {
            Assert.InRange(long.Parse(wait), 0, 60);
            Assert.InRange(long.Parse(answer.Header("retry-after-ms")!), 500, 60_000);
        }
        return error;
    }

    /// <summary>Checks an envelope, be it a body or the data of an event.</summary>
    public static JsonElement Check(JsonElement envelope, string type, string code)
    {
        Assert.Equal(["type", "error", "request_id"], envelope.EnumerateObject().Select(static m => m.Name));
        Assert.Equal("error", envelope.GetProperty("type").GetString());
        Assert.StartsWith("req_", envelope.GetProperty("request_id").GetString(), StringComparison.Ordinal);
        JsonElement error = envelope.GetProperty("error");
        Assert.Equal((type, code), (error.GetProperty("type").GetString(), error.GetProperty("details").GetProperty("error_code").GetString()));
        ProblemKind kind = ProblemKind.All.First(k => k.Code == code);
        Assert.Equal(kind.Retryable, error.GetProperty("retryable").GetBoolean());
        Assert.Equal($"docs/errors.md#{code}", error.GetProperty("docs").GetString());
        Assert.InRange(error.GetProperty("message").GetString()!.Length, 20, 600);
        Assert.DoesNotContain("Exception", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        return error;
    }
}
