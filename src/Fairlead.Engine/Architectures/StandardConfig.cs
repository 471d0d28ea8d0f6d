using System.Collections.Immutable;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures;

/// <summary>The options that most decoders share under the same names, with bounds that no published model comes near.</summary>
internal static class StandardConfig
{
    /// <summary>Most layers, heads and experts.</summary>
    public const int Most = 1024;

    /// <summary>Widest stream and feed-forward layer.</summary>
    public const int Widest = 1 << 18;

    /// <summary>Largest vocabulary.</summary>
    public const int LargestVocabulary = 1 << 22;

    /// <summary>Longest head: attention keeps a head on the stack.</summary>
    public const int LongestHead = 1024;

    /// <summary>The block of Llama, from which the other architectures depart: root-mean-square norms, rotary embeddings, a gated feed-forward layer.</summary>
    /// <param name="tied">Whether the head is the embedding table where the file does not say: the default of the architecture's class.</param>
    /// <param name="headDimension">Length of a head where the file does not say; null for width / heads.</param>
    /// <param name="context">Positions where the file does not say.</param>
    /// <param name="theta">Base of the rotary embedding where the file does not say.</param>
    /// <param name="epsilon">Of the norms, where the file does not say.</param>
    public static DecoderDesign Read(
        ConfigReader config, bool tied = false, int? headDimension = null, int? context = null, double theta = 10_000, double epsilon = 1e-6)
    {
        (int width, int heads, int kvHeads, int length) = Heads(config, headDimension);
        int positions = config.Int("max_position_embeddings", 1, RopeConfig.LongestContext, context);
        RopeSettings rope = RopeConfig.Read(config, length, positions, theta);
        return new DecoderDesign
        {
            Vocabulary = config.Int("vocab_size", 1, LargestVocabulary),
            Width = width,
            Layers = config.Int("num_hidden_layers", 1, Most),
            Heads = heads,
            KvHeads = kvHeads,
            HeadDimension = length,
            FeedForward = config.Int("intermediate_size", 1, Widest),
            ContextLength = rope.Scaling == RopeScaling.Yarn ? Stretched(rope, positions) : positions,
            NormEpsilon = (float)config.Number("rms_norm_eps", 0, 1, epsilon),
            TiedHead = config.Flag("tie_word_embeddings", tied),
            AttentionScale = Inverse(length),
            Ropes = [rope],
            Activation = ActivationOf(config, "hidden_act", "silu"),
        };
    }

    /// <summary>Width, query heads, key/value heads and length of a head.</summary>
    public static (int Width, int Heads, int KvHeads, int Length) Heads(ConfigReader config, int? headDimension)
    {
        int width = config.Int("hidden_size", 1, Widest), heads = config.Int("num_attention_heads", 1, Most);
        int kvHeads = config.Int("num_key_value_heads", 1, Most, heads);
        if (heads % kvHeads != 0)
            throw config.Unsupported("num_key_value_heads");
        int length = config.Int("head_dim", 1, LongestHead, headDimension ?? Split(config, width, heads));
        return (width, heads, kvHeads, length);
    }

    /// <summary>The length of a head where width is cut into heads.</summary>
    public static int Split(ConfigReader config, int width, int heads) => width % heads == 0 && width / heads <= LongestHead
        ? width / heads
        : throw new ModelFileException(config.File, null, $"a width of {width} is not cut into {heads} heads of at most {LongestHead}");

    /// <summary>1/√length, the usual factor on attention's scores.</summary>
    public static float Inverse(double length) => (float)(1 / Math.Sqrt(length));

    /// <summary>The function that <paramref name="key"/> names, <paramref name="missing"/> where it names none.</summary>
    public static Activation ActivationOf(ConfigReader config, string key, string missing) =>
        Activations.TryParse(config.Text(key) ?? missing, out Activation activation) ? activation : throw config.Unsupported(key);

    /// <summary>The windows that <c>layer_types</c> says, or <paramref name="slides"/> where the file does not say; empty where every layer sees all.</summary>
    /// <param name="window">Positions in the window; 0 for none anywhere.</param>
    public static ImmutableArray<int> Windows(ConfigReader config, int layers, int window, Func<int, bool> slides)
    {
        bool[] sliding = SlidingLayers(config, layers, slides);
        return window == 0 || !sliding.Contains(true) ? [] : [.. sliding.Select(slide => slide ? window : 0)];
    }

    /// <summary>For each layer whether it looks back a window only.</summary>
    public static bool[] SlidingLayers(ConfigReader config, int layers, Func<int, bool> slides)
    {
        var sliding = new bool[layers];
        ImmutableArray<string>? types = config.Texts("layer_types", layers);
        for (int layer = 0; layer < layers; layer++)
        {
            sliding[layer] = types is null ? slides(layer) : types.Value[layer] switch
            {
                "sliding_attention" => true,
                "full_attention" => false,
                _ => throw config.Unsupported("layer_types"),
            };
        }

        return sliding;
    }

    /// <summary>The window of Qwen's family and SmolLM3, which stands in the file even where it is switched off; 0 for none.</summary>
    public static int SwitchedWindow(ConfigReader config)
    {
        int window = config.Int("sliding_window", 0, RopeConfig.LongestContext, 0);
        return config.Flag("use_sliding_window", false) ? window : 0;
    }

    // A model stretched by YaRN often keeps the number of its pre-training in max_position_embeddings.
    private static int Stretched(RopeSettings rope, int positions) =>
        (int)Math.Min(RopeConfig.LongestContext, Math.Max(positions, rope.OriginalContext * rope.Factor));
}
