using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Embeddings;

/// <summary>Ways of making one vector of a text out of those of its tokens.</summary>
internal enum PoolingMode
{
    /// <summary>The first token's, which BERT trains for this.</summary>
    FirstToken,

    /// <summary>For each dimension the largest.</summary>
    Max,

    /// <summary>The mean.</summary>
    Mean,

    /// <summary>The sum over the square root of the number of tokens.</summary>
    MeanSqrtLength,

    /// <summary>The mean, token i (from 1) weighing i.</summary>
    WeightedMean,

    /// <summary>The last token's.</summary>
    LastToken,
}

/// <summary>What <c>1_Pooling/config.json</c> asks for. Several modes give their vectors one after the other. Reference: sentence-transformers <c>models/Pooling.py</c>.</summary>
internal sealed unsafe class Pooling
{
    /// <summary>The switches, in the order in which the reference joins several, whatever the file's.</summary>
    private static readonly (string Key, PoolingMode Mode)[] s_keys =
    [
        ("pooling_mode_cls_token", PoolingMode.FirstToken),
        ("pooling_mode_max_tokens", PoolingMode.Max),
        ("pooling_mode_mean_tokens", PoolingMode.Mean),
        ("pooling_mode_mean_sqrt_len_tokens", PoolingMode.MeanSqrtLength),
        ("pooling_mode_weightedmean_tokens", PoolingMode.WeightedMean),
        ("pooling_mode_lasttoken", PoolingMode.LastToken),
    ];

    private readonly ImmutableArray<PoolingMode> _modes;

    public Pooling(params ImmutableArray<PoolingMode> modes) => _modes = modes;

    /// <summary>Reads the module's configuration for an encoder of <paramref name="width"/>.</summary>
    /// <exception cref="ModelFileException">It names no mode, one that is not known, or another width.</exception>
    public static Pooling Read(JsonConfig config, int width)
    {
        foreach (string key in (ReadOnlySpan<string>)["word_embedding_dimension", "embedding_dimension"])
        {
            if (config.IntOrNull(key) is { } dimension && dimension != width)
                throw config.Refuse(key, $"differs from the encoder's {width}");
        }

        if (!config.Flag("include_prompt", true))
            throw config.Refuse("include_prompt", "is false, and leaving a prompt's tokens out of the vector is not supported; text-embeddings-inference may serve this model");

        var modes = ImmutableArray.CreateBuilder<PoolingMode>();
        foreach ((string key, PoolingMode mode) in s_keys)
        {
            if (config.Flag(key, false))
                modes.Add(mode);
        }

        foreach (JsonProperty property in config.Root.EnumerateObject())
        {
            if (property.Name.StartsWith("pooling_mode_", StringComparison.Ordinal) && property.Value.ValueKind == JsonValueKind.True && !Array.Exists(s_keys, known => known.Key == property.Name))
                throw config.Refuse(property.Name, "is a way of pooling that is not known");
        }

        if (modes.Count == 0 && config.TextOrNull("pooling_mode") is { } named)
        {
            modes.Add(named switch
            {
                "cls" => PoolingMode.FirstToken,
                "max" => PoolingMode.Max,
                "mean" => PoolingMode.Mean,
                "mean_sqrt_len_tokens" => PoolingMode.MeanSqrtLength,
                "weightedmean" => PoolingMode.WeightedMean,
                "lasttoken" => PoolingMode.LastToken,
                _ => throw config.Refuse("pooling_mode", "is a way of pooling that is not known"),
            });
        }

        if (modes.Count == 0)
            throw new ModelFileException(config.File, null, "no way of pooling is switched on");
        return new Pooling(modes.ToImmutable());
    }

    /// <summary>Values that come out for each text.</summary>
    public int Outputs(int width) => checked(width * _modes.Length);

    /// <summary>Pools <paramref name="hidden"/> <c>[tokens × width]</c>, tokens ≥ 1, into <paramref name="output"/> of <see cref="Outputs"/> values.</summary>
    public void Apply(float* hidden, int tokens, int width, Span<float> output)
    {
        foreach (PoolingMode mode in _modes)
        {
            One(mode, hidden, tokens, width, output[..width]);
            output = output[width..];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(PoolingMode mode, float* hidden, int tokens, int width, Span<float> output)
    {
        switch (mode)
        {
            case PoolingMode.FirstToken:
                new ReadOnlySpan<float>(hidden, width).CopyTo(output);
                return;
            case PoolingMode.LastToken:
                new ReadOnlySpan<float>(hidden + ((long)(tokens - 1) * width), width).CopyTo(output);
                return;
            case PoolingMode.Max:
                output.Fill(float.NegativeInfinity);
                for (int token = 0; token < tokens; token++, hidden += width)
                {
                    for (int i = 0; i < width; i++)
                        output[i] = Math.Max(output[i], hidden[i]);
                }

                return;
        }

        // Token by token, as they lie in memory.
        double[] sums = new double[width];
        double weights = 0;
        for (int token = 0; token < tokens; token++, hidden += width)
        {
            int weight = mode == PoolingMode.WeightedMean ? token + 1 : 1;
            weights += weight;
            for (int i = 0; i < width; i++)
                sums[i] += weight * (double)hidden[i];
        }

        double share = mode == PoolingMode.MeanSqrtLength ? Math.Sqrt(weights) : weights;
        for (int i = 0; i < width; i++)
            output[i] = (float)(sums[i] / share);
    }
}
