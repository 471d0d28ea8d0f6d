using Fairlead.Engine.Generation;

namespace Fairlead.Engine.Tests.Generation;

public sealed class PhiloxTests
{
    // The three known answers for philox4x32-10 that the paper's authors publish with their library (Random123, kat_vectors).
    [Theory]
    [InlineData(0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void The_generator_gives_its_authors_known_answers(uint a, uint b, uint c, uint d, uint key0, uint key1, uint w, uint x, uint y, uint z) =>
        Assert.Equal((w, x, y, z), Philox.Block(a, b, c, d, key0, key1));

    [Fact]
    public void Chance_is_even_over_the_unit_interval_and_differs_by_seed_choice_and_place()
    {
        var cells = new int[64];
        for (int position = 0; position < 64_000; position++)
            cells[(int)(Philox.Unit(7, 0, position) * 64)]++;
        double chiSquare = cells.Sum(static count => Math.Pow(count - 1000, 2) / 1000);
        Assert.InRange(chiSquare, 30, 105); // 63 degrees of freedom: 1 in 5,000 lies outside on either side
        double[] drawn = [Philox.Unit(7, 0, 0), Philox.Unit(7, 0, 1), Philox.Unit(7, 1, 0), Philox.Unit(8, 0, 0), Philox.Unit(7UL << 32, 0, 0)];
        Assert.Equal(drawn.Length, drawn.Distinct().Count());
    }
}
