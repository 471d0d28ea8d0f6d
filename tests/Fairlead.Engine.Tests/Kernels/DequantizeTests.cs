using System.Runtime.Intrinsics;
using Fairlead.Engine.Kernels;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Kernels;

[Collection(Widths.Name)]
public sealed unsafe class DequantizeTests
{
    private const string Half1 = "003C", Half0_5 = "0038", HalfMinus2 = "00C0";

    /// <summary>Blocks written by hand after the structures of ggml-common.h; bytes that are not given are zero.</summary>
    public static TheoryData<ElementType, string, string> ByHand => new()
    {
        { ElementType.F32, "0:0000C0BF", "0:-1.5" },
        { ElementType.F16, "0:" + HalfMinus2, "0:-2" },
        { ElementType.F16, "0:0100", "0:5.9604645E-08" }, // the smallest half, subnormal: 2^-24
        { ElementType.F16, "0:007C", "0:Infinity" },
        { ElementType.BF16, "0:40C0", "0:-3" },

        // byte 0 is 0x0F: value 0 is (15 − 8) · 0.5, value 16 is (0 − 8) · 0.5; an all-zero byte gives −4 twice
        { ElementType.Q4_0, $"0:{Half0_5} 2:0F", "0:3.5 16:-4 1:-4 31:-4" },

        // minimum 1: value 15 is 3 · 0.5 + 1, value 31 is 10 · 0.5 + 1
        { ElementType.Q4_1, $"0:{Half0_5} 2:{Half1} 19:A3", "0:1 15:2.5 31:6" },

        // fifth bits 0 and 31: value 0 is (16 + 1 − 16) · 0.5, value 31 is (16 + 15 − 16) · 0.5, value 1 is (0 − 16) · 0.5
        { ElementType.Q5_0, $"0:{Half0_5} 2:01000080 6:01 21:F0", "0:0.5 31:7.5 1:-8 16:-8" },

        // fifth bits 0 and 16: value 0 is (16 + 2) · 0.5 + 1, value 16 is (16 + 4) · 0.5 + 1
        { ElementType.Q5_1, $"0:{Half0_5} 2:{Half1} 4:01000100 8:42", "0:10 16:11 5:1" },
        { ElementType.Q8_0, $"0:{HalfMinus2} 2:80 33:7F", "0:256 31:-254 7:0" },

        // scale 1, minimum scale 0.5. Group 0: scale byte C3 → 3, minimum byte 47 → 7. Group 1: 2 and 1.
        // Group 4: byte 8 is 25 → scale 5 | 3 << 4 = 53, minimum 2 | 1 << 4 = 18. Group 5: byte 9 is 11 → 1 and 1.
        // First byte of quants 9A: value 0 is 3 · 10 − 3.5, value 32 is 2 · 9 − 0.5. Byte 64 is 0F: value 128 is 53 · 15 − 9, value 160 is 0 − 0.5.
        { ElementType.Q4_K, $"0:{Half1} 2:{Half0_5} 4:C302 8:4701 12:2511 16:9A 80:0F", "0:26.5 32:17.5 1:-3.5 128:786 160:-0.5 255:0" },

        // as before, and fifth bits: byte 16 is 31 = bits 0, 4, 5 → groups 0, 4 and 5 of value 0 have 16 more
        { ElementType.Q5_K, $"0:{Half1} 2:{Half0_5} 4:C302 8:4701 12:2511 16:31 48:9A 112:0F", "0:74.5 32:17.5 1:-3.5 128:1634 160:15.5 255:0" },

        // scale 0.5 at the end. Scales of groups 0, 2, 4, 6 and 15: 2, −3, 1, 4 and −1.
        // Lower halves: byte 0 is A5, byte 32 is 3C; upper pairs, byte 0: E4 = 3 2 1 0 from above.
        // value 0: (5 | 0) − 32 = −27 → · 1; value 32: (12 | 16) − 32 = −4 → · −1.5; value 64: (10 | 32) − 32 = 10 → · 0.5; value 96: (3 | 48) − 32 = 19 → · 2
        // value 255: byte 127 is 70, byte 191 is 40 → 7 | 1 << 4 = 23 − 32 = −9 → · −0.5
        { ElementType.Q6_K, $"0:A5 32:3C 128:E4 127:70 191:40 192:0200FD0001000400 207:FF 208:{Half0_5}", "0:-27 32:6 64:5 96:38 255:4.5 16:0" },
    };

    [Theory]
    [MemberData(nameof(ByHand))]
    public void A_block_written_by_hand_has_the_values_worked_by_hand(ElementType type, string bytes, string values)
    {
        BlockLayout layout = BlockLayout.Of(type);
        byte[] block = new byte[layout.Bytes];
        foreach ((int at, string hex) in Entries(bytes))
            Convert.FromHexString(hex).CopyTo(block, at);
        float[] row = new float[layout.Values];
        fixed (byte* source = block)
            Dequantize.Row(type, source, row);
        foreach ((int at, string value) in Entries(values))
            Assert.Equal(float.Parse(value, System.Globalization.CultureInfo.InvariantCulture), row[at]);
    }

    [Fact]
    public void Every_width_decodes_every_type_to_the_bits_of_the_plain_loop()
    {
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            using var weights = new RandomWeights(type, rows: 1, columns: 2048, seed: 7);
            Widths.AssertSameBits(weights.Row(0), Decoded(weights.View), type.ToString());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(63)]
    public void A_row_of_plain_numbers_may_have_any_length(int length)
    {
        foreach (ElementType type in new[] { ElementType.F32, ElementType.F16, ElementType.BF16 })
        {
            using var weights = new RandomWeights(type, rows: 1, columns: length, seed: 9);
            Widths.AssertSameBits(weights.Row(0), Decoded(weights.View), $"{type}, {length}");
        }
    }

    [Fact]
    public void Scales_that_are_extreme_or_no_number_reach_the_values_as_they_are()
    {
        ushort[] scales = [0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0x7c01];
        foreach (ElementType type in Enum.GetValues<ElementType>().Where(type => BlockLayout.Of(type).Values > 1))
        {
            BlockLayout layout = BlockLayout.Of(type);
            using var weights = new RandomWeights(type, rows: 1, columns: layout.Values * scales.Length, seed: 8);
            for (int block = 0; block < scales.Length; block++)
                BitConverter.TryWriteBytes(weights.Bytes[((block * layout.Bytes) + (type == ElementType.Q6_K ? 208 : 0))..], scales[block]);
            float[] expected = weights.Row(0);
            Assert.Contains(float.NaN, expected);
            Widths.AssertSameBits(expected, Decoded(weights.View), type.ToString());
        }
    }

    [Fact]
    public void Every_half_there_is_becomes_the_single_of_the_same_value()
    {
        using var halves = new NativeBuffer<ushort>(65536);
        for (int i = 0; i < 65536; i++)
            halves.Data[i] = (ushort)i;
        var view = new TensorView(ElementType.F16, [1, 65536], (byte*)halves.Data);
        float[] expected = [.. Enumerable.Range(0, 65536).Select(i => (float)BitConverter.UInt16BitsToHalf((ushort)i))];
        Widths.AssertSameBits(expected, Decoded(view), "F16");
    }

    private static float[] Decoded(TensorView view) => Widths.Same(view.Columns, output => BlockDecoder.Row(view.Type, view.Data, output.Data, view.Columns));

    private static IEnumerable<(int At, string Text)> Entries(string list) =>
        list.Split(' ').Select(entry => entry.Split(':')).Select(parts => (int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture), parts[1]));
}
