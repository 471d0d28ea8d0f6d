using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Shared;

/// <summary>A folder as the Hub has it, as large as a test needs it: a llama in half precision with random weights and the guide's vocabulary and template. It says nothing sensible.</summary>
internal static class RandomCheckpoint
{
    private const int Width = 1024, Heads = 16, KvHeads = 4, HeadSize = 64, FeedForward = 2816, Vocabulary = 2048, Context = 2048;
    private const int NoiseBytes = 4 << 20;

    /// <summary>Writes the folder; the weights have about <paramref name="bytes"/> bytes, and never fewer than those of one layer.</summary>
    /// <param name="guide">The folder of the model that lends its vocabulary and its template.</param>
    /// <param name="folder">Made here; must not exist.</param>
    /// <param name="bytes">Of <c>model.safetensors</c>, rounded to whole layers of 23 MB.</param>
    /// <param name="seed">Other weights for another seed.</param>
    /// <returns>The size of <c>model.safetensors</c>.</returns>
    public static long Write(string guide, string folder, long bytes, int seed = 1)
    {
        Directory.CreateDirectory(folder);
        foreach (string name in (string[])["tokenizer.json", "tokenizer_config.json"])
            File.Copy(Path.Combine(guide, name), Path.Combine(folder, name));
        long fixedBytes = 2L * ((Vocabulary * Width) + Width);
        long layerBytes = 2L * Layer(0).Sum(static tensor => tensor.Shape.Aggregate(1L, static (product, side) => product * side));
        int layers = (int)Math.Max(1, (bytes - fixedBytes) / layerBytes);
        File.WriteAllText(Path.Combine(folder, "config.json"), Config(layers).ToJsonString());
        return WriteWeights(Path.Combine(folder, "model.safetensors"), layers, seed);
    }

    private static JsonObject Config(int layers) => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["hidden_size"] = Width,
        ["intermediate_size"] = FeedForward,
        ["num_hidden_layers"] = layers,
        ["num_attention_heads"] = Heads,
        ["num_key_value_heads"] = KvHeads,
        ["head_dim"] = HeadSize,
        ["vocab_size"] = Vocabulary,
        ["max_position_embeddings"] = Context,
        ["rms_norm_eps"] = 1e-5,
        ["rope_theta"] = 10000.0,
        ["hidden_act"] = "silu",
        ["attention_bias"] = false,
        ["mlp_bias"] = false,
        ["tie_word_embeddings"] = true,
        ["bos_token_id"] = 1,
        ["eos_token_id"] = 5,
        ["torch_dtype"] = "float16",
    };

    private static IEnumerable<(string Name, int[] Shape)> Layer(int index)
    {
        string layer = $"model.layers.{index}.";
        yield return (layer + "input_layernorm.weight", [Width]);
        yield return (layer + "self_attn.q_proj.weight", [Heads * HeadSize, Width]);
        yield return (layer + "self_attn.k_proj.weight", [KvHeads * HeadSize, Width]);
        yield return (layer + "self_attn.v_proj.weight", [KvHeads * HeadSize, Width]);
        yield return (layer + "self_attn.o_proj.weight", [Width, Heads * HeadSize]);
        yield return (layer + "post_attention_layernorm.weight", [Width]);
        yield return (layer + "mlp.gate_proj.weight", [FeedForward, Width]);
        yield return (layer + "mlp.up_proj.weight", [FeedForward, Width]);
        yield return (layer + "mlp.down_proj.weight", [Width, FeedForward]);
    }

    private static long WriteWeights(string path, int layers, int seed)
    {
        (string Name, int[] Shape)[] tensors = [("model.embed_tokens.weight", [Vocabulary, Width]), .. Enumerable.Range(0, layers).SelectMany(Layer), ("model.norm.weight", [Width])];
        var header = new JsonObject();
        long offset = 0;
        foreach ((string name, int[] shape) in tensors)
        {
            long end = offset + (2L * shape.Aggregate(1L, static (product, side) => product * side));
            header[name] = new JsonObject { ["dtype"] = "F16", ["shape"] = new JsonArray([.. shape.Select(static side => (JsonNode)side)]), ["data_offsets"] = new JsonArray(offset, end) };
            offset = end;
        }
        byte[] head = Encoding.UTF8.GetBytes(header.ToJsonString());
        Array.Resize(ref head, (head.Length + 7) / 8 * 8);
        head.AsSpan().Replace((byte)0, (byte)' '); // what Resize added: blanks, as the format wants
        byte[] noise = Noise(seed);
        using FileStream file = File.Create(path, 1 << 16);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, head.Length);
        file.Write(length);
        file.Write(head);
        int at = 0;
        foreach ((string name, int[] shape) in tensors)
        {
            long left = 2L * shape.Aggregate(1L, static (product, side) => product * side);
            for (; left > 0; at %= NoiseBytes)
            {
                int piece = (int)Math.Min(left, NoiseBytes - at);
                file.Write(noise, at, piece);
                at += piece;
                left -= piece;
            }
        }
        return file.Length;
    }

    /// <summary>Half-precision numbers around zero, small enough that no layer overflows; the weights are this block again and again.</summary>
    private static byte[] Noise(int seed)
    {
        var random = new Random(seed);
        byte[] noise = new byte[NoiseBytes];
        for (int i = 0; i < NoiseBytes; i += 2)
            BinaryPrimitives.WriteHalfLittleEndian(noise.AsSpan(i), (Half)((random.NextDouble() - 0.5) * 0.1));
        return noise;
    }
}
