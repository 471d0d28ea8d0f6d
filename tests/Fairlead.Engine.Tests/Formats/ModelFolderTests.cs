using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Formats;

public sealed class ModelFolderTests
{
    [Fact]
    public void Every_golden_checkpoint_and_the_shipped_model_open()
    {
        foreach (string path in Directory.EnumerateDirectories(Path.Combine(Goldens.Data, "goldens")).Append(Goldens.Guide))
        {
            using ModelFolder folder = ModelFolder.Open(path);
            Assert.NotEmpty(folder.Config.Text("model_type"));
            Assert.NotNull(folder.TokenizerJson);
            Assert.NotNull(folder.TokenizerConfig);
            foreach (string name in folder.Weights.Names)
            {
                Assert.True(folder.Weights.TryGet(name, out TensorView tensor));
                Assert.True(tensor.Count > 0);
            }
        }
    }

    [Fact]
    public void The_shipped_model_says_where_its_answers_end_and_how_it_is_sampled()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Guide);
        Assert.Equal([5], folder.GenerationDefaults.EndOfText.ToArray());
        Assert.Equal((1, 0, false, 120), (folder.GenerationDefaults.BeginOfText, folder.GenerationDefaults.Padding, folder.GenerationDefaults.Sample, folder.GenerationDefaults.MaxNewTokens));
        Assert.Contains("add_generation_prompt", folder.ChatTemplate, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chat_template_in_a_file_of_its_own_is_found()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("qwen3"));
        Assert.Equal(File.ReadAllText(Path.Combine(Goldens.Checkpoint("qwen3"), "chat_template.jinja")), folder.ChatTemplate);
    }

    [Fact]
    public void Named_chat_templates_are_found_in_every_place_they_may_stand()
    {
        using TemporaryFolder folder = new();
        foreach (string file in Directory.EnumerateFiles(Goldens.Checkpoint("llama")))
            File.Copy(file, folder[Path.GetFileName(file)]);
        folder.Write("additional_chat_templates/tool_use.jinja", "{{ tools }}");
        using (ModelFolder model = ModelFolder.Open(folder.Path))
            Assert.Equal((File.ReadAllText(folder["chat_template.jinja"]), "{{ tools }}"), (model.ChatTemplate, model.ChatTemplates["tool_use"]));
        File.Delete(folder["chat_template.jinja"]);
        folder.Write("tokenizer_config.json", """{"chat_template": [{"name": "default", "template": "a"}, {"name": "rag", "template": "b"}]}""");
        using (ModelFolder model = ModelFolder.Open(folder.Path))
            Assert.Equal(("a", "b"), (model.ChatTemplate, model.ChatTemplates["rag"]));
        folder.Write("chat_template.json", """{"chat_template": "c"}""");
        using (ModelFolder model = ModelFolder.Open(folder.Path))
            Assert.Equal("c", model.ChatTemplate);
    }

    [Fact]
    public void A_folder_that_is_no_model_is_refused_with_what_is_wrong_and_what_would_help()
    {
        List<string> wrong = [];
        foreach ((string why, Action<TemporaryFolder> spoil) in (ReadOnlySpan<(string, Action<TemporaryFolder>)>)
            [
                ("config.json: is missing", f => File.Delete(f["config.json"])),
                ("config.json at byte 0: is empty", f => f.Write("config.json", "")),
                ("a JSON object is wanted, this is a list", f => f.Write("config.json", "[]")),
                ("config.json at byte 9: not the JSON", f => f.Write("config.json", "{\n  \"a\":\n}")),
                ("not valid UTF-8", f => f.Write("config.json", [.. "{\"a\":\""u8, 0xFF, .. "\"}"u8])),
                ("half a surrogate pair", f => f.Write("config.json", """{"a":"\ud800"}""")),
                ("not the JSON", f => f.Write("config.json", """{"model_type":"llama","model_type":"qwen2"}""")),
                ("not the JSON", f => f.Write("config.json", string.Concat(Enumerable.Repeat("{\"a\":", 100)))),
                ("at most 8388608 are read", f => f.Write("config.json", new byte[JsonConfig.MaxBytes + 1])),
                ("config.json: is missing", f =>
                {
                    File.Delete(f["config.json"]);
                    Directory.CreateDirectory(f["config.json"]);
                }),
                ("quantization_config says", f => f.Write("config.json", """{"quantization_config":{"quant_method":"gptq"}}""")),
                ("rope_parameters must be an object", f => f.Write("config.json", """{"rope_parameters":1}""")),
                ("rope_scaling has no rope_type", f => f.Write("config.json", """{"rope_scaling":{"factor":2.0}}""")),
                ("sliding_attention scales positions", f => f.Write("config.json", """{"rope_parameters":{"full_attention":{},"sliding_attention":{"rope_type":"yarn"}}}""")),
                ("holds no weights", f => File.Delete(f["model.safetensors"])),
                ("pytorch_model.bin: only safetensors and GGUF are read; convert it", f => File.Move(f["model.safetensors"], f["pytorch_model.bin"])),
                ("model.safetensors: is missing, and so is", f => File.Move(f["model.safetensors"], f["adapter_model.safetensors"])),
                ("weight_map is missing", f => Sharded(f, "{}")),
                ("weight_map is empty", f => Sharded(f, """{"weight_map":{}}""")),
                ("weight_map.a must be a text", f => Sharded(f, """{"weight_map":{"a":1}}""")),
                ("../x.safetensors; only .safetensors files of the same folder", f => Sharded(f, """{"weight_map":{"a":"../x.safetensors"}}""")),
                ("/etc/x.safetensors; only", f => Sharded(f, """{"weight_map":{"a":"/etc/x.safetensors"}}""")),
                ("C:x.safetensors; only", f => Sharded(f, """{"weight_map":{"a":"C:x.safetensors"}}""")),
                (@"..\x.safetensors; only", f => Sharded(f, """{"weight_map":{"a":"..\\x.safetensors"}}""")),
                ("pytorch_model.bin; only", f => Sharded(f, """{"weight_map":{"a":"pytorch_model.bin"}}""")),
                ("y.safetensors: is missing: the download is incomplete", f => Sharded(f, """{"weight_map":{"a":"y.safetensors"}}""")),
                ("which has no such tensor", f => Sharded(f, """{"weight_map":{"a":"x.safetensors"}}""")),
                ("is a symbolic link out of the folder, to /etc/passwd", f => Linked(f, "config.json", "/etc/passwd")),
                ("is a symbolic link out of the folder", f => Linked(f, "model.safetensors", "../../../../../../../../etc/passwd")),
                ("which is missing", f => Linked(f, "tokenizer.json", "nothing-here")),
                ("loop", f => Linked(f, "tokenizer_config.json", "tokenizer_config.json")),
                ("eos_token_id must be", f => f.Write("generation_config.json", """{"eos_token_id":"2"}""")),
                ("top_p must be from 0 to 1", f => f.Write("generation_config.json", """{"top_p":1.5}""")),
                ("temperature must be from 0", f => f.Write("generation_config.json", """{"temperature":-1}""")),
                ("chat_template must be a text or a list", f =>
                {
                    File.Delete(f["chat_template.jinja"]);
                    f.Write("tokenizer_config.json", """{"chat_template":[1]}""");
                }),
            ])
        {
            using TemporaryFolder folder = new();
            foreach (string file in Directory.EnumerateFiles(Goldens.Checkpoint("llama")))
                File.Copy(file, folder[Path.GetFileName(file)]);
            spoil(folder);
            try
            {
                ModelFolder.Open(folder.Path).Dispose();
                wrong.Add($"accepted, although: {why}");
            }
            catch (ModelFileException refusal) when (refusal.Message.Contains(why, StringComparison.Ordinal))
            {
            }
            catch (Exception e)
            {
                wrong.Add($"wanted {why}, got {e.GetType().Name}: {e.Message}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void What_is_neither_folder_nor_model_file_is_refused()
    {
        using TemporaryFolder folder = new();
        Assert.Contains("no such file or folder", Refused(folder["nothing"]), StringComparison.Ordinal);
        Assert.Contains("only safetensors and GGUF are read", Refused(folder.Write("model.pt", "x")), StringComparison.Ordinal);
        Assert.Contains("name its folder", Refused(folder.Write("model.safetensors", "x")), StringComparison.Ordinal);
        Assert.Contains("not GGUF", Refused(folder.Write("README.md", "x")), StringComparison.Ordinal);
        Assert.Contains("holds no weights", Refused(Directory.CreateDirectory(folder["empty"]).FullName), StringComparison.Ordinal);

        static string Refused(string path) => Assert.Throws<ModelFileException>(() => ModelFolder.Open(path)).Message;
    }

    [Fact]
    public void A_snapshot_of_the_Hub_cache_is_a_folder_of_links_into_its_blobs()
    {
        using TemporaryFolder cache = new();
        string snapshot = cache["models--fairlead--guide/snapshots/abc"];
        Directory.CreateDirectory(snapshot);
        foreach (string file in Directory.EnumerateFiles(Goldens.Guide))
        {
            string name = Path.GetFileName(file);
            cache.Write($"models--fairlead--guide/blobs/{name}-digest", File.ReadAllBytes(file));
            File.CreateSymbolicLink(Path.Combine(snapshot, name), $"../../blobs/{name}-digest");
        }

        using (ModelFolder folder = ModelFolder.Open(snapshot))
            Assert.Equal("llama", folder.Config.Text("model_type"));

        // the blobs of another model are not ours to read
        cache.Write("models--other/blobs/x", "{}");
        File.CreateSymbolicLink(Path.Combine(snapshot, "added.json"), "../../../models--other/blobs/x");
        using ModelFolder again = ModelFolder.Open(snapshot);
        Assert.Contains("out of the folder", Assert.Throws<ModelFileException>(() => again.ReadFile("added.json", 100)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_stays_in_the_folder_is_followed_and_one_through_a_linked_folder_is_not()
    {
        using TemporaryFolder outside = new(), folder = new();
        foreach (string file in Directory.EnumerateFiles(Goldens.Checkpoint("llama")))
            File.Copy(file, folder[Path.GetFileName(file)]);
        Linked(folder, "notes.json", "config.json");
        outside.Write("secret.json", "{}");
        Directory.CreateSymbolicLink(folder["away"], outside.Path);
        using ModelFolder model = ModelFolder.Open(folder.Path);
        Assert.Equal(File.ReadAllBytes(folder["config.json"]), model.ReadFile("notes.json", 10_000));
        Assert.Throws<ModelFileException>(() => model.ReadFile("away/secret.json", 10_000));
        Assert.Throws<ModelFileException>(() => model.ReadFile("../x", 10_000));
        Assert.Null(model.ReadFile("none.json", 10_000));
    }

    [Fact]
    public void A_sharded_model_has_the_tensors_of_all_its_shards()
    {
        using TemporaryFolder folder = new();
        foreach (string name in (ReadOnlySpan<string>)["llama", "gpt2"]) // two files that share no name
            File.Copy(Path.Combine(Goldens.Checkpoint(name), "model.safetensors"), folder[$"{name}.safetensors"]);
        folder.Write("config.json", "{}");
        folder.Write("model.safetensors.index.json", """{"weight_map":{"lm_head.weight":"llama.safetensors","transformer.wte.weight":"gpt2.safetensors"}}""");
        using ModelFolder model = ModelFolder.Open(folder.Path);
        Assert.Equal(["lm_head.weight", "transformer.wte.weight"], model.Weights.Names.Order(StringComparer.Ordinal));
        Assert.True(model.Weights.TryGet("transformer.wte.weight", out TensorView tensor));
        Assert.Equal("F16 [512 × 64]", tensor.ToString());
        Assert.False(model.Weights.TryGet("transformer.wpe.weight", out _)); // in the file, but not of this model
    }

    [Fact]
    public void An_index_of_two_hundred_thousand_tensors_takes_no_longer_for_each_than_a_small_one()
    {
        using TemporaryFolder folder = new();
        folder.Write("config.json", "{}");

        // ends at the last entry, which alone is wrong; looked up one by one, the keys before it would take 2·10¹⁰ comparisons, some minutes
        string header = "{" + string.Join(',', Enumerable.Range(0, 200_000).Select(static i => $"\"t{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}")) + "}";
        folder.Write("x.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. System.Text.Encoding.UTF8.GetBytes(header)]);
        folder.Write("model.safetensors.index.json", "{\"weight_map\":{" + string.Concat(Enumerable.Range(0, 200_000).Select(static i => $"\"t{i}\":\"x.safetensors\",")) + "\"last\":\"x.safetensors\"}}");
        TimeSpan started = ThreadTime.Now;
        Assert.Contains("tensor last is said to lie in x.safetensors, which has no such tensor", Assert.Throws<ModelFileException>(() => ModelFolder.Open(folder.Path)).Reason, StringComparison.Ordinal);
        Assert.InRange(ThreadTime.Now - started, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void A_folder_with_one_GGUF_file_is_that_file_and_one_with_two_is_ambiguous()
    {
        using TemporaryFolder folder = new();
        using (ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint("qwen3")))
            HubToGguf.Convert(hub).Set("tokenizer.chat_template", "{{ a }}").Set("tokenizer.chat_template.tool_use", "{{ b }}").Set("tokenizer.ggml.eos_token_id", 3u).Set("tokenizer.ggml.eot_token_id", 4u).WriteTo(folder["a.gguf"]);
        using (ModelFolder model = ModelFolder.Open(folder.Path))
        {
            Assert.Equal(("qwen3", "{{ a }}", "{{ b }}"), (model.Config.Text("model_type"), model.ChatTemplate, model.ChatTemplates["tool_use"]));
            Assert.Equal([3, 4], model.GenerationDefaults.EndOfText.ToArray());
        }

        using (ModelFolder hub = ModelFolder.Open(Goldens.Checkpoint("qwen3")))
            HubToGguf.Convert(hub).SetRaw("split.count", GgufType.UInt16, static w => w.Write((ushort)2)).WriteTo(folder["b.gguf"]);
        Assert.Contains("split over 2 files; join them", Assert.Throws<ModelFileException>(() => ModelFolder.Open(folder["b.gguf"])).Reason, StringComparison.Ordinal);
        Assert.Contains("holds 2 GGUF files; name the one to load, such as a.gguf", Assert.Throws<ModelFileException>(() => ModelFolder.Open(folder.Path)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipe_among_the_files_is_refused_without_waiting_for_a_writer()
    {
        using TemporaryFolder folder = new();
        folder.Write("model.safetensors", "x");
        using (System.Diagnostics.Process mkfifo = System.Diagnostics.Process.Start("mkfifo", folder["config.json"]))
            mkfifo.WaitForExit();
        Assert.Contains("is empty or no regular file", Assert.Throws<ModelFileException>(() => ModelFolder.Open(folder.Path)).Reason, StringComparison.Ordinal);
    }

    private static void Sharded(TemporaryFolder folder, string index)
    {
        File.Move(folder["model.safetensors"], folder["x.safetensors"]);
        folder.Write("model.safetensors.index.json", index);
    }

    private static void Linked(TemporaryFolder folder, string name, string target)
    {
        File.Delete(folder[name]);
        File.CreateSymbolicLink(folder[name], target);
    }
}
