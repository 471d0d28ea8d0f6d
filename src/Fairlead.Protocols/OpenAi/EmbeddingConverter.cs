using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Fairlead.Protocols.Dialects;

namespace Fairlead.Protocols.OpenAi;

/// <summary>Brings embeddings into the form that the caller asked for: numbers, or little-endian single precision in base 64, which OpenAI's SDKs
/// ask for by themselves and decode without looking.</summary>
internal static class EmbeddingConverter
{
    public static bool TryConvert(JsonObject answer, EmbeddingEncoding wanted)
    {
        foreach (JsonNode? node in answer["data"] as JsonArray ?? [])
        {
            if (node is not JsonObject item)
                return false;
            switch (item["embedding"])
            {
                case JsonArray numbers when wanted == EmbeddingEncoding.Base64:
                    var bytes = new byte[numbers.Count * 4];
                    for (int i = 0; i < numbers.Count; i++)
                    {
                        if (numbers[i] is not JsonValue value || !value.TryGetValue(out double number) || !float.IsFinite((float)number))
                            return false;
                        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * 4), (float)number);
                    }
                    item["embedding"] = Convert.ToBase64String(bytes);
                    break;
                case JsonValue text when wanted == EmbeddingEncoding.Float && text.TryGetValue(out string? base64):
                    byte[] raw = new byte[base64.Length];
                    if (!Convert.TryFromBase64String(base64, raw, out int length) || length % 4 != 0)
                        return false;
                    var array = new JsonArray();
                    for (int i = 0; i < length; i += 4)
                        array.Add((JsonNode)JsonValue.Create(BinaryPrimitives.ReadSingleLittleEndian(raw.AsSpan(i))));
                    item["embedding"] = array;
                    break;
            }
        }
        return true;
    }
}
