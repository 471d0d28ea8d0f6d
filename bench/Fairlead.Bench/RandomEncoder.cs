using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Bench;

/// <summary>Writes a BERT checkpoint of any shape with seeded weights of a usual size: what it computes means nothing, how fast does.</summary>
internal static class RandomEncoder
{
    /// <summary>BERT-base: 85 M parameters in its layers.</summary>
    public static readonly EncoderShape Base = new(Width: 768, Layers: 12, Heads: 12, Inner: 3072);

    /// <summary>Writes <c>config.json</c> and <c>model.safetensors</c> (F32) to <paramref name="folder"/>.</summary>
    public static void Write(string folder, EncoderShape shape)
    {
        const int Vocabulary = 1000, Positions = 512;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), new JsonObject
        {
            ["model_type"] = "bert",
            ["vocab_size"] = Vocabulary,
            ["hidden_size"] = shape.Width,
            ["num_hidden_layers"] = shape.Layers,
            ["num_attention_heads"] = shape.Heads,
            ["intermediate_size"] = shape.Inner,
            ["hidden_act"] = "gelu",
            ["max_position_embeddings"] = Positions,
            ["type_vocab_size"] = 2,
            ["layer_norm_eps"] = 1e-12,
        }.ToJsonString());
        List<(string Name, int[] Shape)> tensors =
        [
            ("embeddings.word_embeddings.weight", [Vocabulary, shape.Width]),
            ("embeddings.position_embeddings.weight", [Positions, shape.Width]),
            ("embeddings.token_type_embeddings.weight", [2, shape.Width]),
        ];
        Norm("embeddings.LayerNorm");
        for (int i = 0; i < shape.Layers; i++)
        {
            string layer = $"encoder.layer.{i}.";
            foreach (string name in new[] { "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense" })
                Linear(layer + name, shape.Width, shape.Width);
            Norm(layer + "attention.output.LayerNorm");
            Linear(layer + "intermediate.dense", shape.Inner, shape.Width);
            Linear(layer + "output.dense", shape.Width, shape.Inner);
            Norm(layer + "output.LayerNorm");
        }

        Save(Path.Combine(folder, "model.safetensors"), tensors);

        void Linear(string name, int outputs, int inputs)
        {
            tensors.Add((name + ".weight", [outputs, inputs]));
            tensors.Add((name + ".bias", [outputs]));
        }

        void Norm(string name)
        {
            tensors.Add((name + ".weight", [shape.Width]));
            tensors.Add((name + ".bias", [shape.Width]));
        }
    }

    private static void Save(string path, List<(string Name, int[] Shape)> tensors)
    {
        var header = new JsonObject();
        long end = 0;
        foreach ((string name, int[] shape) in tensors)
        {
            long bytes = shape.Aggregate(4L, static (product, length) => product * length);
            header[name] = new JsonObject { ["dtype"] = "F32", ["shape"] = new JsonArray([.. shape.Select(static length => (JsonNode)length)]), ["data_offsets"] = new JsonArray(end, end + bytes) };
            end += bytes;
        }

        using FileStream file = File.Create(path);
        byte[] head = JsonSerializer.SerializeToUtf8Bytes(header);
        file.Write(BitConverter.GetBytes((long)head.Length));
        file.Write(head);
        var random = new Random(1);
        foreach ((string name, int[] shape) in tensors)
        {
            bool isScale = name.EndsWith("LayerNorm.weight", StringComparison.Ordinal);
            float size = 1.7f / MathF.Sqrt(shape[^1]);
            byte[] values = new byte[4 * shape.Aggregate(1, static (product, length) => product * length)];
            for (int i = 0; i < values.Length; i += 4)
                BitConverter.TryWriteBytes(values.AsSpan(i), isScale ? 1f : ((float)random.NextDouble() * 2 * size) - size);
            file.Write(values);
        }
    }
}

/// <summary>What decides an encoder's work.</summary>
/// <param name="Width">Values of a token.</param>
/// <param name="Layers">Layers.</param>
/// <param name="Heads">Heads of attention.</param>
/// <param name="Inner">Values in the middle of the feed-forward part.</param>
internal readonly record struct EncoderShape(int Width, int Layers, int Heads, int Inner);
