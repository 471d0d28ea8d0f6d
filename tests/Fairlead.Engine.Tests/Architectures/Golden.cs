using System.Text.Json;

namespace Fairlead.Engine.Tests.Architectures;

/// <summary>What the reference implementation made of one language model of <c>tests/data/goldens</c>.</summary>
internal sealed class Golden
{
    /// <summary>Every language model there that the engine runs.</summary>
    public static readonly string[] Names =
    [
        "bloom", "falcon-mq", "falcon-new", "gemma", "gemma2", "gemma3", "gpt2", "granite", "llama", "llama-linear", "llama-yarn", "llama3-scaled", "mistral",
        "mixtral", "olmo2", "phi3", "qwen2", "qwen2-moe", "qwen3", "qwen3-moe", "smollm3", "starcoder2",
    ];

    private Golden(string name, double absolute, double relative, GoldenCase[] cases) => (Name, Absolute, Relative, Cases) = (name, absolute, relative, cases);

    public string Name { get; }

    public double Absolute { get; }

    public double Relative { get; }

    public GoldenCase[] Cases { get; }

    public static Golden Load(string name)
    {
        string folder = Goldens.Checkpoint(name);
        using JsonDocument inputs = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "inputs.json")));
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        JsonElement tolerance = expected.RootElement.GetProperty("tolerance");
        GoldenCase[] cases =
        [
            .. inputs.RootElement.GetProperty("cases").EnumerateArray().Zip(expected.RootElement.GetProperty("cases").EnumerateArray(), (input, output) => new GoldenCase(
                Ints(input.GetProperty("input_ids")),
                Floats(output.GetProperty("last_logits")),
                Ints(output.GetProperty("argmax")),
                output.TryGetProperty("logits_mean", out JsonElement means) ? Floats(means) : [],
                output.TryGetProperty("hidden_last", out JsonElement hidden) ? [.. hidden.EnumerateArray().Select(Floats)] : [],
                output.TryGetProperty("greedy", out JsonElement greedy) ? Ints(greedy) : [])),
        ];
        return new Golden(name, tolerance.GetProperty("atol").GetDouble(), tolerance.GetProperty("rtol").GetDouble(), cases);
    }

    /// <summary>The largest |a−b| / (atol + rtol·|b|): within the tolerance up to 1.</summary>
    public double Distance(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        Assert.Equal(expected.Length, actual.Length);
        double worst = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double distance = Math.Abs(actual[i] - expected[i]) / (Absolute + (Relative * Math.Abs(expected[i])));
            worst = double.IsNaN(distance) ? double.PositiveInfinity : Math.Max(worst, distance);
        }

        return worst;
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetInt32())];

    private static float[] Floats(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetSingle())];
}

/// <summary>One text of a <see cref="Golden"/>. The last one, of 100 tokens, has scores and best tokens alone.</summary>
/// <param name="Ids">The prompt.</param>
/// <param name="LastLogits">Scores after its last token.</param>
/// <param name="Argmax">The best token after each.</param>
/// <param name="MeanLogits">The mean of the scores after each.</param>
/// <param name="HiddenLast">The stream at the last token: embeddings, after each layer, the last after the final norm.</param>
/// <param name="Greedy">The prompt and its continuation, made with the end token forbidden.</param>
internal sealed record GoldenCase(int[] Ids, float[] LastLogits, int[] Argmax, float[] MeanLogits, float[][] HiddenLast, int[] Greedy)
{
    /// <summary>True for the 100 tokens.</summary>
    public bool IsLong => Ids.Length == 100;
}
