using System.Text.Json.Nodes;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>Models with two lists of rotary factors, and how long a text may be.</summary>
public sealed class LongContextTests
{
    [Fact]
    public void A_LongRoPE_model_is_served_within_its_original_context_unless_a_longer_one_is_asked_for()
    {
        using CheckpointCopy copy = new("phi3", WithLongRope);
        using ModelFolder folder = ModelFolder.Open(copy.Path);
        using Decoder usual = Decoder.Load(folder), longer = Decoder.Load(folder, new DecoderOptions { ContextLength = 100 }), beyond = Decoder.Load(folder, new DecoderOptions { ContextLength = 1000 });
        Assert.Equal((32, 100, 128), (usual.Shape.ContextLength, longer.Shape.ContextLength, beyond.Shape.ContextLength));

        int[] ids = Golden.Load("phi3").Cases[0].Ids;
        float[] near = Scores(usual, ids), far = Scores(longer, ids);
        Assert.False(near.AsSpan().SequenceEqual(far));
        Assert.Equal(far, Scores(beyond, ids));

        // Factors of 1 in the short list, and an attention factor of 1: the plain model.
        using ModelFolder golden = ModelFolder.Open(Goldens.Checkpoint("phi3"));
        using Decoder plain = Decoder.Load(golden);
        Assert.Equal(Scores(plain, ids), near);
    }

    [Fact]
    public void A_model_stretched_by_YaRN_reaches_as_far_as_it_was_stretched()
    {
        // Qwen's files keep the number of pre-training in max_position_embeddings.
        using CheckpointCopy copy = new("qwen2", config => config["rope_scaling"] = JsonNode.Parse("""{ "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128 }"""));
        using ModelFolder folder = ModelFolder.Open(copy.Path);
        using Decoder decoder = Decoder.Load(folder);
        Assert.Equal(512, decoder.Shape.ContextLength);
    }

    [Fact]
    public void A_shorter_context_can_be_asked_for_and_learned_positions_bound_it()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("gpt2"));
        using Decoder shorter = Decoder.Load(folder, new DecoderOptions { ContextLength = 20 }), longer = Decoder.Load(folder, new DecoderOptions { ContextLength = 5000 });
        Assert.Equal((20, 128), (shorter.Shape.ContextLength, longer.Shape.ContextLength));
        Assert.Throws<ArgumentOutOfRangeException>(() => Decoder.Load(folder, new DecoderOptions { ContextLength = 0 }));
    }

    private static void WithLongRope(JsonObject config)
    {
        config["original_max_position_embeddings"] = 32;
        config["rope_scaling"] = new JsonObject
        {
            ["type"] = "longrope",
            ["attention_factor"] = 1.0,
            ["short_factor"] = new JsonArray([.. Enumerable.Repeat(1.0, 8).Select(factor => (JsonNode)factor)]),
            ["long_factor"] = new JsonArray([.. Enumerable.Range(1, 8).Select(factor => (JsonNode)(double)factor)]),
        };
    }

    private static float[] Scores(Decoder decoder, int[] ids)
    {
        using KvCache cache = decoder.NewCache(2);
        return new Reader(decoder, cache).Read(ids);
    }
}
