using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Architectures;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.LlamaCpp;

/// <summary>Two lists of rotary factors, of which no golden has any: which of them is used, and how much sharper attention becomes.</summary>
public sealed class LongRopeTests
{
    /// <summary>What <c>logits.mjs</c> serves.</summary>
    private const int Context = 256;

    [Theory]
    [InlineData(32)] // the long list
    [InlineData(4096)] // the short one
    public async Task A_model_with_two_lists_of_factors_has_the_logits_of_llama_cpp_within_its_original_context_and_beyond(int original)
    {
        LlamaCppRun.SkipUnlessInstalled();
        float[] near = [1, 1.1f, 1.2f, 1.4f, 1.7f, 2.1f, 2.6f, 3.2f], far = [1.05f, 1.5f, 2.3f, 3.7f, 5.1f, 8.2f, 13.5f, 21.9f];
        using CheckpointCopy copy = new("phi3", config =>
        {
            config["max_position_embeddings"] = Context;
            config["original_max_position_embeddings"] = original;
            config["rope_scaling"] = new JsonObject { ["type"] = "longrope", ["short_factor"] = List(near), ["long_factor"] = List(far) };
        });
        using ModelFolder hub = ModelFolder.Open(copy.Path);
        using TemporaryFolder temporary = new();
        string file = temporary["model.gguf"];
        double stretch = (double)Context / original;
        GgufWriter writer = HubToGguf.Convert(hub)
            .Set("phi3.rope.scaling.attn_factor", (float)(stretch <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(stretch) / Math.Log(original)))))
            .Add("rope_factors_short.weight", ElementType.F32, [near.Length], MemoryMarshal.AsBytes<float>(near).ToArray())
            .Add("rope_factors_long.weight", ElementType.F32, [far.Length], MemoryMarshal.AsBytes<float>(far).ToArray());
        RandomModel.AddVocabulary(writer, hub.Config.Int("vocab_size"));
        writer.WriteTo(file);

        int[] tokens = [.. Enumerable.Range(0, 40).Select(static i => 3 + (i * 37 % 500))];
        LlamaCppAnswer theirs = Assert.Single(await LlamaCppRun.AskAsync([new LlamaCppJob(file, tokens, Greedy: 0)], TestContext.Current.CancellationToken));
        Assert.Null(theirs.Error);
        using ModelFolder gguf = ModelFolder.Open(file);
        foreach (ModelFolder folder in (ModelFolder[])[hub, gguf])
        {
            using Decoder decoder = Decoder.Load(folder, new DecoderOptions { ContextLength = Context, Kv = KvType.F32 });
            using KvCache cache = decoder.NewCache(Context / KvCache.BlockPositions);
            float[] ours = new Reader(decoder, cache).Read(tokens);
            Assert.Equal(theirs.Logits.Length, ours.Length);
            double size = Math.Sqrt(theirs.Logits.Average(static logit => (double)logit * logit));
            Assert.InRange(ours.Zip(theirs.Logits, static (a, b) => Math.Abs((double)a - b)).Max() / size, 0, 1e-4);
        }
    }

    private static JsonArray List(float[] factors) => [.. factors.Select(static factor => (JsonNode)factor)];
}
