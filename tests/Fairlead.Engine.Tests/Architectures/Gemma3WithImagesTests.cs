using System.Text.Json.Nodes;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Layers;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>The text model of Gemma 3 where it is part of a model that reads images: the golden's own weights under the larger model's names.</summary>
public sealed class Gemma3WithImagesTests
{
    [Theory]
    [InlineData("language_model.model.", "vision_tower.encoder.weight")]
    [InlineData("model.language_model.", "model.multi_modal_projector.weight")]
    public void The_text_model_within_a_larger_one_gives_the_scores_of_the_text_model(string root, string other)
    {
        Golden golden = Golden.Load("gemma3");
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("gemma3"));
        JsonNode text = JsonNode.Parse(folder.Config.Root.GetRawText())!;
        var config = new JsonObject { ["model_type"] = "gemma3", ["text_config"] = text, ["mm_tokens_per_image"] = 256, ["image_token_index"] = 262144, ["vision_config"] = new JsonObject { ["model_type"] = "siglip_vision_model" } };
        using var weights = new Renamed(folder.Weights, root, other);
        using Decoder decoder = Decoder.Load(
            new ConfigReader(JsonConfig.Parse("config.json", System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()))), new CheckpointReader("model", weights), new DecoderOptions { Threads = 1, Kv = KvType.F32 });
        using KvCache cache = decoder.NewCache(8);
        GoldenCase expected = golden.Cases[^1];
        float[] scores = new Reader(decoder, cache).Read(expected.Ids);
        Assert.True(golden.Distance(scores.AsSpan(scores.Length - decoder.Shape.VocabularySize), expected.LastLogits) <= 1);
    }

    [Fact]
    public void A_published_file_leaves_out_what_its_class_says()
    {
        var config = new ConfigReader(JsonConfig.Parse("config.json", """
            {"architectures":["Gemma3ForConditionalGeneration"],"boi_token_index":255999,"eoi_token_index":256000,"eos_token_id":[1,106],"image_token_index":262144,"initializer_range":0.02,"mm_tokens_per_image":256,"model_type":"gemma3",
            "text_config":{"hidden_size":2560,"intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,"rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},"torch_dtype":"bfloat16",
            "transformers_version":"4.50.0.dev0","vision_config":{"hidden_size":1152,"image_size":896,"intermediate_size":4304,"model_type":"siglip_vision_model","num_attention_heads":16,"num_hidden_layers":27,"patch_size":14,"vision_use_head":false}}
            """u8.ToArray()));
        Assert.Equal("gemma3", config.Text("model_type"));
        DecoderDesign design = ArchitectureRegistry.Find("config.json", "gemma3").Design(config);
        config.Finish();
        Assert.Equal((2560, 34, 8, 4, 256, 262_208, 131_072, true), (design.Width, design.Layers, design.Heads, design.KvHeads, design.HeadDimension, design.Vocabulary, design.ContextLength, design.TiedHead));
        Assert.Equal((RopeScaling.Linear, 8, RopeScaling.None), (design.Ropes[0].Scaling, design.Ropes[0].Factor, design.Ropes[1].Scaling));
    }

    [Fact]
    public void An_option_of_the_text_model_that_is_not_known_is_refused_there_too()
    {
        var config = new ConfigReader(JsonConfig.Parse("config.json", """{"model_type":"gemma3","text_config":{"attention_sinks":true}}"""u8.ToArray()));
        Assert.Contains("attention_sinks", Assert.Throws<ModelFileException>(() => ArchitectureRegistry.Find("config.json", "gemma3").Design(config)).Message, StringComparison.Ordinal);
    }

    private sealed class Renamed(IWeights weights, string root, string other) : IWeights
    {
        public IReadOnlyCollection<string> Names => [.. weights.Names.Select(name => root + name["model.".Length..]), other];

        public bool TryGet(string name, out TensorView tensor)
        {
            tensor = default;
            return name.StartsWith(root, StringComparison.Ordinal) && weights.TryGet("model." + name[root.Length..], out tensor);
        }

        public void Dispose()
        {
        }
    }
}
