using System.Security.Cryptography;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Kernels.Packed;
using Fairlead.Engine.Kernels.Quantizing;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

/// <summary>The bytes of every packed form. Packs on disk hold them, and a program that packs otherwise must not read them.</summary>
public sealed unsafe class PackedBytesTests
{
    private const int Outputs = 19, Inputs = 512;

    /// <summary>For <see cref="PackedLayout.Version"/> 1: the beginning of the SHA-256 of a packed matrix of 19 outputs and 512 inputs.</summary>
    public static TheoryData<PackedFormat, ElementType, string> Forms => new()
    {
        { PackedFormat.Eight, ElementType.Q8_0, "68a7312a47c7cf47" },
        { PackedFormat.Four, ElementType.Q4_0, "e2f54ddfc997d552" },
        { PackedFormat.FourWithMinimum, ElementType.Q4_K, "025afad57e177928" },
        { PackedFormat.FiveWithMinimum, ElementType.Q5_K, "e8b38fd2bf7b8877" },
        { PackedFormat.Six, ElementType.Q6_K, "04d6f73c18fdbab0" },
        { PackedFormat.Single, ElementType.F32, "bd12aa0f14eb8877" },
        { PackedFormat.Half, ElementType.F16, "7e098e139447f620" },
        { PackedFormat.Brain, ElementType.BF16, "03d6297ecd9fcc35" },
        { PackedFormat.BrainTiles, ElementType.BF16, "a4e5d1167528bce0" },
        { PackedFormat.BrainPairTiles, ElementType.F32, "f67d970366979ce1" },
        { PackedFormat.HalfTiles, ElementType.F16, "884f32890f630d67" },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_packed_matrix_has_the_bytes_of_this_version_of_the_layout(PackedFormat format, ElementType type, string hash)
    {
        using var from = new RandomWeights(type, Outputs, Inputs, seed: 11);
        CheckHash(format, to => WeightPacker.Pack(from.View, false, to, 0, to.Panels), hash);
    }

    [Theory]
    [InlineData(ElementType.Q8_0, "20dcc10050d1013d")]
    [InlineData(ElementType.Q4_0, "2ad9ad0f51a8876b")]
    [InlineData(ElementType.Q4_K, "fe43b3c59474c9a3")]
    public void A_matrix_that_is_quantised_has_them_too(ElementType type, string hash)
    {
        using var from = new RandomWeights(ElementType.F32, Outputs, Inputs, seed: 12);
        CheckHash(PackedLayout.FormatFor(type, Inputs, KernelFamily.Scalar)!.Value, to => QuantizingPacker.Pack(from.View, false, type, to, 0, to.Panels), hash);
    }

    [Fact]
    public void Every_form_has_its_sample() =>
        Assert.Equal(Enum.GetValues<PackedFormat>().Order(), Forms.Select(static row => row.Data.Item1).Distinct().Order());

    private static void CheckHash(PackedFormat format, Action<PackedMatrix> pack, string hash)
    {
        using var memory = new NativeBuffer<byte>(PackedLayout.BytesFor(format, Outputs, Inputs));
        pack(new PackedMatrix(format, Outputs, Inputs, (nint)memory.Data));
        string found = Convert.ToHexStringLower(SHA256.HashData(memory.Slice(0, (int)memory.Length)))[..16];
        Assert.True(
            (PackedLayout.Version, hash) == (1, found),
            $"{format} has {found} now: packs that were written before would be read wrongly. Raise PackedLayout.Version, and write the new hashes down here with it.");
    }
}
