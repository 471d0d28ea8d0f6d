using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Money;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Protocols.Translation;

/// <summary>Writes the <c>usage</c> of an answer that was not Anthropic's: what its cache read and wrote stands beside the input, not within it.</summary>
internal static class TranslatedUsage
{
    /// <summary>Of a whole message. Members that Anthropic's clients know and we have nothing for are null.</summary>
    public static void Write(Utf8JsonWriter json, in Usage usage, NanoDollars? cost)
    {
        json.WriteStartObject("usage"u8);
        WriteCounts(json, usage);
        if (usage.CacheWriteTokens > 0)
        {
            json.WriteStartObject("cache_creation"u8);
            json.WriteNumber("ephemeral_5m_input_tokens"u8, usage.CacheWriteTokens - usage.CacheWriteHourTokens);
            json.WriteNumber("ephemeral_1h_input_tokens"u8, usage.CacheWriteHourTokens);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("cache_creation"u8);
        }
        json.WriteNull("service_tier"u8);
        json.WriteNull("inference_geo"u8);
        WriteCharge(json, usage, cost);
        json.WriteEndObject();
    }

    /// <summary>Of a <c>message_delta</c>, which has fewer members.</summary>
    public static void WriteFinal(Utf8JsonWriter json, in Usage usage, NanoDollars cost)
    {
        json.WriteStartObject("usage"u8);
        WriteCounts(json, usage);
        WriteCharge(json, usage, cost);
        json.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter json, in Usage usage)
    {
        json.WriteNumber("input_tokens"u8, usage.InputTokens - usage.CachedInputTokens - usage.CacheWriteTokens);
        json.WriteNumber("cache_creation_input_tokens"u8, usage.CacheWriteTokens);
        json.WriteNumber("cache_read_input_tokens"u8, usage.CachedInputTokens);
        json.WriteNumber("output_tokens"u8, usage.OutputTokens);
        if (usage.ReasoningTokens > 0)
        {
            json.WriteStartObject("output_tokens_details"u8);
            json.WriteNumber("thinking_tokens"u8, usage.ReasoningTokens);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("output_tokens_details"u8);
        }
        json.WriteNull("server_tool_use"u8);
    }

    private static void WriteCharge(Utf8JsonWriter json, in Usage usage, NanoDollars? cost)
    {
        if (usage.ComputeTime > TimeSpan.Zero)
            json.WriteNumber("compute_seconds"u8, usage.ComputeSeconds);
        if (cost is not { } charged)
            return;
        json.WritePropertyName("cost"u8);
        json.WriteRawValue(UsageWriter.CostText(charged)); // digit for digit: never through a double
    }
}
