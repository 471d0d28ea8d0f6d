using System.Text.Json.Nodes;
using Fairlead.Engine.Architectures;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Generation;
using Fairlead.Engine.Tests.Formats;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>Configurations of real small models, changed at random over weights that fit the original. Each is refused with the one exception there is, or computed.</summary>
[Trait("Category", Fuzz.Category)]
public sealed class HostileConfigurationFuzz
{
    private static readonly string[] s_values =
    [
        "null", "true", "false", "0", "1", "2", "3", "4", "7", "8", "16", "32", "63", "64", "65", "128", "640", "1000000", "2147483647", "-1", "1e-300", "1e300", "0.5", "1.5", "\"\"", "\"silu\"", "\"gelu\"", "\"llama\"",
        "[]", "[1,0]", "[0,0]", "[1,1,1]", "[\"full_attention\",\"sliding_attention\"]", "[\"sliding_attention\",\"sliding_attention\"]", "{}",
        "{\"rope_type\":\"linear\",\"factor\":2}", "{\"rope_type\":\"dynamic\",\"factor\":2}", "{\"rope_type\":\"yarn\",\"factor\":1e6,\"original_max_position_embeddings\":1}",
        "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4,\"original_max_position_embeddings\":1}",
        "{\"rope_type\":\"longrope\",\"short_factor\":[1,1,1,1,1,1,1,1],\"long_factor\":[2,2,2,2,2,2,2,2],\"original_max_position_embeddings\":1}",
    ];

    /// <summary>Keys that one architecture has and another might stumble over.</summary>
    private static readonly string[] s_keys =
    [
        "sliding_window", "use_sliding_window", "layer_types", "rope_scaling", "partial_rotary_factor", "head_dim", "num_key_value_heads", "attention_bias", "mlp_bias", "tie_word_embeddings", "max_window_layers",
        "num_experts", "num_experts_per_tok", "decoder_sparse_step", "mlp_only_layers", "no_rope_layers", "no_rope_layer_interval", "query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping",
        "original_max_position_embeddings", "multi_query", "new_decoder_architecture", "parallel_attn", "num_kv_heads", "bias", "n_inner", "seq_length", "rope_parameters", "logits_scaling",
    ];

    [Fact]
    public void A_changed_configuration_is_computed_or_refused()
    {
        Dictionary<string, TemporaryFolder> folders = [];
        try
        {
            foreach (string name in Golden.Names)
            {
                TemporaryFolder folder = folders[name] = new TemporaryFolder();
                File.Copy(Path.Combine(Goldens.Checkpoint(name), "model.safetensors"), folder["model.safetensors"]);
            }

            int rounds = 0, computed = 0;
            foreach (int round in Fuzz.Rounds(50))
            {
                int seed = Fuzz.Seed + round;
                rounds++;
                var random = new Random(seed);
                string name = Golden.Names[random.Next(Golden.Names.Length)];
                folders[name].Write("config.json", Changed(name, random));
                try
                {
                    computed += Computes(folders[name].Path) ? 1 : 0;
                }
                catch (Exception e)
                {
                    Assert.Fail($"seed {seed}, {name}: {File.ReadAllText(folders[name]["config.json"])}{Environment.NewLine}{e}");
                }
            }
            Assert.InRange(computed, 1, rounds - 1);
        }
        finally
        {
            foreach (TemporaryFolder folder in folders.Values)
                folder.Dispose();
        }
    }

    private static string Changed(string name, Random random)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllBytes(Path.Combine(Goldens.Checkpoint(name), "config.json")))!.AsObject();
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            string[] present = [.. config.Select(pair => pair.Key)];
            string key = random.Next(3) == 0 ? s_keys[random.Next(s_keys.Length)] : present[random.Next(present.Length)];
            if (random.Next(6) == 0)
                config.Remove(key);
            else
                config[key] = JsonNode.Parse(s_values[random.Next(s_values.Length)]);
        }

        return config.ToJsonString();
    }

    private static bool Computes(string path)
    {
        try
        {
            using ModelFolder folder = ModelFolder.Open(path);
            using Decoder decoder = Decoder.Load(folder, new DecoderOptions { Threads = 1, RowsPerPass = 4 });
            using KvCache cache = decoder.NewCache(1);
            new Reader(decoder, cache).Read([.. Enumerable.Range(3, Math.Min(5, decoder.Shape.ContextLength))]);
            return true;
        }
        catch (ModelFileException)
        {
            return false;
        }
    }
}
