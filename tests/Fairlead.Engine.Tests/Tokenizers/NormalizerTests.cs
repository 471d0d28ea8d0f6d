using System.Buffers.Binary;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers;
using Fairlead.Engine.Tokenizers.Normalizers;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>Each normalizer: what it makes of a text, and which unit of the original every unit of the new text says it came from.</summary>
public sealed class NormalizerTests
{
    [Theory]
    [InlineData("""{"type":"NFC"}""", "e\u0301x", "\u00E9x", "0-1 2-3")]
    [InlineData("""{"type":"NFD"}""", "\u00E9x", "e\u0301x", "0-1 0-1 1-2")]
    [InlineData("""{"type":"NFKC"}""", "\uFB01\u00BD", "fi1\u20442", "0-1 0-1 1-2 1-2 1-2")]
    [InlineData("""{"type":"NFKD"}""", "\uFB01\u00E9", "fie\u0301", "0-1 0-1 1-2 1-2")]
    [InlineData("""{"type":"Lowercase"}""", "\u0130AΣ", "i\u0307aσ", "0-1 0-1 1-2 2-3")]
    [InlineData("""{"type":"BertNormalizer"}""", "Ça\u0007\t中B", "ca  中 b", "0-1 1-2 3-4 4-5 4-5 4-5 5-6")]
    [InlineData("""{"type":"BertNormalizer","lowercase":false}""", "Çé", "Çé", "0-1 1-2")]
    [InlineData("""{"type":"BertNormalizer","lowercase":false,"strip_accents":true,"clean_text":false,"handle_chinese_chars":false}""", "Ç中\t", "C中\t", "0-1 1-2 2-3")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}""", "a  b", "a b", "0-1 2-3 3-4")]
    [InlineData("""{"type":"Replace","pattern":{"String":"ab"},"content":"xyz"}""", "cab", "cxyz", "0-1 2-3 2-3 2-3")]
    [InlineData("""{"type":"Replace","pattern":{"String":"."},"content":""}""", "a.b", "ab", "0-1 2-3")]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "ab", "▁ab", "0-1 0-1 1-2")]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "", "", "")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":true}""", " \ta b\u3000", "a b", "2-3 3-4 4-5")]
    [InlineData("""{"type":"Strip","strip_left":false,"strip_right":true}""", " a ", " a", "0-1 1-2")]
    [InlineData("""{"type":"StripAccents"}""", "e\u0301a", "ea", "0-1 2-3")]
    [InlineData("""{"type":"Nmt"}""", "a\u0001b\u200Bc\n", "ab c ", "0-1 2-3 3-4 4-5 5-6")]
    [InlineData("""{"type":"ByteLevel"}""", "a é", "aĠÃ©", "0-1 1-2 2-3 2-3")]
    [InlineData("""{"type":"Precompiled","precompiled_charsmap":null}""", "ab", "ab", "0-1 1-2")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]}""", "ÉA", "ea", "0-1 1-2")]
    public void A_text_is_changed_and_knows_where_it_came_from(string normalizer, string text, string expected, string places)
    {
        AlignedText made = Apply(TokenizerJson.ReadNormalizer(JsonPart.Parse("tokenizer.json", System.Text.Encoding.UTF8.GetBytes(normalizer)), 0), text);
        Assert.Equal(expected, made.Span.ToString());
        Assert.Equal(places, Places(made));
    }

    // From Unicode's NormalizationTest.txt, which all passed when the tables were made: source; NFC; NFD; NFKC; NFKD.
    [Theory]
    [InlineData("1E0A 0323", "1E0C 0307", "0044 0323 0307", "1E0C 0307", "0044 0323 0307")]
    [InlineData("0344", "0308 0301", "0308 0301", "0308 0301", "0308 0301")]
    [InlineData("FB2C", "05E9 05BC 05C1", "05E9 05BC 05C1", "05E9 05BC 05C1", "05E9 05BC 05C1")]
    [InlineData("AC01", "AC01", "1100 1161 11A8", "AC01", "1100 1161 11A8")]
    [InlineData("1100 1161 11A7 11A8", "AC00 11A7 11A8", "1100 1161 11A7 11A8", "AC00 11A7 11A8", "1100 1161 11A7 11A8")]
    [InlineData("FDFA", "FDFA", "FDFA", "0635 0644 0649 0020 0627 0644 0644 0647 0020 0639 0644 064A 0647 0020 0648 0633 0644 0645", "0635 0644 0649 0020 0627 0644 0644 0647 0020 0639 0644 064A 0647 0020 0648 0633 0644 0645")]
    [InlineData("1D15F", "1D158 1D165", "1D158 1D165", "1D158 1D165", "1D158 1D165")]
    [InlineData("2F800", "4E3D", "4E3D", "4E3D", "4E3D")]
    [InlineData("212B", "00C5", "0041 030A", "00C5", "0041 030A")]
    [InlineData("0061 0315 0300 05AE 0062", "00E0 05AE 0315 0062", "0061 05AE 0300 0315 0062", "00E0 05AE 0315 0062", "0061 05AE 0300 0315 0062")]
    [InlineData("0B47 0334 0B3E", "0B47 0334 0B3E", "0B47 0334 0B3E", "0B47 0334 0B3E", "0B47 0334 0B3E")]
    [InlineData("1113E", "1113E", "1113E", "1113E", "1113E")]
    [InlineData("11131 11127", "1112E", "11131 11127", "1112E", "11131 11127")]
    public void The_four_forms_are_Unicode_s(string source, string nfc, string nfd, string nfkc, string nfkd)
    {
        Assert.Equal(nfc, Form(source, NormalizationKind.Nfc));
        Assert.Equal(nfd, Form(source, NormalizationKind.Nfd));
        Assert.Equal(nfkc, Form(source, NormalizationKind.Nfkc));
        Assert.Equal(nfkd, Form(source, NormalizationKind.Nfkd));
    }

    [Fact]
    public void Forms_of_any_text_are_stable_and_meet()
    {
        foreach (string text in RoundTripTests.RandomTexts(500))
        {
            string nfc = Formed(text, NormalizationKind.Nfc), nfd = Formed(text, NormalizationKind.Nfd), nfkd = Formed(text, NormalizationKind.Nfkd);
            Assert.Equal(nfc, Formed(nfc, NormalizationKind.Nfc));
            Assert.Equal(nfc, Formed(nfd, NormalizationKind.Nfc));
            Assert.Equal(nfd, Formed(nfc, NormalizationKind.Nfd));
            Assert.Equal(nfkd, Formed(Formed(text, NormalizationKind.Nfkc), NormalizationKind.Nfkd));
        }
    }

    [Fact]
    public void A_million_marks_on_one_letter_are_ordered_without_a_square()
    {
        string text = "a" + string.Concat(Enumerable.Repeat("\u0301\u0323", 500_000));
        string formed = Formed(text, NormalizationKind.Nfd);
        Assert.Equal(new string('\u0323', 500_000), formed.Substring(1, 500_000));
    }

    [Fact]
    public void A_SentencePiece_map_replaces_the_shortest_key_that_fits()
    {
        // ① → 1, ﬁ → fi, U+200B → nothing
        Normalizer map = Precompiled.Read("tokenizer.json", Charsmap(("①", "1"), ("ﬁ", "fi"), ("\u200B", "")))!;
        AlignedText made = Apply(map, "x①ﬁ\u200By🙂");
        Assert.Equal("x1fiy🙂", made.Span.ToString());
        Assert.Equal("0-1 1-2 2-3 3-4 4-5 5-7 5-7", Places(made));
    }

    [Theory]
    [InlineData("AAAA")] // three bytes
    [InlineData("/////w==")] // a trie of four gigabytes
    [InlineData("AwAAAAAAAAA=")] // of three bytes
    [InlineData("not base64!")]
    public void A_map_that_is_none_is_refused(string base64) =>
        Assert.Throws<ModelFileException>(() => TokenizerJson.ReadNormalizer(JsonPart.Parse("tokenizer.json", System.Text.Encoding.UTF8.GetBytes($$"""{"type":"Precompiled","precompiled_charsmap":"{{base64}}"}""")), 0));

    [Fact]
    public void A_map_of_random_bytes_ends_in_some_text()
    {
        var random = new Random(5);
        for (int round = 0; round < 300; round++)
        {
            byte[] map = new byte[4 + 4 * random.Next(1, 300) + random.Next(0, 40)];
            random.NextBytes(map);
            BinaryPrimitives.WriteInt32LittleEndian(map, (map.Length - 4) / 4 * 4);
            if (Precompiled.Read("tokenizer.json", map) is { } normalizer)
                Assert.NotNull(Apply(normalizer, "Any text ①ﬁ é 日本 🙂"));
        }
    }

    private static AlignedText Apply(Normalizer? normalizer, string text)
    {
        AlignedText given = AlignedText.Of(text.AsMemory(), 0);
        return normalizer?.Apply(given) ?? given;
    }

    private static string Places(AlignedText text) => string.Join(' ', Enumerable.Range(0, text.Length).Select(at => $"{text.StartOf(at)}-{text.EndOf(at)}"));

    private static string Formed(string text, NormalizationKind kind) =>
        string.Concat(Normalization.Apply(text, kind).Select(change => char.ConvertFromUtf32(change.CodePoint)));

    private static string Form(string source, NormalizationKind kind)
    {
        string text = string.Concat(source.Split(' ').Select(code => char.ConvertFromUtf32(Convert.ToInt32(code, 16))));
        return string.Join(' ', Formed(text, kind).EnumerateRunes().Select(rune => rune.Value.ToString("X4")));
    }

    // A Darts double array for keys of which none is a prefix of another: every node's children at an offset of their own.
    private static byte[] Charsmap(params (string Key, string Value)[] entries)
    {
        var units = new Dictionary<int, uint>();
        var values = new List<byte>();
        var used = new HashSet<int> { 0 };
        int Place(IReadOnlyCollection<int> labels, int node)
        {
            for (int offset = 1; ; offset++)
            {
                if (labels.All(label => !used.Contains(node ^ offset ^ label)))
                    return offset;
            }
        }

        void Add(int node, uint label, List<(byte[] Tail, int Value)> keys)
        {
            if (keys is [{ Tail.Length: 0 } leaf])
            {
                int at = Place([0], node);
                used.Add(node ^ at);
                units[node ^ at] = 0x80000000 | (uint)leaf.Value;
                units[node] = (uint)at << 10 | 1 << 8 | label;
                return;
            }

            List<IGrouping<byte, (byte[] Tail, int Value)>> groups = [.. keys.GroupBy(key => key.Tail[0])];
            int offset = Place([.. groups.Select(group => (int)group.Key)], node);
            units[node] = (uint)offset << 10 | label;
            foreach (IGrouping<byte, (byte[] Tail, int Value)> group in groups)
                used.Add(node ^ offset ^ group.Key);
            foreach (IGrouping<byte, (byte[] Tail, int Value)> group in groups)
                Add(node ^ offset ^ group.Key, group.Key, [.. group.Select(key => (key.Tail[1..], key.Value))]);
        }

        var keys = new List<(byte[], int)>();
        foreach ((string key, string value) in entries)
        {
            keys.Add((System.Text.Encoding.UTF8.GetBytes(key), values.Count));
            values.AddRange(System.Text.Encoding.UTF8.GetBytes(value));
            values.Add(0);
        }

        Add(0, 0, keys);
        int size = units.Keys.Max() + 1;
        byte[] map = new byte[4 + size * 4 + values.Count];
        BinaryPrimitives.WriteInt32LittleEndian(map, size * 4);
        foreach ((int at, uint unit) in units)
            BinaryPrimitives.WriteUInt32LittleEndian(map.AsSpan(4 + at * 4), unit);
        values.CopyTo(map, 4 + size * 4);
        return map;
    }
}
