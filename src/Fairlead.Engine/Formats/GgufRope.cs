using System.Buffers.Binary;
using System.Text.Json;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Formats;

/// <summary>How a GGUF file says that positions are turned, as <c>config.json</c> does: the base, the share of a head, and what stretches them.</summary>
internal sealed class GgufRope(GgufFile file, GgufKeys keys, Utf8JsonWriter json)
{
    /// <param name="headSize">Numbers of a head.</param>
    public void Write(long headSize)
    {
        json.WriteNumber("rope_theta", keys.Decimal("rope.freq_base") ?? 10_000); // llama.cpp's default
        long turned = keys.Whole("rope.dimension_count") ?? headSize;
        if (turned != headSize)
            json.WriteNumber("partial_rotary_factor", headSize == 0 ? 0 : (double)turned / headSize);

        // before December 2023 the factor alone stood there, first under another name
        double factor = keys.Decimal("rope.scaling.factor") ?? keys.Decimal("rope.scale_linear") ?? 1;
        string kind = keys.Name("rope.scaling.type") ?? (factor == 1 ? "none" : "linear");
        long context = keys.Wanted("context_length");
        if (keys.Has("rope_freqs.weight"))
        {
            // Llama 3.1 and later: the converter has worked out the divisor of every frequency. "longrope" is the form of config.json that takes divisors as they are.
            WriteDivisors("rope_freqs.weight", "rope_freqs.weight", context, context, attentionFactor: 1);
            return;
        }

        if (keys.Has("rope_factors_long.weight") && keys.Has("rope_factors_short.weight"))
        {
            long original = keys.Whole("rope.scaling.original_context_length") ?? context;
            WriteDivisors("rope_factors_short.weight", "rope_factors_long.weight", context, original, keys.Decimal("rope.scaling.attn_factor") ?? 1);
            return;
        }

        switch (kind)
        {
            case "none":
                return;
            case "linear":
                json.WriteStartObject("rope_scaling");
                json.WriteString("rope_type", "linear");
                json.WriteNumber("factor", factor);
                json.WriteEndObject();
                return;
            case "yarn":
                json.WriteStartObject("rope_scaling");
                json.WriteString("rope_type", "yarn");
                json.WriteNumber("factor", factor);
                json.WriteNumber("original_max_position_embeddings", keys.Whole("rope.scaling.original_context_length") ?? context);
                foreach ((string name, string key) in (ReadOnlySpan<(string, string)>)[("attention_factor", "yarn_attn_factor"), ("beta_fast", "yarn_beta_fast"), ("beta_slow", "yarn_beta_slow")])
                {
                    if (keys.Decimal("rope.scaling." + key) is { } number)
                        json.WriteNumber(name, number);
                }

                json.WriteEndObject();
                return;
            default:
                throw keys.Refuse("rope.scaling.type", $"{Excerpt.Of(kind)} is not supported; none, linear and yarn are, and the tables that Llama 3.1 and Phi-3 carry");
        }
    }

    private void WriteDivisors(string shortTable, string longTable, long context, long original, double attentionFactor)
    {
        json.WriteStartObject("rope_scaling");
        json.WriteString("rope_type", "longrope");
        json.WriteNumber("factor", original == 0 ? 1 : (double)context / original);
        json.WriteNumber("attention_factor", attentionFactor);
        json.WriteNumber("original_max_position_embeddings", original);
        WriteTable("short_factor", shortTable);
        WriteTable("long_factor", longTable);
        json.WriteEndObject();
    }

    private unsafe void WriteTable(string name, string tensor)
    {
        _ = file.TryGet(tensor, out TensorView table);
        if (table.Type != ElementType.F32 || table.Count > 1024)
            throw new ModelFileException(file.Name, file.Tensors[tensor].Offset, $"{tensor} is {table}; at most 1024 values of F32 are wanted");
        json.WriteStartArray(name);
        for (int i = 0; i < table.Count; i++)
        {
            float value = BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(table.Data + (4 * i), 4)));
            json.WriteNumberValue(float.IsFinite(value) && value > 0 ? value : throw new ModelFileException(file.Name, file.Tensors[tensor].Offset, $"{tensor} holds {value}, which divides nothing"));
        }

        json.WriteEndArray();
    }
}
