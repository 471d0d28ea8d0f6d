using System.Text.Json;
using Fairlead.Domain.Inference;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Reads a <c>usage</c> object in any of the shapes that OpenAI-dialect providers send, into one: cached tokens within the input, reasoning within the output.</summary>
public static class UsageReader
{
    /// <summary>Null when it is no object or holds no counts.</summary>
    /// <remarks>Also the shapes of Anthropic, Cohere and Gemini themselves, as gateways in front of them pass them on. Counts are not bounded here.</remarks>
    public static Usage? Read(ReadOnlySpan<byte> json, ResponseQuirks quirks)
    {
        var counts = new Counts();
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;
            counts.ReadMembers(ref reader);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null; // no JSON, or a name with half a character in it
        }
        return counts.ToUsage(quirks);
    }

    private struct Counts
    {
        private long? _input;
        private long? _anthropicInput;
        private long? _output;
        private long? _total;
        private long _cached;
        private long _cacheRead;
        private long _cacheWritten;
        private long _thoughts;
        private long _written;
        private long _reasoning;
        private long _forMinutes;
        private long _forAnHour;

        public void ReadMembers(ref Utf8JsonReader reader)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("prompt_tokens"u8) || reader.ValueTextEquals("promptTokenCount"u8))
                    _input = Count(ref reader, _input);
                else if (reader.ValueTextEquals("input_tokens"u8))
                    _anthropicInput = Count(ref reader, _anthropicInput);
                else if (reader.ValueTextEquals("completion_tokens"u8) || reader.ValueTextEquals("output_tokens"u8) || reader.ValueTextEquals("candidatesTokenCount"u8))
                    _output = Count(ref reader, _output);
                else if (reader.ValueTextEquals("total_tokens"u8) || reader.ValueTextEquals("totalTokenCount"u8))
                    _total = Count(ref reader, _total);
                else if (reader.ValueTextEquals("cached_tokens"u8) || reader.ValueTextEquals("prompt_cache_hit_tokens"u8) || reader.ValueTextEquals("cachedContentTokenCount"u8))
                    _cached = Math.Max(_cached, Count(ref reader, 0) ?? 0); // DeepSeek and Moonshot tell it on top, and some mirror it in the details
                else if (reader.ValueTextEquals("cache_write_tokens"u8))
                    _written = Count(ref reader, _written) ?? 0;
                else if (reader.ValueTextEquals("cache_read_input_tokens"u8))
                    _cacheRead = Count(ref reader, 0) ?? 0;
                else if (reader.ValueTextEquals("cache_creation_input_tokens"u8))
                    _cacheWritten = Count(ref reader, 0) ?? 0;
                else if (reader.ValueTextEquals("ephemeral_5m_input_tokens"u8))
                    _forMinutes = Count(ref reader, 0) ?? 0;
                else if (reader.ValueTextEquals("ephemeral_1h_input_tokens"u8) || reader.ValueTextEquals("cache_write_hour_tokens"u8))
                    _forAnHour = Count(ref reader, 0) ?? 0;
                else if (reader.ValueTextEquals("reasoning_tokens"u8) || reader.ValueTextEquals("thinking_tokens"u8))
                    _reasoning = Count(ref reader, _reasoning) ?? 0;
                else if (reader.ValueTextEquals("thoughtsTokenCount"u8))
                    _thoughts = Count(ref reader, 0) ?? 0;
                else if (reader.ValueTextEquals("tokens"u8) || IsDetails(ref reader) || (reader.ValueTextEquals("billed_units"u8) && _output is null))
                    Nested(ref reader);
                else
                    Skip(ref reader);
            }
        }

        public readonly Usage? ToUsage(ResponseQuirks quirks)
        {
            long written = _cacheWritten != 0 ? _cacheWritten : Sum(_forMinutes, _forAnHour);
            // Anthropic counts what its cache read and wrote beside the input; everybody else within it.
            long? reported = _input ?? (_anthropicInput is { } fresh ? Sum(fresh, _cacheRead, written) : null);
            if (reported is null && _output is null && _total is null)
                return null;
            long input = reported ?? 0;
            long output = _output is { } own ? Sum(own, _thoughts) : Math.Max(0, (_total ?? 0) - input);
            // Gemini's OpenAI dialect counts its thoughts in the total only.
            if (quirks.Has(ResponseQuirks.OutputFromTotal) && input >= 0 && output >= 0 && _total - input > output)
                output = _total!.Value - input;
            return new Usage(input, output, Math.Max(_cached, _cacheRead), Math.Max(_written, written), Math.Max(_reasoning, _thoughts), _forAnHour);
        }

        private static long Sum(params ReadOnlySpan<long> counts)
        {
            Int128 sum = 0;
            foreach (long count in counts)
                sum += count;
            return (long)Int128.Clamp(sum, long.MinValue, long.MaxValue);
        }

        private static bool IsDetails(ref Utf8JsonReader reader) =>
            reader.ValueTextEquals("cache_creation"u8) || reader.ValueTextEquals("prompt_tokens_details"u8) || reader.ValueTextEquals("input_tokens_details"u8)
            || reader.ValueTextEquals("completion_tokens_details"u8) || reader.ValueTextEquals("output_tokens_details"u8);

        private void Nested(ref Utf8JsonReader reader)
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject)
                ReadMembers(ref reader);
            else
                reader.Skip();
        }
    }

    /// <summary>A count; what is no number leaves what was known, what is absurd is passed on for <see cref="UsageBounds"/> to see.</summary>
    private static long? Count(ref Utf8JsonReader reader, long? otherwise)
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
