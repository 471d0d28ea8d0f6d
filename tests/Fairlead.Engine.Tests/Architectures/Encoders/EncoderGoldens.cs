using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Engine.Architectures.Encoders;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;
using Fairlead.Engine.Tests.Formats;

namespace Fairlead.Engine.Tests.Architectures.Encoders;

public sealed class EncoderGoldens
{
    [Theory]
    [InlineData("bert")]
    [InlineData("xlm-roberta")]
    [InlineData("mpnet")]
    public void The_vectors_of_texts_are_those_of_transformers(string name)
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
        using Encoder encoder = Encoder.Load(folder);
        List<string> wrong = [];
        foreach ((JsonElement inputs, JsonElement expected) in Cases(name))
        {
            float[][][] hidden = Encode(encoder, inputs);
            for (int text = 0; text < hidden.Length; text++)
            {
                float[] mean = Mean(hidden[text]);
                double length = Math.Sqrt(mean.Sum(static value => (double)value * value));
                Compare(wrong, $"{name} {text} cls", expected.GetProperty("cls")[text], hidden[text][0]);
                Compare(wrong, $"{name} {text} last", expected.GetProperty("last_token")[text], hidden[text][^1]);
                Compare(wrong, $"{name} {text} mean", expected.GetProperty("mean")[text], mean);
                Compare(wrong, $"{name} {text} normalised", expected.GetProperty("mean_normalised")[text], Array.ConvertAll(mean, value => (float)(value / length)));
                Compare(wrong, $"{name} {text} pooler", expected.GetProperty("pooler")[text], Array.ConvertAll(Linear(folder, "pooler.dense", hidden[text][0]), MathF.Tanh));
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("distilbert")]
    [InlineData("roberta")]
    public void The_labels_of_texts_and_pairs_are_those_of_transformers(string name)
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
        using Encoder encoder = Encoder.Load(folder);
        List<string> wrong = [];
        foreach ((JsonElement inputs, JsonElement expected) in Cases(name))
        {
            float[][][] hidden = Encode(encoder, inputs);
            for (int text = 0; text < hidden.Length; text++)
            {
                // the heads of these two, worked out here: the product has none yet
                float[] logits = name == "distilbert"
                    ? Linear(folder, "classifier", Array.ConvertAll(Linear(folder, "pre_classifier", hidden[text][0]), static value => Math.Max(0, value)))
                    : Linear(folder, "classifier.out_proj", Array.ConvertAll(Linear(folder, "classifier.dense", hidden[text][0]), MathF.Tanh));
                Compare(wrong, $"{name} {text} logits", expected.GetProperty("logits")[text], logits);
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("bert")]
    [InlineData("mpnet")]
    public unsafe void A_text_gets_the_same_numbers_whatever_else_is_in_the_batch_and_whoever_works(string name)
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint(name));
        using Encoder encoder = Encoder.Load(folder);
        using WorkCrew crew = new(3);
        Random random = new(1);
        int[] lengths = [1, 17, 64, 5, encoder.MaxTokens, 2], several = [.. Enumerable.Repeat(lengths, 1 + (2 * Encoder.GroupRows / lengths.Sum())).SelectMany(static some => some)];
        int[][] texts = [.. several.Select(length => Enumerable.Range(0, length).Select(_ => random.Next(4, encoder.VocabularySize)).ToArray())];
        int[] all = [.. texts.SelectMany(static text => text)];
        float[] together = new Span<float>(encoder.Forward(all, new int[all.Length], [.. texts.Select(static text => text.Length)], crew), all.Length * encoder.Width).ToArray();
        int at = 0;
        foreach (int[] text in texts)
        {
            Span<float> alone = new(encoder.Forward(text, new int[text.Length], [text.Length]), text.Length * encoder.Width);
            Assert.True(alone.SequenceEqual(together.AsSpan(at, alone.Length)));
            at += alone.Length;
        }
    }

