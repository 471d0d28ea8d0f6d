using System.Text;
using Fairlead.Protocols.Sse;
using Fairlead.Shared;

namespace Fairlead.Protocols.Tests.Sse;

/// <summary>Random bytes, cut at random, beside a reader so plain that it can be checked against the standard by eye (WHATWG HTML §9.2.6).</summary>
[Trait("Category", Fuzz.Category)]
public sealed class SseReaderFuzz
{
    private static readonly byte[][] Words =
    [
        .. ((string[])["data", "data: ", "data:", "event: error", "event:", "error: {", "error: x", "id: 1", ":", " ", "\n", "\n", "\n\n", "\r", "\r\n", "\r\n\r\n", "\uFEFF", "\0", "é", "x", "{\"a\":1}", "data: [DONE]\n\n"])
            .Select(static w => Encoding.UTF8.GetBytes(w)),
        [0xFF], [0xEF, 0xBB], [0xEF],
    ];

    [Fact]
    public void Whatever_comes_is_read_as_the_standard_says_however_it_is_cut()
    {
        foreach (int round in Fuzz.Rounds(100))
        {
            int seed = Fuzz.Seed + round;
            var random = new Random(seed);
            byte[] bytes = Bytes(random);
            string expected = ByTheBook(bytes);
            foreach (int[] cuts in (int[][])[[], Cuts(bytes, random), [.. Enumerable.Range(0, bytes.Length)]])
            {
                string read = Read(bytes, cuts, SseReader.DefaultMostBytesPerEvent);
                Assert.True(expected == read, $"Seed {seed}, cut at {string.Join(' ', cuts)}: {Convert.ToHexString(bytes)}\nbook: {expected}\nread: {read}");
            }
            Read(bytes, Cuts(bytes, random), random.Next(1, 64)); // a bound may be met anywhere and does no harm
        }
    }

    private static byte[] Bytes(Random random)
    {
        var bytes = new List<byte>();
        for (int words = random.Next(40); words > 0; words--)
        {
            if (random.Next(12) == 0)
                bytes.AddRange(Enumerable.Repeat((byte)'y', random.Next(3_000)));
            else
                bytes.AddRange(Words[random.Next(Words.Length)]);
        }
        return [.. bytes];
    }

    private static int[] Cuts(byte[] bytes, Random random) => [.. Enumerable.Range(0, random.Next(8)).Select(_ => random.Next(bytes.Length + 1)).Order()];

    /// <summary>One line after the other, nothing clever. What hangs over at the end counts, and <c>error: {…}</c> is an event: both as our reader promises.</summary>
    private static string ByTheBook(byte[] bytes)
    {
        string text = Encoding.Latin1.GetString(bytes); // a character a byte
        if (text.StartsWith("\u00EF\u00BB\u00BF", StringComparison.Ordinal))
            text = text[3..];
        var events = new List<string>();
        string name = "";
        string? data = null;
        string[] lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length > 0)
                Line(lines[i]);
            else if (i < lines.Length - 1)
                Dispatch();
        }
        Dispatch();
        return string.Join(';', events);

        void Line(string line)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string field = colon < 0 ? line : line[..colon];
            string value = colon < 0 ? "" : line[(colon + 1)..];
            value = value.StartsWith(' ') ? value[1..] : value;
            if (field == "data")
                data = data is null ? value : $"{data}\n{value}";
            else if (field == "event")
                name = value;
            else if (field == "error" && value.StartsWith('{'))
                (name, data) = ("error", data + value);
        }

        void Dispatch()
        {
            if (data is { Length: > 0 })
                events.Add($"{name}|{data}");
            (name, data) = ("", null);
        }
    }

    private static string Read(byte[] bytes, IEnumerable<int> cuts, int most)
    {
        using var reader = new SseReader(most);
        var events = new List<string>();
        int from = 0;
        foreach (int cut in cuts.Append(bytes.Length))
        {
            byte[] piece = bytes[from..cut];
            reader.Feed(piece, 0, piece.Length);
            Drain(reader, events);
            Array.Clear(piece); // nothing may point into what was fed before
            from = cut;
        }
        reader.Finish();
        Drain(reader, events);
        return string.Join(';', events);
    }

    private static void Drain(SseReader reader, List<string> events)
    {
        while (reader.TryRead(out SseEvent item))
            events.Add($"{Encoding.Latin1.GetString(item.Name)}|{Encoding.Latin1.GetString(item.Data)}");
    }
}
