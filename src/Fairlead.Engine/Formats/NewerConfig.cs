using System.Buffers;
using System.Text.Json;

namespace Fairlead.Engine.Formats;

/// <summary>Turns a <c>config.json</c> as transformers 5 writes it into the form of transformers 4.</summary>
/// <remarks>
/// <c>dtype</c> becomes <c>torch_dtype</c>. <c>rope_parameters</c> is cut up: <c>rope_theta</c> and <c>partial_rotary_factor</c> move up, what is
/// left is <c>rope_scaling</c>. Where it has one object per kind of layer (gemma3), <c>full_attention</c> gives these and the base of
/// <c>sliding_attention</c> becomes <c>rope_local_base_freq</c>. The oldest spelling of the kind, <c>type</c>, becomes <c>rope_type</c>.
/// Source: transformers v5 <c>modeling_rope_utils.py</c>, <c>RotaryEmbeddingConfigMixin.convert_rope_params_to_dict</c>.
/// </remarks>
internal static class NewerConfig
{
    /// <summary>The same object in the older form.</summary>
    public static JsonElement ToOlder(string file, JsonElement root)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            bool hasNewRope = root.TryGetProperty("rope_parameters", out JsonElement rope) && rope.ValueKind != JsonValueKind.Null;
            foreach (JsonProperty property in root.EnumerateObject())
            {
                switch (property.Name)
                {
                    case "rope_parameters":
                        break;
                    case "dtype" when !root.TryGetProperty("torch_dtype", out _):
                        json.WritePropertyName("torch_dtype");
                        property.Value.WriteTo(json);
                        break;
                    case "rope_theta" or "rope_scaling" or "partial_rotary_factor" or "rope_local_base_freq" when hasNewRope:
                        break; // left there for old readers; the newer form decides
                    case "rope_scaling":
                        WriteScaling(file, json, property.Value, isNewer: false);
                        break;
                    default:
                        property.WriteTo(json);
                        break;
                }
            }

            if (hasNewRope)
                WriteRope(file, json, root, rope);
            json.WriteEndObject();
        }

        return JsonDocument.Parse(bytes.WrittenMemory, new JsonDocumentOptions { MaxDepth = StrictJson.MaxDepth }).RootElement;
    }

    private static void WriteRope(string file, Utf8JsonWriter json, JsonElement root, JsonElement rope)
    {
        if (rope.ValueKind != JsonValueKind.Object)
            throw new ModelFileException(file, null, $"rope_parameters must be an object, it is {StrictJson.Kind(rope)}");
        if (rope.TryGetProperty("full_attention", out JsonElement full) | rope.TryGetProperty("sliding_attention", out JsonElement sliding))
        {
            if (full.ValueKind != JsonValueKind.Object || sliding.ValueKind != JsonValueKind.Object)
                throw new ModelFileException(file, null, "rope_parameters must have an object for full_attention and one for sliding_attention");
            if (KindOf(file, sliding) is not (null or "default"))
                throw new ModelFileException(file, null, $"rope_parameters.sliding_attention scales positions ({KindOf(file, sliding)}); only the plain kind is supported there");
            if (sliding.TryGetProperty("rope_theta", out JsonElement local))
            {
                json.WritePropertyName("rope_local_base_freq");
                local.WriteTo(json);
            }

            rope = full;
        }

        foreach (string name in (ReadOnlySpan<string>)["rope_theta", "partial_rotary_factor"])
        {
            if (rope.TryGetProperty(name, out JsonElement value) || root.TryGetProperty(name, out value))
            {
                json.WritePropertyName(name);
                value.WriteTo(json);
            }
        }

        WriteScaling(file, json, rope, isNewer: true);
    }

    private static void WriteScaling(string file, Utf8JsonWriter json, JsonElement scaling, bool isNewer)
    {
        if (scaling.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null))
            throw new ModelFileException(file, null, $"rope_scaling must be an object, it is {StrictJson.Kind(scaling)}");
        if (scaling.ValueKind == JsonValueKind.Null || KindOf(file, scaling) is null or "default")
        {
            if (scaling.ValueKind == JsonValueKind.Object && !isNewer && KindOf(file, scaling) is null && scaling.EnumerateObject().Any())
                throw new ModelFileException(file, null, "rope_scaling has no rope_type");
            json.WriteNull("rope_scaling");
            return;
        }

        json.WriteStartObject("rope_scaling");
        json.WriteString("rope_type", KindOf(file, scaling) is "su" ? "longrope" : KindOf(file, scaling)); // "su" is what phi3 called it first
        foreach (JsonProperty property in scaling.EnumerateObject())
        {
            if (property.Name is not ("type" or "rope_type" or "rope_theta" or "partial_rotary_factor"))
                property.WriteTo(json);
        }

        json.WriteEndObject();
    }

    private static string? KindOf(string file, JsonElement scaling)
    {
        if (!scaling.TryGetProperty("rope_type", out JsonElement kind) && !scaling.TryGetProperty("type", out kind))
            return null;
        return kind.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => kind.GetString(),
            _ => throw new ModelFileException(file, null, $"the rope type must be a text, it is {StrictJson.Kind(kind)}"),
        };
    }
}
