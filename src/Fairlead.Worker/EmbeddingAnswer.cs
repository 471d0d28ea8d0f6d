using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Fairlead.Worker;

/// <summary>The vectors of one request.</summary>
/// <param name="Vectors">One for each input, in order.</param>
/// <param name="Tokens">Of all inputs.</param>
internal sealed record EmbeddingAnswer(IReadOnlyList<float[]> Vectors, int Tokens)
{
    /// <summary>Inputs that lost their end: <c>input[24]</c>.</summary>
    public ImmutableArray<string> Cut { get; init; } = [];

    /// <summary>Writes the whole body.</summary>
    /// <param name="json">Fresh.</param>
    /// <param name="model">As callers write it.</param>
    /// <param name="base64">Little-endian 32-bit floats as base64, as OpenAI's own clients ask for; numbers otherwise.</param>
    public void Write(Utf8JsonWriter json, string model, bool base64)
    {
        json.WriteStartObject();
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        for (int i = 0; i < Vectors.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("object", "embedding");
            json.WriteNumber("index", i);
            if (base64)
            {
                json.WriteBase64String("embedding", MemoryMarshal.AsBytes(Vectors[i].AsSpan())); // every platform of ours is little-endian
            }
            else
            {
                json.WriteStartArray("embedding");
                foreach (float value in Vectors[i])
                    json.WriteNumberValue(value);
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("model", model);
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", Tokens);
        json.WriteNumber("total_tokens", Tokens);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
