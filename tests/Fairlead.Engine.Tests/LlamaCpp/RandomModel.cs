using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.LlamaCpp;

/// <summary>GGUF files of the llama architecture with seeded weights, large enough for blocks of 256.</summary>
internal static class RandomModel
{
    public const int Vocabulary = 320;
    private const int Width = 256, Heads = 4, KvHeads = 2, HeadSize = 64, FeedForward = 512, Layers = 2;

    /// <summary>The embedding of one type and every other matrix, the head too, of another; norms in single precision.</summary>
    public static GgufWriter Make(ElementType embedding, ElementType matrices, int seed)
    {
        var random = new Random(seed);
        GgufWriter writer = new();
        writer.Set("general.architecture", "llama").Set("general.name", $"random {embedding} {matrices}");
        writer.Set("llama.block_count", Layers).Set("llama.context_length", 256).Set("llama.embedding_length", Width).Set("llama.feed_forward_length", FeedForward);
        writer.Set("llama.attention.head_count", Heads).Set("llama.attention.head_count_kv", KvHeads).Set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        writer.Set("llama.rope.dimension_count", HeadSize).Set("llama.rope.freq_base", 10_000f).Set("llama.vocab_size", Vocabulary);
        AddVocabulary(writer, Vocabulary);
        Matrix("token_embd", Vocabulary, Width, 1);
        for (int layer = 0; layer < Layers; layer++)
        {
            string block = $"blk.{layer}.";
            Norm(block + "attn_norm");
            Matrix(block + "attn_q", Heads * HeadSize, Width, 1.5);
            Matrix(block + "attn_k", KvHeads * HeadSize, Width, 1.5);
            Matrix(block + "attn_v", KvHeads * HeadSize, Width, 1);
            Matrix(block + "attn_output", Width, Heads * HeadSize, 1);
            Norm(block + "ffn_norm");
            Matrix(block + "ffn_gate", FeedForward, Width, 1);
            Matrix(block + "ffn_up", FeedForward, Width, 1);
            Matrix(block + "ffn_down", Width, FeedForward, 1);
        }

        Norm("output_norm");
        Matrix("output", Vocabulary, Width, 1);
        return writer;

        void Matrix(string name, int rows, int columns, double size)
        {
            double deviation = name == "token_embd" ? size : size / Math.Sqrt(columns);
            float[] values = [.. Enumerable.Range(0, rows * columns).Select(_ => (float)(Normal(random) * deviation))];
            ElementType type = name == "token_embd" ? embedding : matrices;
            writer.Add(name + ".weight", type, [rows, columns], Quantizer.Encode(type, values));
        }

        void Norm(string name)
        {
            float[] values = [.. Enumerable.Range(0, Width).Select(_ => 0.7f + (0.6f * (float)random.NextDouble()))];
            writer.Add(name + ".weight", ElementType.F32, [Width], Quantizer.Encode(ElementType.F32, values));
        }
    }

    /// <summary>A SentencePiece vocabulary that nobody tokenizes with: llama.cpp loads no model without one.</summary>
    public static void AddVocabulary(GgufWriter writer, int size)
    {
        string[] tokens = [.. Enumerable.Range(0, size).Select(static i => i switch { 0 => "<unk>", 1 => "<s>", 2 => "</s>", < 259 => $"<0x{i - 3:X2}>", _ => $"▁t{i}" })];
        writer.Set("tokenizer.ggml.model", "llama").Set("tokenizer.ggml.tokens", tokens);
        writer.Set("tokenizer.ggml.scores", Enumerable.Range(0, size).Select(static i => (float)-i).ToArray());
        writer.Set("tokenizer.ggml.token_type", Enumerable.Range(0, size).Select(static i => i switch { 0 => 2, < 3 => 3, < 259 => 6, _ => 1 }).ToArray());
        writer.Set("tokenizer.ggml.bos_token_id", 1u).Set("tokenizer.ggml.eos_token_id", 2u).Set("tokenizer.ggml.unknown_token_id", 0u);
    }

    /// <summary>Box and Muller.</summary>
    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
