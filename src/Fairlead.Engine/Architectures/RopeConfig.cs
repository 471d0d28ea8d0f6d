using System.Collections.Immutable;
using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Architectures;

/// <summary>Rotary embeddings as <c>config.json</c> describes them, in <c>rope_theta</c>, <c>rope_scaling</c> and <c>partial_rotary_factor</c>.</summary>
/// <remarks>The formulas and defaults are those of the reference implementation's <c>modeling_rope_utils.py</c>.</remarks>
internal static class RopeConfig
{
    /// <summary>Largest number of positions that a configuration may name: 2²⁶, some six times the longest context that was published.</summary>
    public const int LongestContext = 1 << 26;

    /// <summary>Reads the options for heads of <paramref name="headDimension"/> in a model made for <paramref name="context"/> positions.</summary>
    /// <param name="theta">The architecture's own base, where the file names none.</param>
    public static RopeSettings Read(ConfigReader config, int headDimension, int context, double theta = 10_000)
    {
        int dimensions = (int)(headDimension * config.Number("partial_rotary_factor", 0, 1, 1));
        if (dimensions < 2 || dimensions % 2 != 0)
            throw config.Unsupported(config.Has("partial_rotary_factor") ? "partial_rotary_factor" : "head_dim");

        var plain = new RopeSettings { Theta = config.Number("rope_theta", 2, 1e12, theta), Dimensions = dimensions, OriginalContext = context };
        int original = config.Int("original_max_position_embeddings", 1, LongestContext, context);
        if (config.Group("rope_scaling") is not { } group)
            return plain;
        original = group.Int("original_max_position_embeddings", 1, LongestContext, original);
        RopeSettings settings = Scaled(group, plain, context, original);
        group.Finish();
        return settings;
    }

    private static RopeSettings Scaled(ConfigReader group, RopeSettings plain, int context, int original)
    {
        switch (group.Text("rope_type"))
        {
            case "dynamic":
                // The base grows once a text is longer than the model was made for; such texts are refused, and up to there nothing changes.
                Factor(group);
                return plain;
            case "linear":
                return plain with { Scaling = RopeScaling.Linear, Factor = Factor(group) };
            case "llama3":
                double low = group.Number("low_freq_factor", 1e-6, 1e6), high = group.Number("high_freq_factor", 1e-6, 1e6);
                if (high <= low)
                    throw group.Unsupported("high_freq_factor");
                return plain with { Scaling = RopeScaling.Llama3, Factor = Factor(group), OriginalContext = original, LowFrequencyFactor = low, HighFrequencyFactor = high };
            case "yarn":
                double factor = Factor(group, Math.Max(1, (double)context / original));
                return plain with
                {
                    Scaling = RopeScaling.Yarn,
                    Factor = factor,
                    OriginalContext = original,
                    BetaFast = group.Number("beta_fast", 1e-6, 1e6, 32),
                    BetaSlow = group.Number("beta_slow", 1e-6, 1e6, 1),
                    Truncate = group.Flag("truncate", true),
                    AttentionFactor = YarnAttentionFactor(group, factor),
                };
            case "longrope":
                int pairs = plain.Dimensions / 2;
                double stretch = group.Number("factor", 1e-9, 1e9, (double)context / original); // below 1 where a model is published for less than it was trained on
                return plain with
                {
                    Scaling = RopeScaling.LongRope,
                    OriginalContext = original,
                    AttentionFactor = group.Number("attention_factor", 1e-6, 1e6,
                        stretch <= 1 || original == 1 ? 1 : Math.Sqrt(1 + (Math.Log(stretch) / Math.Log(original)))),
                    ShortFactors = Factors(group, "short_factor", pairs),
                    LongFactors = Factors(group, "long_factor", pairs),
                };
            default:
                throw group.Unsupported("rope_type");
        }
    }

    private static double Factor(ConfigReader group, double? missing = null) => group.Number("factor", 1, 1e6, missing);

    private static ImmutableArray<double> Factors(ConfigReader group, string key, int pairs)
    {
        if (group.Numbers(key, pairs) is not { } factors || factors.Any(factor => factor is <= 1e-6 or > 1e9))
            throw group.Unsupported(key);
        return factors;
    }

    private static double YarnAttentionFactor(ConfigReader group, double factor)
    {
        static double Sharper(double factor, double scale) => factor <= 1 ? 1 : (0.1 * scale * Math.Log(factor)) + 1;

        double scale = group.Number("mscale", 0, 1e6, 0), scaleOfAll = group.Number("mscale_all_dim", 0, 1e6, 0);
        double computed = scale != 0 && scaleOfAll != 0 ? Sharper(factor, scale) / Sharper(factor, scaleOfAll) : Sharper(factor, 1);
        return group.Number("attention_factor", 1e-6, 1e6, computed);
    }
}