    [Fact]
    public unsafe void A_batch_of_mixed_lengths_has_a_row_for_each_token_and_none_for_padding()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("bert"));
        using Encoder encoder = Encoder.Load(folder);
        EncoderDesign design = EncoderPlan.Read(folder).Design;
        int[] lengths = [encoder.MaxTokens, 3, 1, 17];
        int rows = lengths.Sum();
        encoder.Forward(new int[rows], new int[rows], lengths);
        Assert.Equal(((long)rows * encoder.Width) + EncoderLayer.Room(design, rows), encoder.RoomValues);
        Assert.True(EncoderLayer.Room(design, rows) < EncoderLayer.Room(design, lengths.Length * lengths.Max()));
    }

    [Fact]
    public unsafe void Room_between_layers_grows_with_a_group_of_texts_and_not_with_the_batch()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("bert"));
        using Encoder encoder = Encoder.Load(folder);
        EncoderPlan plan = EncoderPlan.Read(folder);
        int[] lengths = [.. Enumerable.Repeat(16, 256)];
        int rows = lengths.Sum();
        encoder.Forward(new int[rows], new int[rows], lengths);
        Assert.Equal(((long)rows * encoder.Width) + EncoderLayer.Room(plan.Design, Encoder.GroupRows), encoder.RoomValues);
        Assert.InRange(encoder.RoomValues * sizeof(float), 1, Encoder.RoomBytes(plan, rows, 1));

        using WorkCrew crew = new(2);
        encoder.Forward(new int[rows], new int[rows], lengths, crew);
        int rooms = plan.Packing.TakesRoom ? 1 : crew.Threads; // each thread takes groups of its own
        Assert.Equal(((long)rows * encoder.Width) + (rooms * EncoderLayer.Room(plan.Design, Encoder.GroupRows)), encoder.RoomValues);
        Assert.InRange(encoder.RoomValues * sizeof(float), 1, Encoder.RoomBytes(plan, rows, crew.Threads));
    }

    [Fact]
    public unsafe void A_checkpoint_from_before_2019_with_a_head_on_top_gives_the_same_numbers()
    {
        using TemporaryFolder old = new();
        byte[] file = File.ReadAllBytes(Path.Combine(Goldens.Checkpoint("bert"), "model.safetensors"));
        int length = (int)BitConverter.ToInt64(file);
        JsonObject header = JsonNode.Parse(file.AsSpan(8, length))!.AsObject(), renamed = [];
        foreach ((string name, JsonNode? tensor) in header.Where(static entry => entry.Key != "__metadata__"))
            renamed[(name.StartsWith("pooler", StringComparison.Ordinal) ? "cls." : "bert.") + name.Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal).Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal)] = tensor!.DeepClone();
        int end = file.Length - 8 - length;
        renamed["bert.embeddings.position_ids"] = JsonNode.Parse($$"""{"dtype":"I64","shape":[1,1],"data_offsets":[{{end}},{{end + 8}}]}""");
        byte[] written = System.Text.Encoding.UTF8.GetBytes(renamed.ToJsonString());
        old.Write("model.safetensors", [.. BitConverter.GetBytes((long)written.Length), .. written, .. file.AsSpan(8 + length), .. new byte[8]]);
        File.Copy(Path.Combine(Goldens.Checkpoint("bert"), "config.json"), old["config.json"]);

        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("bert")), oldFolder = ModelFolder.Open(old.Path);
        using Encoder encoder = Encoder.Load(folder), oldEncoder = Encoder.Load(oldFolder);
        int[] text = [2, 201, 265, 3], segments = [0, 0, 1, 1];
        Assert.Equal(new Span<float>(encoder.Forward(text, segments, [4]), 256).ToArray(), new Span<float>(oldEncoder.Forward(text, segments, [4]), 256).ToArray());
    }

    [Fact]
    public unsafe void Distances_fall_into_the_buckets_of_the_reference()
    {
        float[] table = new float[32 * 2];
        fixed (float* data = table)
        {
            DistanceBias bias = new(new TensorView(ElementType.F32, [32, 2], (byte*)data));

            // worked by hand: 8 + ⌊8 · log(n / 8) / log(16)⌋ from 8 on, and 16 more for a key behind the query
            foreach ((int distance, int bucket) in (ReadOnlySpan<(int, int)>)
                [(0, 0), (-1, 1), (1, 17), (-7, 7), (7, 23), (-8, 8), (-11, 8), (-12, 9), (-15, 9), (-16, 10), (-22, 10), (-23, 11), (-32, 12), (-64, 14), (-90, 14), (-91, 15), (-127, 15), (-128, 15), (-5000, 15), (5000, 31), (64, 30)])
                Assert.Equal((distance, bucket), (distance, bias.Bucket(distance)));
        }
    }

    [Fact]
    public void What_the_model_cannot_take_is_refused_before_anything_is_computed()
    {
        using ModelFolder folder = ModelFolder.Open(Goldens.Checkpoint("bert"));
        using Encoder encoder = Encoder.Load(folder);
        unsafe
        {
            Assert.Throws<ArgumentException>(() => (nint)encoder.Forward([560], [0], [1]));
            Assert.Throws<ArgumentException>(() => (nint)encoder.Forward([-1], [0], [1]));
            Assert.Throws<ArgumentException>(() => (nint)encoder.Forward([1], [2], [1]));
            Assert.Throws<ArgumentException>(() => (nint)encoder.Forward([1], [0], [0, 1]));
            Assert.Throws<ArgumentException>(() => (nint)encoder.Forward(new int[129], new int[129], [129]));
            Assert.Throws<ArgumentException>(() => (nint)encoder.Forward([], [], []));
        }
    }

    /// <summary>Each case as rows of vectors, one a token that is no padding.</summary>
    private static unsafe float[][][] Encode(Encoder encoder, JsonElement inputs)
    {
        List<int> tokens = [], segments = [], lengths = [];
        for (int text = 0; text < inputs.GetProperty("input_ids").GetArrayLength(); text++)
        {
            int length = inputs.GetProperty("attention_mask")[text].EnumerateArray().Sum(static one => one.GetInt32());
            tokens.AddRange(Ints(inputs.GetProperty("input_ids")[text]).Take(length));
            segments.AddRange(inputs.TryGetProperty("token_type_ids", out JsonElement types) ? Ints(types[text]).Take(length) : new int[length]);
            lengths.Add(length);
        }

        float* hidden = encoder.Forward([.. tokens], [.. segments], [.. lengths]);
        float[][][] result = new float[lengths.Count][][];
        for (int text = 0; text < result.Length; text++)
        {
            result[text] = new float[lengths[text]][];
            for (int token = 0; token < lengths[text]; token++, hidden += encoder.Width)
                result[text][token] = new Span<float>(hidden, encoder.Width).ToArray();
        }

        return result;
    }

    private static IEnumerable<int> Ints(JsonElement list) => list.EnumerateArray().Select(static value => value.GetInt32());

    private static float[] Mean(float[][] rows) => [.. Enumerable.Range(0, rows[0].Length).Select(column => (float)rows.Average(row => (double)row[column]))];

    private static unsafe float[] Linear(ModelFolder folder, string name, float[] input)
    {
        Assert.True(folder.Weights.TryGet(name + ".weight", out TensorView weight));
        Assert.True(folder.Weights.TryGet(name + ".bias", out TensorView bias));
        float[] output = new float[weight.Rows], row = new float[weight.Columns];
        Dequantize.Row(bias.Type, bias.Data, output);
        for (int i = 0; i < output.Length; i++)
        {
            Dequantize.Row(weight.Type, weight.Data + (i * weight.RowBytes), row);
            output[i] += (float)row.Zip(input).Sum(static pair => (double)pair.First * pair.Second);
        }

        return output;
    }

    private static IEnumerable<(JsonElement Inputs, JsonElement Expected)> Cases(string name)
    {
        JsonElement inputs = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Checkpoint(name), "inputs.json"))).RootElement;
        JsonElement expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Goldens.Checkpoint(name), "expected.json"))).RootElement;
        return inputs.GetProperty("cases").EnumerateArray().Zip(expected.GetProperty("cases").EnumerateArray());
    }

    // the tolerance of the goldens' own README
    private static void Compare(List<string> wrong, string what, JsonElement expected, float[] actual)
    {
        Assert.Equal(expected.GetArrayLength(), actual.Length);
        for (int i = 0; i < actual.Length; i++)
        {
            double wanted = expected[i].GetDouble();
            if (!(Math.Abs(actual[i] - wanted) <= 2e-4 + (2e-4 * Math.Abs(wanted))))
                wrong.Add($"{what}[{i}] is {actual[i]}, wanted {wanted}");
        }
    }
}
