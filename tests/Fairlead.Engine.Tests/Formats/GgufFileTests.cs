using Fairlead.Engine.Formats;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Tests.Formats;

public sealed class GgufFileTests
{
    [Theory]
    [InlineData("llama-bpe", "llama", 128256, 280147)]
    [InlineData("gpt-2", "gpt2", 50257, 50000)]
    [InlineData("falcon", "falcon", 65024, 64784)]
    public void Real_vocabularies_are_read_whole(string file, string architecture, int tokens, int merges)
    {
        using GgufFile gguf = GgufFile.Open(Goldens.Shared($"vocabularies/{file}.gguf"));
        Assert.Equal((architecture, 3), (gguf.Text("general.architecture"), gguf.Version));
        Assert.Equal(tokens, gguf.Texts("tokenizer.ggml.tokens")!.Length);
        Assert.Equal(merges, gguf.Texts("tokenizer.ggml.merges")!.Length);
        Assert.Equal(tokens, gguf.Integers("tokenizer.ggml.token_type")!.Length);
    }

    [Fact]
    public void A_number_stored_in_single_precision_is_read_as_it_was_written()
    {
        using GgufFile gguf = GgufFile.Open(Goldens.Shared("vocabularies/gpt-2.gguf"));
        Assert.Equal(1e-5, gguf.Number("gpt2.attention.layer_norm_epsilon"));
        Assert.Equal(768, gguf.Integer("gpt2.embedding_length"));
        Assert.Null(gguf.Text("tokenizer.chat_template"));
    }

    [Fact]
    public void Every_type_of_value_comes_back_as_it_was_written()
    {
        using TemporaryFolder folder = new();
        new GgufWriter { Version = 2 }
            .SetRaw("u8", GgufType.UInt8, w => w.Write((byte)200)).SetRaw("i8", GgufType.Int8, w => w.Write((sbyte)-100))
            .SetRaw("u16", GgufType.UInt16, w => w.Write((ushort)60_000)).SetRaw("i16", GgufType.Int16, w => w.Write((short)-30_000))
            .SetRaw("u32", GgufType.UInt32, w => w.Write(4_000_000_000u)).SetRaw("i32", GgufType.Int32, w => w.Write(-2_000_000_000))
            .SetRaw("u64", GgufType.UInt64, w => w.Write((ulong)long.MaxValue)).SetRaw("i64", GgufType.Int64, w => w.Write(long.MinValue))
            .SetRaw("huge", GgufType.UInt64, w => w.Write(ulong.MaxValue)).SetRaw("f64", GgufType.Float64, w => w.Write(1e300)).SetRaw("nan", GgufType.Float32, w => w.Write(float.NaN))
            .Set("f32", 0.1f).Set("yes", true).Set("no", false).Set("text", "Grüße 👋").Set("list", ["a", "", "ß"]).Set("numbers", [1, -2]).Set("none", Array.Empty<string>())
            .SetList("flags", GgufType.Boolean, 2, w => w.Write([(byte)1, (byte)0])).WriteTo(folder["x.gguf"]);
        using GgufFile file = GgufFile.Open(folder["x.gguf"]);
        Assert.Equal([200, -100, 60_000, -30_000, 4_000_000_000, -2_000_000_000, long.MaxValue, long.MinValue], new[] { "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64" }.Select(key => file.Integer(key)!.Value));
        Assert.Equal((0.1, 1e300, 200.0), (file.Number("f32"), file.Number("f64"), file.Number("u8")));
        Assert.Equal((true, false, null), (file.Flag("yes"), file.Flag("no"), file.Flag("absent")));
        Assert.Equal("Grüße 👋", file.Text("text"));
        Assert.Equal(["a", "", "ß"], file.Texts("list")!);
        Assert.Equal([1, -2], file.Integers("numbers")!);
        Assert.Equal([1f, -2f], file.Numbers("numbers")!);
        Assert.Empty(file.Texts("none")!);
        foreach (Action wrong in (Action[])[() => file.Integer("huge"), () => file.Number("nan"), () => file.Text("u8"), () => file.Integer("text"), () => file.Flag("u8"), () => file.Texts("text"), () => file.Text("list"), () => file.Integers("list"), () => file.Texts("numbers")])
            Assert.Throws<ModelFileException>(wrong);
    }

