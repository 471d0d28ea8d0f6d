using System.Text;
using Fairlead.Engine.Tensors;

namespace Fairlead.Bench;

/// <summary>Sizes of a model in the shape of Llama.</summary>
/// <param name="Name">How tables call it.</param>
internal sealed record LlamaShape(string Name, int Width, int Layers, int Heads, int KvHeads, int FeedForward)
{
    /// <summary>Of a head.</summary>
    public const int HeadDimension = 64;

    /// <summary>Tokens.</summary>
    public const int Vocabulary = 32_000;

    /// <summary>All of them, embedding and head included.</summary>
    public long Parameters => (2L * Vocabulary * Width)
        + (Layers * ((2L * Width * Heads * HeadDimension) + (2L * Width * KvHeads * HeadDimension) + (3L * Width * FeedForward)));
}

/// <summary>Writes a model whose weights are any quants with scales of a usual size: speed does not depend on what they say.</summary>
internal static class RandomGguf
{
    private const int Rows = 257; // different ones; a matrix draws its rows from them, which is quicker than making each

    /// <summary>Writes <paramref name="file"/>.</summary>
    /// <param name="type">Q8_0, Q4_0 or Q4_K.</param>
    public static void Write(string file, LlamaShape shape, ElementType type)
    {
        var random = new Random(1);
        List<(string Name, int Outputs, int Inputs)> tensors = Tensors(shape);
        string unfinished = file + ".part";
        using (var writer = new BinaryWriter(File.Create(unfinished, 1 << 20), Encoding.UTF8))
        {
            WriteHeader(writer, shape, type, tensors);
            Pad(writer);
            var pools = new Dictionary<int, byte[][]>();
            foreach ((string name, int outputs, int inputs) in tensors)
            {
                if (outputs == 0)
                {
                    for (int i = 0; i < inputs; i++)
                        writer.Write(1f);
                }
                else
                {
                    if (!pools.TryGetValue(inputs, out byte[][]? pool))
                        pools[inputs] = pool = [.. Enumerable.Range(0, Rows).Select(_ => Row(type, inputs, random))];
                    // The head never chooses a token that is a byte or special: half a character would be held back.
                    for (int output = 0; output < outputs; output++)
                        writer.Write(name == "output.weight" && output < 300 ? new byte[pool[0].Length] : pool[random.Next(Rows)]);
                }

                Pad(writer);
            }
        }

        File.Move(unfinished, file, overwrite: true);
    }

    private static List<(string Name, int Outputs, int Inputs)> Tensors(LlamaShape shape)
    {
        int width = shape.Width, heads = shape.Heads * LlamaShape.HeadDimension, kvHeads = shape.KvHeads * LlamaShape.HeadDimension;
        List<(string, int, int)> tensors = [("token_embd.weight", LlamaShape.Vocabulary, width), ("output_norm.weight", 0, width), ("output.weight", LlamaShape.Vocabulary, width)];
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            string block = $"blk.{layer}.";
            tensors.AddRange(
            [
                (block + "attn_norm.weight", 0, width), (block + "attn_q.weight", heads, width), (block + "attn_k.weight", kvHeads, width), (block + "attn_v.weight", kvHeads, width),
                (block + "attn_output.weight", width, heads), (block + "ffn_norm.weight", 0, width), (block + "ffn_gate.weight", shape.FeedForward, width),
                (block + "ffn_up.weight", shape.FeedForward, width), (block + "ffn_down.weight", width, shape.FeedForward),
            ]);
        }

        return tensors;
    }

    private static byte[] Row(ElementType type, int inputs, Random random)
    {
        BlockLayout layout = BlockLayout.Of(type);
        byte[] row = new byte[layout.SizeOf(inputs)];
        random.NextBytes(row);
        for (int block = 0; block < row.Length; block += layout.Bytes)
        {
            double scale = type switch { ElementType.Q8_0 => 0.0005, ElementType.Q4_0 => 0.006, _ => 0.0002 };
            BitConverter.TryWriteBytes(row.AsSpan(block), (Half)(scale * (0.5 + random.NextDouble())));
            if (type == ElementType.Q4_K)
                BitConverter.TryWriteBytes(row.AsSpan(block + 2), (Half)0.0015);
        }

        return row;
    }

    private static void WriteHeader(BinaryWriter writer, LlamaShape shape, ElementType type, List<(string Name, int Outputs, int Inputs)> tensors)
    {
        var values = new List<Action>();
        void Add(string key, uint kind, Action value) => values.Add(() =>
        {
            Text(key);
            writer.Write(kind);
            value();
        });
        void Number(string key, int value) => Add(key, 4, () => writer.Write((uint)value));
        Add("general.architecture", 8, () => Text("llama"));
        Number("llama.block_count", shape.Layers);
        Number("llama.context_length", 16_384);
        Number("llama.embedding_length", shape.Width);
        Number("llama.feed_forward_length", shape.FeedForward);
        Number("llama.attention.head_count", shape.Heads);
        Number("llama.attention.head_count_kv", shape.KvHeads);
        Number("llama.vocab_size", LlamaShape.Vocabulary);
        Number("llama.rope.dimension_count", LlamaShape.HeadDimension);
        Add("llama.attention.layer_norm_rms_epsilon", 6, () => writer.Write(1e-5f));
        Add("llama.rope.freq_base", 6, () => writer.Write(10_000f));
        Add("tokenizer.ggml.model", 8, () => Text("llama"));
        Add("tokenizer.ggml.tokens", 9, () => Each(8, i => Text(Token(i))));
        Add("tokenizer.ggml.scores", 9, () => Each(6, i => writer.Write(-(float)i)));
        Add("tokenizer.ggml.token_type", 9, () => Each(5, i => writer.Write(i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1)));
        Number("tokenizer.ggml.bos_token_id", 1);
        Number("tokenizer.ggml.eos_token_id", 2);

        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)values.Count);
        foreach (Action value in values)
            value();
        long offset = 0;
        foreach ((string name, int outputs, int inputs) in tensors)
        {
            ElementType stored = outputs == 0 ? ElementType.F32 : type;
            Text(name);
            writer.Write(outputs == 0 ? 1u : 2u);
            writer.Write((ulong)inputs);
            if (outputs > 0)
                writer.Write((ulong)outputs);
            writer.Write((uint)stored);
            writer.Write((ulong)offset);
            offset += (BlockLayout.Of(stored).SizeOf(Math.Max(outputs, 1) * (long)inputs) + 31) / 32 * 32;
        }

        void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            writer.Write((ulong)bytes.Length);
            writer.Write(bytes);
        }

        void Each(uint kind, Action<int> one)
        {
            writer.Write(kind);
            writer.Write((ulong)LlamaShape.Vocabulary);
            for (int i = 0; i < LlamaShape.Vocabulary; i++)
                one(i);
        }
    }

    private static string Token(int id) => id switch { 0 => "<unk>", 1 => "<s>", 2 => "</s>", < 259 => $"<0x{id - 3:X2}>", _ => $"▁w{id}" };

    private static void Pad(BinaryWriter writer)
    {
        while (writer.BaseStream.Position % 32 != 0)
            writer.Write((byte)0);
    }
}
