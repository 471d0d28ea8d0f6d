using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>The <c>usage</c> object of a chat answer whose upstream counts otherwise: cached and written tokens within the prompt, each told once.</summary>
internal static class ChatUsage
{
    public static JsonObject Complete(in Usage usage, NanoDollars cost)
    {
        var counts = new JsonObject
        {
            ["prompt_tokens"] = 0,
            ["completion_tokens"] = 0,
            ["total_tokens"] = 0,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = usage.CachedInputTokens, ["cache_write_tokens"] = usage.CacheWriteTokens },
            ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = usage.ReasoningTokens },
        };
        return UsageWriter.Complete(Encoding.UTF8.GetBytes(counts.ToJsonString()), Route.Chat, usage, cost);
    }
}