    [Fact]
    public void Every_element_type_is_found_in_the_file_with_its_shape_turned_round()
    {
        using TemporaryFolder folder = new();
        GgufWriter writer = new() { Alignment = 64 };
        writer.Set("general.alignment", 64u);
        foreach (ElementType type in Enum.GetValues<ElementType>())
            writer.Add($"{type}", type, [3, 2, 256], [.. Enumerable.Repeat((byte)type, (int)BlockLayout.Of(type).SizeOf(1536))]);
        writer.WriteTo(folder["x.gguf"]);
        using GgufFile file = GgufFile.Open(folder["x.gguf"]);
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            Assert.True(file.TryGet($"{type}", out TensorView view));
            Assert.Equal(($"{type} [3 × 2 × 256]", 6, 256), (view.ToString(), view.Rows, view.Columns));
            unsafe
            {
                Assert.True(new ReadOnlySpan<byte>(view.Data, (int)(6 * view.RowBytes)).IndexOfAnyExcept((byte)type) < 0);
                Assert.Equal(0, (long)view.Data % 64);
            }
        }
    }

    [Fact]
    public void A_hostile_file_is_refused_with_its_reason()
    {
        using TemporaryFolder folder = new();
        List<string> wrong = [];
        foreach ((string why, byte[] bytes) in Hostile())
        {
            string path = folder.Write("x.gguf", bytes);
            try
            {
                GgufFile.Open(path).Dispose();
                wrong.Add($"accepted, although: {why}");
            }
            catch (ModelFileException refusal) when (refusal.Message.Contains(why, StringComparison.Ordinal))
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
    public void A_type_that_is_not_read_is_named_with_what_would_serve_it()
    {
        using TemporaryFolder folder = new();
        Raw().Header(tensors: 1, keys: 0).Tensor("blk.0.attn_q.weight", 23, 0, 256).Save(folder["x.gguf"]);
        string reason = Assert.Throws<ModelFileException>(() => GgufFile.Open(folder["x.gguf"])).Reason;
        Assert.Contains("blk.0.attn_q.weight is of type IQ4_XS", reason, StringComparison.Ordinal);
        Assert.Contains("llama-server", reason, StringComparison.Ordinal);
    }

    private static IEnumerable<(string Why, byte[] Bytes)> Hostile()
    {
        yield return ("not GGUF", [.. "GGUG"u8, .. new byte[40]]);
        yield return ("from before GGUF", [.. "lmgg"u8, .. new byte[40]]);
        yield return ("pickle", [.. "PK\x03\x04"u8, .. new byte[40]]);
        yield return (".safetensors", [.. BitConverter.GetBytes(2L), .. "{}"u8]);
        yield return ("ends inside the version", [.. "GGUF"u8]);
        yield return ("version 1", Raw().Header(0, 0, version: 1).Bytes);
        yield return ("version 4", Raw().Header(0, 0, version: 4).Bytes);
        yield return ("big-endian", Raw().Header(0, 0, version: 3 << 24).Bytes);
        yield return ("65537 tensors", Raw().Header(65_537, 0).Bytes);
        yield return ("18446744073709551615 tensors", Raw().Header(ulong.MaxValue, 0).Bytes); // CVE-2025-53630: the counts are multiplied before they are checked
        yield return ("65537 metadata keys", Raw().Header(0, 65_537).Bytes);
        yield return ("ends inside a key", Raw().Header(0, 1).Bytes);
        yield return ("a text of 1048577 bytes", Raw().Header(0, 1).Number(1_048_577UL).Bytes);
        yield return ("a text of 18446744073709551615 bytes", Raw().Header(0, 1).Number(ulong.MaxValue).Bytes);
        yield return ("not valid UTF-8", Raw().Header(0, 1).Number(1UL).Add(0xFF).Bytes);
        yield return ("the key a stands twice", Raw().Header(0, 2).Text("a").Number(4u).Number(1u).Text("a").Number(4u).Number(1u).Bytes);
        yield return ("unknown value type 13", Raw().Header(0, 1).Text("a").Number(13u).Bytes);
        yield return ("a list of lists", Raw().Header(0, 1).Text("a").Number(9u).Number(9u).Number(1UL).Number(9u).Number(1UL).Bytes);
        yield return ("announces 18446744073709551615 values", Raw().Header(0, 1).Text("a").Number(9u).Number(12u).Number(ulong.MaxValue).Bytes);
        yield return ("announces 2305843009213693952 values", Raw().Header(0, 1).Text("a").Number(9u).Number(10u).Number(1UL << 61).Bytes); // × 8 bytes is 0 in 64 bits
        yield return ("needs 134217728 bytes", Raw().Header(0, 1).Text("a").Number(9u).Number(12u).Number(1UL << 24).Bytes);
        yield return ("the file ends inside a", Raw().Header(0, 1).Text("a").Number(9u).Number(8u).Number(1UL << 20).Bytes);
        yield return ("neither true nor false", Raw().Header(0, 1).Text("a").Number(7u).Add(2).Bytes);
        yield return ("general.alignment must be", Raw().Header(0, 1).Text("general.alignment").Number(4u).Number(48u).Bytes);
        yield return ("general.alignment must be", Raw().Header(0, 1).Text("general.alignment").Number(4u).Number(0u).Bytes);
        yield return ("general.alignment must be", Raw().Header(0, 1).Text("general.alignment").Number(4u).Number(8192u).Bytes);
        yield return ("general.alignment must be", Raw().Header(0, 1).Text("general.alignment").Number(10u).Number(32UL).Bytes);
        yield return ("has 5 dimensions", Raw().Header(1, 0).Text("a").Number(5u).Bytes);
        yield return ("a dimension of 0", Raw().Header(1, 0).Tensor("a", 0, 0, 0).Bytes);
        yield return ("a dimension of 2147483648", Raw().Header(1, 0).Tensor("a", 0, 0, 1UL << 31).Bytes);
        yield return ("a dimension of 18446744073709551615", Raw().Header(1, 0).Tensor("a", 0, 0, ulong.MaxValue).Bytes);
        yield return ("needs", Raw().Header(1, 0).Tensor("a", 0, 0, 1UL << 30, 1UL << 30, 1UL << 30, 1UL << 30).Bytes); // CVE-2026-27940: the product is 0 in 64 bits
        yield return ("unknown here", Raw().Header(1, 0).Tensor("a", 999, 0, 32).Bytes);
        yield return ("unknown here", Raw().Header(1, 0).Tensor("a", uint.MaxValue, 0, 32).Bytes);
        yield return ("itself has removed", Raw().Header(1, 0).Tensor("a", 4, 0, 32).Bytes);
        yield return ("no whole number of Q4_K blocks", Raw().Header(1, 0).Tensor("a", 12, 0, 128).Bytes);
        yield return ("no multiple of the alignment", Raw().Header(1, 0).Tensor("a", 0, 4, 2).Add(new byte[200]).Bytes);
        yield return ("the download is incomplete", Raw().Header(1, 0).Tensor("a", 0, 1UL << 62, 2).Add(new byte[200]).Bytes);
        yield return ("the download is incomplete", Raw().Header(1, 0).Tensor("a", 0, ulong.MaxValue - 31, 2).Add(new byte[200]).Bytes); // start + offset wraps to before the data
        yield return ("the download is incomplete", Raw().Header(1, 0).Tensor("a", 0, 0, 10).Add(new byte[40]).Bytes); // CVE-2026-7482: the data ends behind the file
        yield return ("tensor a stands twice", Raw().Header(2, 0).Tensor("a", 0, 0, 8).Tensor("a", 0, 32, 8).Add(new byte[200]).Bytes);
        yield return ("begins inside", Raw().Header(2, 0).Tensor("a", 0, 0, 16).Tensor("b", 0, 32, 8).Add(new byte[200]).Bytes);
    }

    private static RawGguf Raw() => new();

    /// <summary>A file written field by field, right or wrong.</summary>
    private sealed class RawGguf
    {
        private readonly List<byte> _bytes = [];

        public byte[] Bytes => [.. _bytes];

        public void Save(string path) => File.WriteAllBytes(path, Bytes);

        public RawGguf Header(ulong tensors, ulong keys, uint version = 3) => Add("GGUF"u8.ToArray()).Number(version).Number(tensors).Number(keys);

        public RawGguf Number(uint value) => Add(BitConverter.GetBytes(value));

        public RawGguf Number(ulong value) => Add(BitConverter.GetBytes(value));

        public RawGguf Text(string text) => Number((ulong)text.Length).Add(System.Text.Encoding.UTF8.GetBytes(text));

        public RawGguf Tensor(string name, uint type, ulong offset, params ulong[] dimensions)
        {
            Text(name).Number((uint)dimensions.Length);
            foreach (ulong dimension in dimensions)
                Number(dimension);
            return Number(type).Number(offset);
        }

        public RawGguf Add(params byte[] bytes)
        {
            _bytes.AddRange(bytes);
            return this;
        }
    }
}
