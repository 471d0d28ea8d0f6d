using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Yard;

namespace Fairlead.Conformance.Contract;

/// <summary>What the cases look at in an answer, and what holds for every refusal.</summary>
internal static class ContractAnswer
{
    /// <summary>What a provider was last sent.</summary>
    public static JsonElement Last(ScriptedUpstream upstream) => upstream.Requests.Last().Json;

    public static JsonElement[] Events(RawAnswer answer) =>
        [.. answer.Events.Where(static e => e != "[DONE]").Select(static e => JsonDocument.Parse(e).RootElement)];

    public static IEnumerable<JsonElement> Choices(RawAnswer answer) =>
        Events(answer).Where(static e => e.TryGetProperty("choices", out _)).SelectMany(static e => e.GetProperty("choices").EnumerateArray());

    public static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>What holds for every refusal, whichever route and reason.</summary>
    public static void Refused(RawAnswer answer, int status, string code)
    {
        Assert.True((status, code) == (answer.Status, answer.ErrorCode), $"{answer.Head}\n{answer.Text}");
        Assert.Equal("application/json", answer.Header("content-type"));
        JsonElement error = answer.Json.GetProperty("error");
        Assert.Equal(JsonValueKind.String, error.GetProperty("message").ValueKind);
        Assert.Equal(JsonValueKind.String, error.GetProperty("type").ValueKind);
        Assert.True(error.TryGetProperty("param", out _));
        Assert.Equal(code, answer.Header("x-error-code"));
        Assert.False(string.IsNullOrEmpty(answer.Header("x-error-message")));
        Assert.False(string.IsNullOrEmpty(answer.Header("x-request-id")));
        Assert.Contains(answer.Header("x-should-retry"), (string?[])["true", "false"]);
        Assert.Equal(Encoding.UTF8.GetByteCount(answer.Text), int.Parse(answer.Header("content-length")!, CultureInfo.InvariantCulture));
    }
}
