using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Writes the <c>usage</c> object that a caller gets: the upstream's own members, the counts that are charged, and <c>cost</c>.</summary>
internal static class UsageWriter
{
    /// <param name="upstream">The upstream's usage object; empty when it sent none.</param>
    /// <param name="route">Embeddings have no output to count.</param>
    /// <param name="usage">What is charged; its time is told where some was measured.</param>
    /// <param name="cost">The charge.</param>
    public static JsonObject Complete(ReadOnlySpan<byte> upstream, Route route, in Usage usage, NanoDollars cost)
    {
        JsonObject json = LooseJson.ParseObject(Encoding.UTF8.GetString(upstream)) ?? [];
        json["prompt_tokens"] = usage.InputTokens;
        if (route != Route.Embeddings)
            json["completion_tokens"] = usage.OutputTokens;
        json["total_tokens"] = usage.InputTokens + usage.OutputTokens;
        Detail(json, "prompt_tokens_details", "cached_tokens", usage.CachedInputTokens);
        Detail(json, "prompt_tokens_details", "cache_write_tokens", usage.CacheWriteTokens);
        Detail(json, "prompt_tokens_details", "cache_write_hour_tokens", usage.CacheWriteHourTokens);
        Detail(json, "completion_tokens_details", "reasoning_tokens", usage.ReasoningTokens);
        if (usage.ComputeTime > TimeSpan.Zero)
            json["compute_seconds"] = usage.ComputeSeconds;
        json["cost"] = Cost(cost);
        return json;
    }

    /// <summary>A part of a count in the place where OpenAI's clients look for it; what the upstream has put there itself stays.</summary>
    private static void Detail(JsonObject json, string details, string name, long count)
    {
        if (count == 0)
            return;
        if (json[details] is not JsonObject parts)
            json[details] = parts = [];
        parts.TryAdd(name, count);
    }

    /// <summary>US dollars as a JSON number in plain decimal, digit for digit: never through a double.</summary>
    public static JsonNode Cost(NanoDollars cost) => JsonNode.Parse(CostText(cost))!;

    /// <summary>The same as text, for splicing.</summary>
    public static string CostText(NanoDollars cost)
    {
        string text = cost.ToString();
        return text.TrimEnd('0').TrimEnd('.') is { Length: > 0 } trimmed ? trimmed : "0";
    }
}
