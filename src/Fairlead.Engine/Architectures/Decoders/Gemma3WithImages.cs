using System.Buffers;
using System.Text.Json;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Architectures.Decoders;

/// <summary>Gemma 3 from 4B upwards (reference: <c>modeling_gemma3.py</c>, <c>Gemma3ForConditionalGeneration</c>): of a model that reads images and text, the text model alone.</summary>
/// <remarks>Without an image in the prompt the image tower takes no part in the answer, so a text has the same scores as in the whole model.</remarks>
internal static class Gemma3WithImages
{
    /// <summary>What the class of the text model says where the file is silent: published files leave out whatever they share with it.</summary>
    private static readonly (string Key, int Value)[] s_defaults =
    [
        ("vocab_size", 262_208), ("hidden_size", 2304), ("intermediate_size", 9216), ("num_hidden_layers", 26), ("num_attention_heads", 8), ("num_key_value_heads", 4), ("head_dim", 256),
    ];

    public static DecoderArchitecture Architecture { get; } = new("gemma3", Design, Weights);

    private static DecoderDesign Design(ConfigReader config)
    {
        config.Ignore("vision_config", "mm_tokens_per_image", "boi_token_index", "eoi_token_index", "image_token_index");
        ConfigReader text = config.Group("text_config", Completed) ?? throw config.Unsupported("text_config");
        DecoderDesign design = Gemma3.Design(text);
        text.Finish();
        return design with { TiedHead = config.Flag("tie_word_embeddings", design.TiedHead) };
    }

    private static DecoderWeights Weights(CheckpointReader weights, DecoderDesign design)
    {
        // Files from before mid-2025 have the text model beside the tower, later ones within one model with it.
        CheckpointReader text = weights.Within(weights.Has("language_model.model.norm.weight") ? "language_model.model." : "model.language_model.");
        weights.Ignore(static name => name.Contains("vision_tower.", StringComparison.Ordinal) || name.Contains("multi_modal_projector.", StringComparison.Ordinal)
            || name == "language_model.lm_head.weight");
        return Gemma3.Architecture.Weights(text, design);
    }

    private static JsonConfig Completed(string file, JsonElement written)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            foreach (JsonProperty property in written.EnumerateObject())
                property.WriteTo(json);
            foreach ((string key, int value) in s_defaults)
            {
                if (!written.TryGetProperty(key, out _))
                    json.WriteNumber(key, value);
            }

            json.WriteEndObject();
        }

        return JsonConfig.Parse(file, bytes.WrittenMemory);
    }
}
