using System.Text.Json;
using Fairlead.Domain.Inference;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Reads a <c>usage</c> object in any of the shapes that OpenAI-dialect providers send, into one: cached tokens within the input, reasoning within the output.</summary>
public static class UsageReader
{
    /// <summary>Null when it is no object or holds no counts.</summary>
    public static Usage? Read(ReadOnlySpan<byte> json, ResponseQuirks quirks)
    {
        long input = -1, output = -1, total = -1, cached = 0, written = 0, reasoning = 0;
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("prompt_tokens"u8) || reader.ValueTextEquals("input_tokens"u8))
                    input = Count(ref reader, input);
                else if (reader.ValueTextEquals("completion_tokens"u8) || reader.ValueTextEquals("output_tokens"u8))
                    output = Count(ref reader, output);
                else if (reader.ValueTextEquals("total_tokens"u8))
                    total = Count(ref reader, total);
                else if (reader.ValueTextEquals("prompt_tokens_details"u8) || reader.ValueTextEquals("input_tokens_details"u8))
                    Details(ref reader, ref cached, ref written, ref reasoning);
                else if (reader.ValueTextEquals("completion_tokens_details"u8) || reader.ValueTextEquals("output_tokens_details"u8))
                    Details(ref reader, ref cached, ref written, ref reasoning);
                else if (reader.ValueTextEquals("prompt_cache_hit_tokens"u8) || reader.ValueTextEquals("cached_tokens"u8))
                    cached = Math.Max(cached, Count(ref reader, 0)); // DeepSeek, Moonshot
                else
                    Skip(ref reader);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
        if (input < 0 && output < 0 && total < 0)
            return null;
        if (input == -1)
            input = 0;
        if (output == -1)
            output = total > input ? total - input : 0;
        // Gemini counts its thoughts in the total only.
        if (quirks.HasFlag(ResponseQuirks.OutputFromTotal) && total > input + output)
            output = total - input;
        return new Usage(input, output, cached, written, reasoning);
    }

    private static void Details(ref Utf8JsonReader reader, ref long cached, ref long written, ref long reasoning)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("cached_tokens"u8))
                cached = Math.Max(cached, Count(ref reader, 0));
            else if (reader.ValueTextEquals("cache_write_tokens"u8))
                written = Count(ref reader, written);
            else if (reader.ValueTextEquals("reasoning_tokens"u8))
                reasoning = Count(ref reader, reasoning);
            else
                Skip(ref reader);
        }
    }

    /// <summary>A count; what is no number leaves what was known, what is absurd is passed on for <see cref="UsageBounds"/> to see.</summary>
    private static long Count(ref Utf8JsonReader reader, long otherwise)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number)
            return reader.TryGetInt64(out long whole) ? whole : reader.TryGetDouble(out double real) && Math.Abs(real) < long.MaxValue / 2 ? (long)real : long.MaxValue;
        reader.Skip();
        return otherwise;
    }

    private static void Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}

/// <summary>Replaces a provider's impossible counts by the nearest possible ones (fault U-34): a bill is not written from nonsense.</summary>
public static class UsageBounds
{
    /// <param name="usage">As reported.</param>
    /// <param name="expectedInput">Stands in for an input count that is negative.</param>
    /// <param name="maxInput">Most input that the model can hold.</param>
    /// <param name="maxOutput">Most output that it can give.</param>
    public static (Usage Usage, UsageSource Source) Bound(Usage usage, long expectedInput, long maxInput, long maxOutput)
    {
        long input = usage.InputTokens < 0 ? expectedInput : Math.Min(usage.InputTokens, maxInput);
        long output = Math.Clamp(usage.OutputTokens, 0, maxOutput);
        long cached = Math.Clamp(usage.CachedInputTokens, 0, input);
        long written = Math.Clamp(usage.CacheWriteTokens, 0, input - cached);
        long reasoning = Math.Clamp(usage.ReasoningTokens, 0, output);
        var bounded = new Usage(input, output, cached, written, reasoning);
        return (bounded, bounded == usage ? UsageSource.Reported : UsageSource.Bounded);
    }
}
