using System.Text;
using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Embeddings;
using Fairlead.Shared;
using Decoder = Fairlead.Engine.Architectures.Decoder;

namespace Fairlead.Engine.Tests.Formats;

/// <summary>Real small files, damaged at random. Whatever comes of it is read to the last byte, or refused with the one exception there is.</summary>
[Trait("Category", Fuzz.Category)]
public sealed class HostileFilesFuzz
{
    private static readonly long[] s_numbers = [0, 1, 2, 7, 8, 9, 31, 32, 33, 255, 4096, 65_535, 65_536, 65_537, int.MaxValue, 1L << 31, uint.MaxValue, 1L << 32, 1L << 61, 1L << 62, long.MaxValue, long.MinValue, -1, -32];

    private static readonly byte[][] s_words =
    [
        .. ((string[])["{", "}", "[", "]", ",", ":", "\"", "null", "true", "false", "0", "-1", "1e999", "9223372036854775807", "\"dtype\"", "\"shape\"", "\"data_offsets\"", "\"F32\"", "\"I64\"", "\"__metadata__\"", "\"\\ud800\"", "\\u0000", "{}", "[]", "\"../x.safetensors\"",
            "\"rope_parameters\":{},", "\"rope_scaling\":[],", "\"rope_scaling\":{\"type\":7},", "\"eos_token_id\":[-1],", "\"quantization_config\":{},", "\"weight_map\":{},", "/*", "NaN", "\uFEFF", "\0"]).Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80],
    ];

    [Fact]
    public void A_damaged_safetensors_file_is_read_or_refused()
    {
        byte[] good = File.ReadAllBytes(Path.Combine(Goldens.Checkpoint("mpnet"), "model.safetensors"));
        Fuzzed("model.safetensors", good, headerBytes: 8 + (int)BitConverter.ToInt64(good), static path =>
        {
            using SafeTensorsFile file = SafeTensorsFile.Open(path);
            ReadAll(file.Tensors.Keys, file.TryGet);
        });
    }

    [Fact]
    public void A_damaged_gguf_file_is_read_or_refused()
    {
        byte[] good = Gguf();
        Fuzzed("model.gguf", good, headerBytes: good.Length / 2, static path =>
        {
            using (GgufFile file = GgufFile.Open(path))
            {
                ReadAll(file.Tensors.Keys, file.TryGet);
                foreach (string key in file.Keys)
                {
                    foreach (Action<GgufFile, string> read in s_readers)
                        Tolerated(() => read(file, key));
                }
            }

            using ModelFolder folder = ModelFolder.Open(path);
            ReadAll(folder.Weights.Names, folder.Weights.TryGet);
            Tolerated(() => Decoder.Load(folder).Dispose());
        });
    }

    [Fact]
    public void A_damaged_file_of_a_folder_is_read_or_refused()
    {
        string[] names = ["config.json", "generation_config.json", "tokenizer_config.json", "model.safetensors.index.json"];
        using TemporaryFolder model = new();
        foreach (string file in Directory.EnumerateFiles(Goldens.Checkpoint("gemma3")))
            File.Copy(file, model[Path.GetFileName(file)]);
        File.Move(model["model.safetensors"], model["model-00001-of-00001.safetensors"]);
        using (SafeTensorsFile file = SafeTensorsFile.Open(model["model-00001-of-00001.safetensors"]))
            model.Write("model.safetensors.index.json", $"{{\"metadata\":{{}},\"weight_map\":{{{string.Join(',', file.Tensors.Keys.Select(static key => $"\"{key}\":\"model-00001-of-00001.safetensors\""))}}}}}");
        // the newer form has more to be wrong about
        model.Write("config.json", File.ReadAllText(model["config.json"]).Replace("\"rope_theta\": 1000000.0", """ "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}""", StringComparison.Ordinal));
        Fuzzed(model, names, () =>
        {
            using ModelFolder folder = ModelFolder.Open(model.Path);
            foreach (string key in folder.Config.Names)
            {
                foreach (Action<JsonConfig, string> read in s_configReaders)
                    Tolerated(() => read(folder.Config, key));
            }

            using Decoder decoder = Decoder.Load(folder);
        });
    }

    [Fact]
    public void A_damaged_file_of_an_embedding_model_is_read_or_refused()
    {
        string[] names = ["config.json", "modules.json", "1_Pooling/config.json", "2_Dense/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"];
        using TemporaryFolder model = new();
        foreach (string file in (ReadOnlySpan<string>)["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
            File.Copy(Path.Combine(Goldens.Checkpoint("mpnet"), file), model[file]);
        model.Write("modules.json", """[{"path":"","type":"a.Transformer"},{"path":"1_Pooling","type":"a.Pooling"},{"path":"2_Dense","type":"a.Dense"},{"path":"3","type":"a.Normalize"}]""");
        model.Write("1_Pooling/config.json", """{"word_embedding_dimension": 64, "pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": false}""");
        model.Write("2_Dense/config.json", """{"in_features": 64, "out_features": 2, "bias": false, "activation_function": "torch.nn.modules.activation.Tanh"}""");
        byte[] header = """{"linear.weight":{"dtype":"F32","shape":[2,64],"data_offsets":[0,512]}}"""u8.ToArray();
        model.Write("2_Dense/model.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. header, .. new byte[512]]);
        model.Write("sentence_bert_config.json", """{"max_seq_length": 100, "do_lower_case": false}""");
        model.Write("config_sentence_transformers.json", """{"prompts": {"query": "q: "}, "default_prompt_name": "query"}""");
        Fuzzed(model, names, () =>
        {
            using EmbeddingModel embedding = EmbeddingModel.Open(model.Path, new EmbeddingOptions { Threads = 1 });
            EmbeddingVector[]? vectors = embedding.Embed([new EmbeddingInput("the router"), new EmbeddingInput([5, 6])], cutLong: true, out EmbeddingRefusal? refusal, default);
            Assert.True(vectors is null != refusal is null);
        });
    }

    private static readonly Action<GgufFile, string>[] s_readers =
        [(f, k) => f.Text(k), (f, k) => f.Integer(k), (f, k) => f.Number(k), (f, k) => f.Flag(k), (f, k) => f.Texts(k), (f, k) => f.Integers(k), (f, k) => f.Numbers(k)];

    private static readonly Action<JsonConfig, string>[] s_configReaders =
        [(c, k) => c.Int(k), (c, k) => c.Number(k), (c, k) => c.Flag(k, false), (c, k) => c.Text(k), (c, k) => c.Ints(k), (c, k) => c.Numbers(k), (c, k) => c.Texts(k), (c, k) => c.Section(k), (c, k) => c.Count(k)];

    private delegate bool Getter(string name, out TensorView tensor);

    /// <summary>One file, damaged anew in each round.</summary>
    private static void Fuzzed(string name, byte[] good, int headerBytes, Action<string> use)
    {
        using TemporaryFolder folder = new();
        use(folder.Write(name, good)); // the file itself is fine, and no first call is measured below
        Rounds(random => Damage(good, headerBytes, random), bytes => folder.Write(name, bytes), () => use(folder[name]));
    }

    /// <summary>In each round another file of a folder, and then it is whole again.</summary>
    private static void Fuzzed(TemporaryFolder folder, string[] names, Action use)
    {
        use();
        byte[][] good = [.. names.Select(name => File.ReadAllBytes(folder[name]))];
        int damaged = 0;
        Rounds(
            random =>
            {
                folder.Write(names[damaged], good[damaged]);
                damaged = random.Next(names.Length);
                return Damage(good[damaged], good[damaged].Length, random);
            },
            bytes => folder.Write(names[damaged], bytes),
            use);
    }

    private static void Rounds(Func<Random, byte[]> damage, Action<byte[]> write, Action use)
    {
        int refused = 0;
        foreach (int round in Fuzz.Rounds(50))
        {
            int seed = Fuzz.Seed + round;
            byte[] bytes = damage(new Random(seed));
            write(bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                use();
            }
            catch (ModelFileException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }

            // every list of a GGUF file is read seven times over above, and a tokenizer of the goldens takes a megabyte; a header that were believed would ask for more
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < (200L * bytes.Length) + (4 << 20), $"seed {seed}: {allocated} bytes allocated for a file of {bytes.Length}");
        }
        Assert.True(refused > 0, "no damaged file was refused");
    }

    private static void Tolerated(Action read)
    {
        try
        {
            read();
        }
        catch (ModelFileException)
        {
            // a value of another type than this reader's
        }
    }

    private static unsafe void ReadAll(IEnumerable<string> names, Getter get)
    {
        long sum = 0;
        foreach (string name in names)
        {
            Tolerated(() =>
            {
                if (get(name, out TensorView tensor) && tensor.Count > 0)
                {
                    long last = (tensor.Rows * tensor.RowBytes) - 1;
                    for (long i = 0; i < last; i += 4096)
                        sum += tensor.Data[i];
                    sum += tensor.Data[last];
                }
            });
        }

        GC.KeepAlive(sum);
    }

    private static byte[] Damage(byte[] good, int headerBytes, Random random)
    {
        List<byte> bytes = [.. good];
        for (int wounds = random.Next(1, 5); wounds > 0 && bytes.Count > 0; wounds--)
        {
            // mostly in the header, for there is little to get wrong in the data
            int at = random.Next(random.Next(8) == 0 ? bytes.Count : Math.Min(headerBytes, bytes.Count));
            int some = Math.Min(random.Next(1, 24), bytes.Count - at);
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    byte[] number = BitConverter.GetBytes(s_numbers[random.Next(s_numbers.Length)]);
                    for (int i = 0; i < (random.Next(2) == 0 ? 4 : 8) && at + i < bytes.Count; i++)
                        bytes[at + i] = number[i];
                    break;
                case 3:
                    bytes.RemoveRange(at, some);
                    break;
                case 4:
                    bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, some));
                    break;
                case 5:
                    bytes.InsertRange(at, s_words[random.Next(s_words.Length)]);
                    break;
                default:
                    if (random.Next(4) == 0)
                        bytes.RemoveRange(at, bytes.Count - at);
                    else
                        bytes.RemoveRange(at, Math.Min(1, bytes.Count - at));
                    break;
            }
        }

        return [.. bytes];
    }

    // small, with every kind of value and of tensor: permuted rows, experts, a table of frequencies
    private static byte[] Gguf()
    {
        GgufWriter writer = new GgufWriter().Set("general.architecture", "llama").Set("llama.block_count", 1u).Set("llama.context_length", 64u).Set("llama.embedding_length", 32u)
            .Set("llama.attention.head_count", 4u).Set("llama.attention.head_count_kv", 2u).Set("llama.feed_forward_length", 64u).Set("llama.expert_count", 2u).Set("llama.expert_used_count", 1u)
            .Set("llama.attention.layer_norm_rms_epsilon", 1e-5f).Set("llama.rope.freq_base", 10_000f).Set("llama.rope.scaling.type", "yarn").Set("llama.rope.scaling.factor", 2f)
            .Set("tokenizer.ggml.tokens", ["a", "b", "ß"]).Set("tokenizer.ggml.scores", [0f, 1f, 2f]).Set("tokenizer.ggml.token_type", [1, 1, 3]).Set("tokenizer.ggml.add_bos_token", true).Set("tokenizer.ggml.eos_token_id", 2u)
            .Set("tokenizer.chat_template", "{{ messages }}").Set("tokenizer.chat_template.tool_use", "{{ tools }}").SetRaw("big", GgufType.UInt64, static w => w.Write(5UL)).SetRaw("double", GgufType.Float64, static w => w.Write(0.5));
        foreach ((string name, ElementType type, long[] shape) in (ReadOnlySpan<(string, ElementType, long[])>)
            [("token_embd.weight", ElementType.Q8_0, [3, 32]), ("blk.0.attn_q.weight", ElementType.Q4_0, [32, 32]), ("blk.0.attn_k.weight", ElementType.F16, [16, 32]), ("blk.0.attn_q.bias", ElementType.F32, [32]),
             ("blk.0.ffn_gate_exps.weight", ElementType.Q5_1, [2, 64, 32]), ("blk.0.ffn_norm.weight", ElementType.F32, [32]), ("rope_freqs.weight", ElementType.F32, [4]), ("output_norm.weight", ElementType.BF16, [32])])
        {
            byte[] data = new byte[BlockLayout.Of(type).SizeOf(shape.Aggregate(1L, static (a, b) => a * b))];
            Array.Fill(data, (byte)0x3F);
            writer.Add(name, type, shape, data);
        }

        return writer.ToArray();
    }
}
