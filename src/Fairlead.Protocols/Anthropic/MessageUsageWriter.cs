using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Anthropic;

/// <summary>Writes the <c>usage</c> object of a message: the upstream's own members, the counts that are charged, and <c>cost</c>.</summary>
internal static class MessageUsageWriter
{
    /// <param name="upstream">The upstream's usage object; empty when it sent none.</param>
    /// <param name="usage">What is charged; its time is told where some was measured.</param>
    /// <param name="cost">The charge.</param>
    public static JsonObject Complete(ReadOnlySpan<byte> upstream, in Usage usage, NanoDollars cost)
    {
        JsonObject json = OddJson.Parse(upstream) ?? [];
        // Beside each other, not within: what the cache read and wrote is no part of the input here.
        json["input_tokens"] = usage.InputTokens - usage.CachedInputTokens - usage.CacheWriteTokens;
        json["cache_creation_input_tokens"] = usage.CacheWriteTokens;
        if (usage.CacheWriteHourTokens > 0 || json["cache_creation"] is JsonObject)
        {
            json["cache_creation"] = new JsonObject
            {
                ["ephemeral_5m_input_tokens"] = usage.CacheWriteTokens - usage.CacheWriteHourTokens,
                ["ephemeral_1h_input_tokens"] = usage.CacheWriteHourTokens,
            };
        }
        json["cache_read_input_tokens"] = usage.CachedInputTokens;
        json["output_tokens"] = usage.OutputTokens;
        if (usage.ReasoningTokens > 0)
            json["output_tokens_details"] = new JsonObject { ["thinking_tokens"] = usage.ReasoningTokens };
        if (usage.ComputeTime > TimeSpan.Zero)
            json["compute_seconds"] = usage.ComputeSeconds;
        json["cost"] = UsageWriter.Cost(cost);
        return json;
    }
}
