using System.Text;
using Fairlead.Protocols.Sse;

namespace Fairlead.Protocols.Tests.Sse;

public class SseReaderTests
{
    [Theory]
    [InlineData("data: a\n\ndata: b\n\n", "|a;|b")]
    [InlineData("data: a\r\n\r\ndata: b\r\n\r\n", "|a;|b")]
    [InlineData("data: a\r\rdata: b\r\r", "|a;|b")]
    [InlineData("data: a\n\r\ndata: b\r\n\r", "|a;|b")]
    [InlineData("data:a\n\ndata:  b\n\n", "|a;| b")]
    [InlineData("data: a\ndata: b\n\n", "|a\nb")]
    [InlineData("data\ndata\n\n", "|\n")]
    [InlineData("data: a\ndata\ndata: b\n\n", "|a\n\nb")]
    [InlineData("\uFEFFdata: a\n\n", "|a")]
    [InlineData("data: \uFEFF\n\n", "|\uFEFF")]
    [InlineData(": c\n\n:\n\ndata: a\n: c\n\n", "|a")]
    [InlineData("event: error\ndata: a\n\ndata: b\n\n", "error|a;|b")]
    [InlineData("data: a\nevent: error\n\n", "error|a")]
    [InlineData("event: keepalive\n\ndata: a\n\n", "|a")]
    [InlineData("error: {\"a\":1}\n\n", "error|{\"a\":1}")]
    [InlineData("error: no object\n\n", "")]
    [InlineData("id: 7\nretry: 9\nunknown: x\nword\ndata: a\n\n", "|a")]
    [InlineData("data:\n\ndata: \n\n\n\n", "")]
    [InlineData("data: a", "|a")]
    [InlineData("data: a\n", "|a")]
    [InlineData("data: a\r", "|a")]
    [InlineData("data:\n", "")]
    [InlineData("", "")]
    public void Events_are_the_same_however_the_bytes_are_cut(string text, string events)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal(events, Read(bytes, []));
        for (int one = 0; one <= bytes.Length; one++)
        {
            for (int two = one; two <= bytes.Length; two++)
                Assert.Equal(events, Read(bytes, [one, two]));
        }
        Assert.Equal(events, Read(bytes, Enumerable.Range(1, bytes.Length)));
    }

    /// <summary>Relays that must not change a byte pass these on.</summary>
    [Theory]
    [InlineData("data: a\n\ndata: b\n\n", "data: a\n\n|data: b\n\n")]
    [InlineData("event: x\ndata: a\n\n\n\nevent:y\ndata:b\n\n", "event: x\ndata: a\n\n|event:y\ndata:b\n\n")]
    [InlineData("\uFEFF: c\nid: 1\nevent: x\n: c\ndata: a\ndata: b\nretry: 9\n\n", "id: 1\nevent: x\n: c\ndata: a\ndata: b\nretry: 9\n\n")]
    [InlineData(": c\n\n: c\nevent: x\ndata: a\n\n: c\n\ndata: b\n\n", "event: x\ndata: a\n\n|data: b\n\n")]
    [InlineData("event: none\n\ndata: a\n\n", "data: a\n\n")]
    [InlineData("data: a\r\n\r\ndata: b\r\r", "data: a\r\n\r|data: b\r\r")]
    [InlineData("data: a\n\ndata: b\n", "data: a\n\n|")]
    public void The_lines_of_an_event_are_the_same_however_the_bytes_are_cut(string text, string lines)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal(lines, Read(bytes, [], static e => Encoding.UTF8.GetString(e.Raw), "|"));
        for (int one = 0; one <= bytes.Length; one++)
        {
            for (int two = one; two <= bytes.Length; two++)
                Assert.Equal(lines, Read(bytes, [one, two], static e => Encoding.UTF8.GetString(e.Raw), "|"));
        }
    }

    [Fact]
    public void A_line_beyond_the_bound_ends_the_reading()
    {
        using var reader = new SseReader(mostBytesPerEvent: 1_000);
        byte[] piece = Encoding.UTF8.GetBytes("data: " + new string('x', 494));
        for (int i = 0; i < 2; i++)
        {
            reader.Feed(piece, 0, piece.Length);
            Assert.False(reader.TryRead(out _));
            Assert.False(reader.IsOversize);
        }
        reader.Feed(piece, 0, piece.Length);
        Assert.False(reader.TryRead(out _));
        Assert.True(reader.IsOversize);
    }

    [Fact]
    public void An_event_of_many_lines_is_bounded_too()
    {
        using var reader = new SseReader(mostBytesPerEvent: 1_000);
        byte[] line = "data: 0123456789\n"u8.ToArray();
        for (int i = 0; i < 200 && !reader.IsOversize; i++)
        {
            reader.Feed(line, 0, line.Length);
            Assert.False(reader.TryRead(out _));
        }
        Assert.True(reader.IsOversize);
    }

    [Theory]
    [InlineData("{\"a\":1}\n{\"b\":2}\r\n\n  {\"c\":3}", "{\"a\":1};{\"b\":2};{\"c\":3}")]
    [InlineData("\n\r\n", "")]
    public void Lines_are_the_same_however_the_bytes_are_cut(string text, string lines)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            using var reader = new LineReader();
            var read = new List<string>();
            foreach (byte[] piece in (byte[][])[bytes[..cut], bytes[cut..]])
            {
                reader.Feed(piece, 0, piece.Length);
                while (reader.TryRead(out ReadOnlySpan<byte> line))
                    read.Add(Encoding.UTF8.GetString(line));
            }
            reader.Finish();
            while (reader.TryRead(out ReadOnlySpan<byte> line))
                read.Add(Encoding.UTF8.GetString(line));
            Assert.Equal(lines, string.Join(';', read));
        }
    }

    private delegate string Told(SseEvent item);

    private static string Read(byte[] bytes, IEnumerable<int> cuts) =>
        Read(bytes, cuts, static item => $"{Encoding.UTF8.GetString(item.Name)}|{Encoding.UTF8.GetString(item.Data)}", ";");

    private static string Read(byte[] bytes, IEnumerable<int> cuts, Told told, string separator)
    {
        using var reader = new SseReader();
        var events = new List<string>();
        int from = 0;
        foreach (int cut in cuts.Append(bytes.Length))
        {
            byte[] piece = bytes[from..cut];
            reader.Feed(piece, 0, piece.Length);
            Drain(reader, events, told);
            Array.Clear(piece);
            from = cut;
        }
        reader.Finish();
        Drain(reader, events, told);
        return string.Join(separator, events);
    }

    private static void Drain(SseReader reader, List<string> events, Told told)
    {
        while (reader.TryRead(out SseEvent item))
            events.Add(told(item));
    }
}
