using Fairlead.Engine.Layers;

namespace Fairlead.Engine.Tests.Layers;

/// <summary>Frequencies worked by hand. Linear, Llama 3 and YaRN stretching is proved end to end by the goldens.</summary>
public sealed class RopeTests
{
    [Fact]
    public void Plain_frequencies_fall_from_one_by_the_base()
    {
        float[] frequencies = Rope.Frequencies(new RopeSettings { Theta = 10_000, Dimensions = 8 }, 100);
        Assert.Equal([1, 0.1f, 0.01f, 0.001f], frequencies, (a, b) => Math.Abs(a - b) <= 1e-6 * a);
    }

    [Fact]
    public void LongRoPE_divides_by_the_short_list_up_to_the_original_context_and_by_the_long_list_beyond()
    {
        var settings = new RopeSettings
        {
            Theta = 10_000, Dimensions = 4, Scaling = RopeScaling.LongRope, OriginalContext = 4096, ShortFactors = [1, 2], LongFactors = [4, 50],
        };
        Assert.Equal([1, 0.005f], Rope.Frequencies(settings, 4096), (a, b) => Math.Abs(a - b) <= 1e-6 * a);
        Assert.Equal([0.25f, 0.0002f], Rope.Frequencies(settings, 4097), (a, b) => Math.Abs(a - b) <= 1e-6 * a);
    }

    [Fact]
    public unsafe void A_position_turns_a_pair_by_its_angle_and_scales_it_by_the_attention_factor()
    {
        using var rope = new Rope(new RopeSettings { Theta = 10_000, Dimensions = 2, AttentionFactor = 1.5 }, 100, rows: 1);
        rope.SetPosition(0, 2);
        float[] head = [1, 0, 7];
        fixed (float* values = head)
            rope.Turn(0, values, heads: 1, dimension: 3);
        Assert.Equal(1.5f * MathF.Cos(2), head[0], 6);
        Assert.Equal(1.5f * MathF.Sin(2), head[1], 6);
        Assert.Equal(7, head[2]);
    }

    /// <summary>The slopes of the paper's section 3 for 8 heads, and of its code for 12: those of 8 and every other one of 16.</summary>
    [Fact]
    public void Slopes_of_a_number_of_heads_that_is_no_power_of_two_are_filled_from_the_finer_series()
    {
        float[] eight = new float[8], twelve = new float[12];
        Attention.Slopes(eight);
        Attention.Slopes(twelve);
        Assert.Equal([.. Enumerable.Range(1, 8).Select(i => MathF.Pow(2, -i))], eight);
        Assert.Equal(eight, twelve[..8]);
        Assert.Equal([.. new[] { 1, 3, 5, 7 }.Select(i => MathF.Pow(2, -i / 2f))], twelve[8..], (a, b) => Math.Abs(a - b) <= 1e-7);
    }
}
