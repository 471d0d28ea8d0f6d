using System.Runtime.InteropServices;
using System.Text.Json;
using Fairlead.Engine.Embeddings;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.Embeddings;

public sealed class EmbeddingModelTests
{
    [Fact]
    public void MiniLM_gives_the_tokens_vectors_and_cosines_of_sentence_transformers()
    {
        string path = Goldens.Shared("minilm");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "expected.json")));
        JsonElement expected = document.RootElement;
        string[] texts = [.. expected.GetProperty("texts").EnumerateArray().Select(static text => text.GetString()!)];
        Assert.True(EmbeddingModel.IsEmbeddingModel(path));
        using EmbeddingModel model = EmbeddingModel.Open(path);
        Assert.Equal((384, 256), (model.Dimension, model.MaxTokens));
        EmbeddingVector[]? vectors = model.Embed([.. texts.Select(static text => new EmbeddingInput(text))], cutLong: true, out EmbeddingRefusal? refusal, default);
        Assert.Null(refusal);
        List<string> wrong = [];
        for (int i = 0; i < texts.Length; i++)
        {
            if (vectors![i].Tokens != expected.GetProperty("token_ids")[i].GetArrayLength())
                wrong.Add($"{i}: {vectors[i].Tokens} tokens, wanted {expected.GetProperty("token_ids")[i].GetArrayLength()}");
            for (int j = 0; j < 384; j++)
            {
                double wanted = expected.GetProperty("embeddings")[i][j].GetDouble();
                if (!(Math.Abs(vectors[i].Values[j] - wanted) <= 2e-4 + (2e-4 * Math.Abs(wanted))))
                    wrong.Add($"{i}[{j}] is {vectors[i].Values[j]}, wanted {wanted}");
            }
        }

        foreach (JsonElement pair in expected.GetProperty("similarities").EnumerateArray())
        {
            double cosine = vectors![pair.GetProperty("a").GetInt32()].Values.Zip(vectors[pair.GetProperty("b").GetInt32()].Values).Sum(static both => (double)both.First * both.Second);
            if (Math.Abs(cosine - pair.GetProperty("cosine").GetDouble()) > 1e-5)
                wrong.Add($"{pair} was {cosine}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));
    }

    [Fact]
    public void Tokens_give_what_their_text_gives()
    {
        string path = Goldens.Shared("minilm");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "expected.json")));
        using EmbeddingModel model = EmbeddingModel.Open(path, new EmbeddingOptions { Threads = 1, TokensPerPass = 7 });
        for (int i = 0; i < document.RootElement.GetProperty("texts").GetArrayLength(); i++)
        {
            int[] ids = [.. document.RootElement.GetProperty("token_ids")[i].EnumerateArray().Select(static id => id.GetInt32())];
            EmbeddingVector[] both = model.Embed([new EmbeddingInput(document.RootElement.GetProperty("texts")[i].GetString()!), new EmbeddingInput(ids)], cutLong: true, out _, default)!;
            Assert.Equal(both[0].Values, both[1].Values);
        }
    }

    [Fact]
    public void MiniLM_in_a_GGUF_file_gives_the_same_vectors()
    {
        string path = Goldens.Shared("minilm");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "expected.json")));
        JsonElement expected = document.RootElement;
        using TemporaryFolder folder = new();
        using (ModelFolder hub = ModelFolder.Open(path))
        {
            GgufWriter writer = HubToGguf.Convert(hub, ElementType.F16).Set("bert.pooling_type", 1u);
            HubToGguf.WriteWordPieces(writer, hub);
            writer.WriteTo(folder["minilm.gguf"]);
        }

        Assert.True(EmbeddingModel.IsEmbeddingModel(folder["minilm.gguf"]));
        Assert.True(EmbeddingModel.IsEmbeddingModel(folder.Path));
        Assert.False(EmbeddingModel.IsEmbeddingModel(Goldens.Guide));
        using EmbeddingModel model = EmbeddingModel.Open(folder["minilm.gguf"]);
        Assert.Equal((384, 512), (model.Dimension, model.MaxTokens));
        List<string> wrong = [];
        for (int i = 0; i < expected.GetProperty("texts").GetArrayLength(); i++)
        {
            // the reference cut at 256, which GGUF does not say
            int[] ids = [.. expected.GetProperty("token_ids")[i].EnumerateArray().Select(static id => id.GetInt32())];
            string text = expected.GetProperty("texts")[i].GetString()!;
            EmbeddingVector vector = model.Embed([ids.Length < 256 ? new EmbeddingInput(text) : new EmbeddingInput(ids)], cutLong: false, out _, default)![0];
            if (vector.Tokens != ids.Length || !Near(vector.Values, expected.GetProperty("embeddings")[i]))
                wrong.Add($"{i}: {text} has {vector.Tokens} tokens, wanted {ids.Length}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("bert", "pooling_mode_cls_token", "cls")]
    [InlineData("xlm-roberta", "pooling_mode_mean_tokens", "mean")]
    [InlineData("mpnet", "pooling_mode_lasttoken", "last_token")]
    public void Pooling_is_what_the_module_asks_for(string name, string mode, string golden)
    {
        using TemporaryFolder folder = Model(name, $$"""{"word_embedding_dimension": 64, "{{mode}}": true}""");
        Compare(folder, name, golden);
    }

    [Fact]
    public void A_folder_without_modules_is_pooled_by_the_mean()
    {
        using TemporaryFolder folder = Model("bert", "{}");
        File.Delete(folder["modules.json"]);
        Compare(folder, "bert", "mean");
    }

    [Fact]
    public void Normalize_brings_the_pooled_vector_to_length_one()
    {
        using TemporaryFolder folder = Model("mpnet", """{"pooling_mode_mean_tokens": true}""", """, {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}""");
        Compare(folder, "mpnet", "mean_normalised");
    }

    [Fact]
    public void Several_ways_of_pooling_stand_one_after_the_other_and_each_is_what_its_formula_says()
    {
        using TemporaryFolder all = Model("bert", """
            {"pooling_mode_lasttoken": true, "pooling_mode_weightedmean_tokens": true, "pooling_mode_mean_sqrt_len_tokens": true, "pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true, "pooling_mode_cls_token": true}
            """);
        using EmbeddingModel model = EmbeddingModel.Open(all.Path);
        float[] together = model.Embed([new EmbeddingInput("A worker answers 12 times, isn't it?")], false, out _, default)![0].Values;
        Assert.Equal((6 * 64, 6 * 64), (model.Dimension, together.Length));
        JsonElement expected = Expected("bert");
        Assert.True(Near(together[..64], expected.GetProperty("cls")[1]));
        Assert.True(Near(together[^64..], expected.GetProperty("last_token")[1]));
        Assert.True(Near(together[128..192], expected.GetProperty("mean")[1]));

        // thirteen tokens: √13 times the mean; and the largest is above the mean everywhere
        Assert.True(together[192..256].Zip(together[128..192]).All(static pair => Math.Abs(pair.First - (pair.Second * Math.Sqrt(13))) < 1e-5));
        Assert.True(together[64..128].Zip(together[128..192]).All(static pair => pair.First > pair.Second));
        Assert.True(together[256..320].Zip(together[128..192]).All(static pair => Math.Abs(pair.First - pair.Second) < 1));
    }

    [Fact]
    public void A_dense_module_is_a_linear_layer_and_its_function()
    {
        using TemporaryFolder folder = Model("bert", """{"pooling_mode_cls_token": true}""", """, {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}""");
        folder.Write("2_Dense/config.json", """{"in_features": 64, "out_features": 2, "bias": true, "activation_function": "torch.nn.modules.activation.Tanh"}""");

        // picks the first two numbers, the second times −½ and one more
        float[] weight = new float[128];
        (weight[0], weight[64 + 1]) = (1, -0.5f);
        byte[] header = """{"linear.weight":{"dtype":"F32","shape":[2,64],"data_offsets":[0,512]},"linear.bias":{"dtype":"F32","shape":[2],"data_offsets":[512,520]}}"""u8.ToArray();
        folder.Write("2_Dense/model.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. header, .. MemoryMarshal.AsBytes<float>(weight), .. MemoryMarshal.AsBytes<float>([0f, 1f])]);
        using EmbeddingModel model = EmbeddingModel.Open(folder.Path);
        float[] values = model.Embed([new EmbeddingInput("The router loads the prompt when idle.")], false, out _, default)![0].Values;
        JsonElement cls = Expected("bert").GetProperty("cls")[0];
        Assert.Equal(2, model.Dimension);
        Assert.Equal(Math.Tanh(cls[0].GetDouble()), values[0], 3e-4);
        Assert.Equal(Math.Tanh(1 - (0.5 * cls[1].GetDouble())), values[1], 3e-4);
    }

    [Fact]
    public void What_cannot_be_embedded_is_refused_with_the_number_of_the_input_and_nothing_is_computed()
    {
        using TemporaryFolder folder = Model("bert", """{"pooling_mode_mean_tokens": true}""");
        folder.Write("sentence_bert_config.json", """{"max_seq_length": 8, "do_lower_case": false}""");
        using EmbeddingModel model = EmbeddingModel.Open(folder.Path);
        EmbeddingInput fine = new("a"), isLong = new("The router loads the prompt when idle.");
        Assert.Equal(8, model.MaxTokens);
        Assert.Null(model.Embed([fine, isLong], false, out EmbeddingRefusal? refusal, default));
        Assert.Equal(new EmbeddingRefusal(1, true, "input 1 has 10 tokens, and this model reads 8; shorten it, or ask for it to be cut"), refusal);
        Assert.Null(model.Embed([new EmbeddingInput([1, 2, 3, 4, 5, 6, 7, 8, 9])], false, out refusal, default));
        Assert.True(refusal!.IsTooLong);
        Assert.Null(model.Embed([new EmbeddingInput([560])], true, out refusal, default));
        Assert.Equal("input 0 holds token 560; this model's vocabulary ends at 559", refusal!.Message);
        Assert.Null(model.Embed([new EmbeddingInput([-1])], true, out refusal, default));
        Assert.Null(model.Embed([new EmbeddingInput(Array.Empty<int>())], true, out refusal, default));
        Assert.Equal("input 0 has no tokens; give at least one", refusal!.Message);
        Assert.Empty(model.Embed([], true, out refusal, default)!);

        EmbeddingVector cut = model.Embed([isLong], true, out _, default)![0];
        Assert.Equal((8, true), (cut.Tokens, cut.IsCut));
        Assert.Equal(cut.Values, model.Embed([new EmbeddingInput([2, 201, 265, 359, 201, 365, 381, 3])], false, out _, default)![0].Values); // the separator stays at the end
        Assert.Throws<OperationCanceledException>(() => model.Embed([fine], false, out _, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void A_default_prompt_stands_before_every_text()
    {
        using TemporaryFolder folder = Model("bert", """{"pooling_mode_mean_tokens": true}""");
        using (EmbeddingModel plain = EmbeddingModel.Open(folder.Path))
        {
            folder.Write("config_sentence_transformers.json", """{"prompts": {"query": "The router ", "passage": ""}, "default_prompt_name": "query"}""");
            using EmbeddingModel prompted = EmbeddingModel.Open(folder.Path);
            Assert.Equal("The router ", prompted.Prompts["query"]);
            Assert.Equal(plain.Embed([new EmbeddingInput("The router loads")], false, out _, default)![0].Values, prompted.Embed([new EmbeddingInput("loads")], false, out _, default)![0].Values);
        }
    }

    [Fact]
    public void What_the_modules_ask_for_and_is_not_supported_is_refused_by_name()
    {
        List<string> wrong = [];
        foreach ((string why, Action<TemporaryFolder> spoil) in (ReadOnlySpan<(string, Action<TemporaryFolder>)>)
            [
                ("kind LSTM is not supported", f => f.Write("modules.json", """[{"path":"","type":"x.Transformer"},{"path":"1_Pooling","type":"x.Pooling"},{"path":"2","type":"x.LSTM"}]""")),
                ("only a Transformer with a Pooling behind it", f => f.Write("modules.json", """[{"path":"","type":"x.WordEmbeddings"},{"path":"1_Pooling","type":"x.Pooling"}]""")),
                ("only a Transformer with a Pooling behind it", f => f.Write("modules.json", """[{"path":"","type":"x.Transformer"}]""")),
                ("leads out of the folder", f => f.Write("modules.json", """[{"path":"","type":"x.Transformer"},{"path":"../1_Pooling","type":"x.Pooling"}]""")),
                ("must be a list", f => f.Write("modules.json", "{}")),
                ("1_Pooling/config.json: is missing", f => File.Delete(f["1_Pooling/config.json"])),
                ("no way of pooling is switched on", f => f.Write("1_Pooling/config.json", """{"pooling_mode_cls_token": false}""")),
                ("pooling_mode_attention is a way of pooling that is not known", f => f.Write("1_Pooling/config.json", """{"pooling_mode_attention": true}""")),
                ("word_embedding_dimension differs", f => f.Write("1_Pooling/config.json", """{"word_embedding_dimension": 65, "pooling_mode_cls_token": true}""")),
                ("include_prompt is false", f => f.Write("1_Pooling/config.json", """{"include_prompt": false, "pooling_mode_mean_tokens": true}""")),
                ("max_seq_length must be at least 1", f => f.Write("sentence_bert_config.json", """{"max_seq_length": 0}""")),
                ("default_prompt_name is not among prompts", f => f.Write("config_sentence_transformers.json", """{"default_prompt_name": "query"}""")),
                ("2_Dense/pytorch_model.bin: only safetensors", f =>
                {
                    f.Write("modules.json", """[{"path":"","type":"x.Transformer"},{"path":"1_Pooling","type":"x.Pooling"},{"path":"2_Dense","type":"x.Dense"}]""");
                    f.Write("2_Dense/config.json", """{"in_features": 64, "out_features": 2}""");
                    f.Write("2_Dense/pytorch_model.bin", "x");
                }),
                ("activation_function is not supported", f =>
                {
                    f.Write("modules.json", """[{"path":"","type":"x.Transformer"},{"path":"1_Pooling","type":"x.Pooling"},{"path":"2_Dense","type":"x.Dense"}]""");
                    f.Write("2_Dense/config.json", """{"in_features": 64, "out_features": 2, "activation_function": "os.system"}""");
                }),
                ("position_embedding_type", f => f.Write("config.json", File.ReadAllText(f["config.json"]).Replace("\"absolute\"", "\"relative_key\"", StringComparison.Ordinal))),
                ("num_attention_heads", f => f.Write("config.json", File.ReadAllText(f["config.json"]).Replace("\"num_attention_heads\": 4", "\"num_attention_heads\": 5", StringComparison.Ordinal))),
                ("expected [560 × 64]", f => f.Write("config.json", File.ReadAllText(f["config.json"]).Replace("\"hidden_size\": 64", "\"hidden_size\": 64, \"model_name\": null", StringComparison.Ordinal).Replace("\"vocab_size\": 560", "\"vocab_size\": 561", StringComparison.Ordinal))),
                ("not among the text encoders", f => f.Write("config.json", """{"model_type": "albert"}""")),
                ("there is no tokenizer.json", f => File.Delete(f["tokenizer.json"])),
            ])
        {
            using TemporaryFolder folder = Model("bert", """{"pooling_mode_mean_tokens": true}""");
            spoil(folder);
            try
            {
                EmbeddingModel.Open(folder.Path).Dispose();
                wrong.Add($"accepted, although: {why}");
            }
            catch (ModelFileException refusal) when (refusal.Message.Contains(why.Replace("560", "561", StringComparison.Ordinal), StringComparison.Ordinal))
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
    public void An_old_model_with_its_transformer_in_a_folder_of_its_own_opens()
    {
        using TemporaryFolder folder = Model("bert", """{"pooling_mode_mean_tokens": true}""");
        Directory.CreateDirectory(folder["0_BERT"]);
        foreach (string name in (ReadOnlySpan<string>)["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
            File.Move(folder[name], folder["0_BERT/" + name]);
        folder.Write("modules.json", """[{"path":"0_BERT","type":"sentence_transformers.models.BERT"},{"path":"1_Pooling","type":"sentence_transformers.models.Pooling"}]""".Replace("models.BERT", "models.Transformer", StringComparison.Ordinal));
        folder.Write("0_BERT/sentence_bert_config.json", """{"max_seq_length": 77}""");
        using EmbeddingModel model = EmbeddingModel.Open(folder.Path);
        Assert.Equal(77, model.MaxTokens);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0_Transformer")]
    public void A_model_in_the_Hub_cache_opens_through_its_links_in_every_folder(string transformer)
    {
        using TemporaryFolder model = Model("bert", """{"pooling_mode_mean_tokens": true}"""), cache = new();
        model.Write("modules.json", $$"""[{"path": "{{transformer}}", "type": "x.Transformer"}, {"path": "1_Pooling", "type": "x.Pooling"}]""");
        foreach (string file in Directory.EnumerateFiles(model.Path, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(model.Path, file);
            if (name is not ("modules.json" or "1_Pooling/config.json"))
                name = Path.Combine(transformer, name);
            cache.Write($"models--a--b/blobs/{name.Replace('/', '-')}", File.ReadAllBytes(file));
            string link = cache[$"models--a--b/snapshots/0123abcd/{name}"];
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            File.CreateSymbolicLink(link, string.Concat(Enumerable.Repeat("../", 2 + name.Count(static c => c == '/'))) + $"blobs/{name.Replace('/', '-')}");
        }

        using EmbeddingModel embedding = EmbeddingModel.Open(cache["models--a--b/snapshots/0123abcd"]);
        Assert.True(Near(embedding.Embed([new EmbeddingInput("The router loads the prompt when idle.")], false, out _, default)![0].Values, Expected("bert").GetProperty("mean")[0]));
    }

    /// <summary>A golden encoder with modules around it.</summary>
    private static TemporaryFolder Model(string name, string pooling, string more = "")
    {
        TemporaryFolder folder = new();
        foreach (string file in (ReadOnlySpan<string>)["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
            File.Copy(Path.Combine(Goldens.Checkpoint(name), file), folder[file]);
        folder.Write("modules.json", $$"""[{"path": "", "type": "sentence_transformers.models.Transformer"}, {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}{{more}}]""");
        folder.Write("1_Pooling/config.json", pooling);
        return folder;
    }

    private static JsonElement Expected(string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Checkpoint(name), "expected.json"))).RootElement.GetProperty("cases")[0];

    private static void Compare(TemporaryFolder folder, string name, string golden)
    {
        using EmbeddingModel model = EmbeddingModel.Open(folder.Path);
        using JsonDocument inputs = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Checkpoint(name), "inputs.json")));
        EmbeddingInput[] texts = [.. inputs.RootElement.GetProperty("cases")[0].GetProperty("texts").EnumerateArray().Select(static text => new EmbeddingInput(text.GetString()!))];
        EmbeddingVector[] vectors = model.Embed(texts, false, out _, default)!;
        for (int i = 0; i < texts.Length; i++)
            Assert.True(Near(vectors[i].Values, Expected(name).GetProperty(golden)[i]), $"{name} {golden} {i}");
    }

    private static bool Near(float[] actual, JsonElement expected) =>
        actual.Length == expected.GetArrayLength() && actual.Zip(expected.EnumerateArray()).All(static pair => Math.Abs(pair.First - pair.Second.GetDouble()) <= 2e-4 + (2e-4 * Math.Abs(pair.Second.GetDouble())));
}
