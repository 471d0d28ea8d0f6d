using System.Globalization;
using System.Text.Json.Nodes;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>The same weights as safetensors and as the GGUF file that llama.cpp's converter would make of them.</summary>
public sealed class GgufDecoderTests
{
    [Fact]
    public void A_golden_written_as_GGUF_gives_the_scores_of_the_reference()
    {
        List<string> wrong = [];
        foreach (string name in Golden.Names.Except(["mistral", "gemma2", "smollm3"]))
        {
            Golden golden = Golden.Load(name);
            using ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint(name));
            using TemporaryFolder temporary = new();
            HubToGguf.Convert(hub).WriteTo(temporary["model.gguf"]);
            using ModelFolder gguf = ModelFolder.Open(temporary["model.gguf"]);
            using Decoder decoder = Decoder.Load(gguf, new DecoderOptions { Threads = 1, Kv = KvType.F32 });
            foreach (GoldenCase expected in golden.Cases)
            {
                if (golden.Distance(Last(decoder, expected.Ids), expected.LastLogits) is > 1 and var distance)
                    wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {expected.Ids.Length} tokens, {distance:0.##} tolerances away"));
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    /// <summary>What GGUF cannot say of three goldens is changed in both forms: it drops Mistral's window and fixes figures by the size of a published model.</summary>
    [Fact]
    public void What_a_GGUF_file_cannot_say_of_a_golden_is_all_that_keeps_it_from_the_same_scores()
    {
        List<string> wrong = [];
        foreach ((string name, Action<JsonObject> change) in (ReadOnlySpan<(string, Action<JsonObject>)>)
            [("mistral", config => config["sliding_window"] = null), ("gemma2", config => config["query_pre_attn_scalar"] = 16), ("smollm3", config => config["no_rope_layers"] = new JsonArray(1, 1))])
        {
            Golden golden = Golden.Load(name);
            using CheckpointCopy copy = new(name, change);
            using ModelFolder hub = ModelFolder.Open(copy.Path);
            using TemporaryFolder temporary = new();
            HubToGguf.Convert(hub).WriteTo(temporary["model.gguf"]);
            using ModelFolder gguf = ModelFolder.Open(temporary["model.gguf"]);
            using Decoder fromHub = Decoder.Load(hub, new DecoderOptions { Threads = 1, Kv = KvType.F32 }), fromGguf = Decoder.Load(gguf, new DecoderOptions { Threads = 1, Kv = KvType.F32 });
            int[] ids = golden.Cases[^1].Ids;
            if (golden.Distance(Scores(fromGguf, ids), Scores(fromHub, ids)) is > 1 and var distance)
                wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {distance:0.##} tolerances away"));
            if (golden.Distance(Last(fromHub, ids), golden.Cases[^1].LastLogits) <= 1)
                wrong.Add($"{name}: the change changes nothing");
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Fact]
    public void Half_precision_in_GGUF_is_read_as_half_precision_in_safetensors()
    {
        // The golden's weights are BF16, so nothing is lost on the way.
        Golden golden = Golden.Load("qwen2");
        using ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint("qwen2"));
        using TemporaryFolder temporary = new();
        HubToGguf.Convert(hub, ElementType.BF16).WriteTo(temporary["model.gguf"]);
        using ModelFolder gguf = ModelFolder.Open(temporary["model.gguf"]);
        using Decoder decoder = Decoder.Load(gguf, new DecoderOptions { Threads = 1, Kv = KvType.F32 });
        GoldenCase expected = golden.Cases[^1];
        Assert.True(golden.Distance(Last(decoder, expected.Ids), expected.LastLogits) <= 1);
    }

    private static float[] Last(Decoder decoder, int[] ids) => Scores(decoder, ids).AsSpan((ids.Length - 1) * decoder.Shape.VocabularySize).ToArray();

    private static float[] Scores(Decoder decoder, int[] ids)
    {
        using KvCache cache = decoder.NewCache((ids.Length + KvCache.BlockPositions - 1) / KvCache.BlockPositions);
        return new Reader(decoder, cache).Read(ids);
    }
}
