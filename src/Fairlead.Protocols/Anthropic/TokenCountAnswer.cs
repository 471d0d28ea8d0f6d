using System.Buffers;
using System.Text.Json;

namespace Fairlead.Protocols.Anthropic;

/// <summary>The answer of <c>/v1/messages/count_tokens</c>: <c>{"input_tokens":N}</c>.</summary>
public static class TokenCountAnswer
{
    /// <summary>Reads the count; null where the body is no such answer.</summary>
    public static long? Read(ReadOnlySpan<byte> body)
    {
        var json = new Utf8JsonReader(body);
        try
        {
            long? count = null;
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
                return null;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                bool wanted = json.ValueTextEquals("input_tokens"u8);
                json.Read();
                if (wanted)
                    count = json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long tokens) && tokens >= 0 ? tokens : null;
                json.Skip();
            }
            return json.TokenType == JsonTokenType.EndObject ? count : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Appends the answer.</summary>
    public static void Write(IBufferWriter<byte> output, long inputTokens)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteNumber("input_tokens", inputTokens);
        json.WriteEndObject();
    }
}
