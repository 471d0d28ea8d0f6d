using System.Text;
using Fairlead.Yard;

namespace Fairlead.Conformance.BadInput;

/// <summary>Requests that two servers could read in two ways (H-01): each is refused in words, its connection is closed, and no byte of it goes upstream.</summary>
/// <remarks>Each carries a good body and a good key, so whatever is let through does arrive upstream. Kestrel is lenient in four places that give nobody a second
/// reading, since the upstream's head and framing are always ours: a request line that ends in LF alone, a plus or zeros before a length, and what
/// an extension or a trailer of a chunked body says, which is dropped.</remarks>
public sealed class SmugglingTests(BadInputYard yard) : IClassFixture<BadInputYard>
{
    private const string Body = """{"model":"acme/chat","messages":[{"role":"user","content":"hi"}]}""";
    private static readonly string Length = $"Content-Length: {Body.Length}\r\n";
    private static readonly string Chunks = $"{Body.Length:x}\r\n{Body}\r\n0\r\n\r\n";
    private const string Chunked = "Transfer-Encoding: chunked\r\n";

    private static readonly string[] OddCodings =
    [
        "xchunked", "chunked, identity", "identity, chunked", "gzip, chunked", "chunked, chunked", "\"chunked\"", "'chunked'", "chunk", "identity", "deflate", "gzip", "chunked,", ",chunked",
        "\vchunked", "chunked\v", "chunked\0", "chunked;q=1", "chun ked", "", " ", "x, chunked", "cow", "chunked\u0085", "chunked\u00A0", "\u00A0chunked", "chunked chunked",
    ];

    /// <summary>By name, as they stand on the wire; each byte of the text is one byte.</summary>
    private static readonly Dictionary<string, string> Vectors = Build();

    public static TheoryData<string> Names => [.. Vectors.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task What_can_be_read_in_two_ways_is_refused(string name)
    {
        int before = yard.Upstream.Requests.Count;
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync(Encoding.Latin1.GetBytes(Vectors[name].Replace("KEY", yard.Key, StringComparison.Ordinal)));

        RawAnswer answer = await connection.ReadAsync();

        Assert.True(answer.Status is 400 or 405 && answer.ErrorCode is "head_malformed" or "body_malformed", $"{answer.Head}\n{answer.Text}");
        Assert.Equal("application/json", answer.Header("content-type"));
        Assert.False(string.IsNullOrEmpty(answer.Header("x-request-id")));
        Assert.True(await connection.ClosesAsync());
        Assert.Equal(before, yard.Upstream.Requests.Count);
    }

    [Fact]
    public void There_are_a_hundred_and_fifty_of_them() => Assert.True(Vectors.Count >= 150, $"{Vectors.Count}");

    [Theory]
    [InlineData("Transfer-Encoding: CHUNKED\r\n")]
    [InlineData("Transfer-Encoding: \tchunked \r\n")]
    [InlineData("transfer-encoding:chunked\r\n")]
    public async Task Chunks_are_taken_however_plainly_they_are_announced(string coding)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, Head(coding).Replace("KEY", yard.Key, StringComparison.Ordinal) + Chunks.Replace("acme/chat", "acme/fine", StringComparison.Ordinal));

        Assert.Equal(200, answer.Status);
    }

    [Fact]
    public async Task Trailers_are_read_and_dropped()
    {
        string wire = Head(Chunked).Replace("KEY", yard.Key, StringComparison.Ordinal)
            + Chunks.Replace("acme/chat", "acme/fine", StringComparison.Ordinal).Replace("0\r\n\r\n", "0\r\nX-Trailer: evil\r\nAuthorization: Bearer evil\r\nContent-Length: 5\r\n\r\n", StringComparison.Ordinal);

        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, wire);

        Assert.Equal(200, answer.Status);
        Assert.DoesNotContain("evil", yard.Upstream.Requests.Last().Head, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", answer.Head, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Build()
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string coding in OddCodings)
        {
            string shown = string.Concat(coding.Select(static c => c is < '!' or > '~' ? $"%{(int)c:X2}" : c.ToString()));
            string header = $"Transfer-Encoding: {coding}\r\n";
            if (coding.Trim(' ').Length > 0)
                all[$"coding {shown}"] = Head(header) + Chunks;
            all[$"coding {shown}, then a length"] = Head(header + Length) + Chunks;
            all[$"a length, then coding {shown}"] = Head(Length + header) + Chunks;
            all[$"chunked, then coding {shown}"] = Head(Chunked + header) + Chunks;
            all[$"coding {shown}, then chunked"] = Head(header + Chunked) + Chunks;
        }
        all["chunked and a length"] = Head(Chunked + Length) + Chunks;
        all["a length and chunked"] = Head(Length + Chunked) + Chunks;
        all["chunked and no length"] = Head(Chunked + "Content-Length: 0\r\n") + Chunks;
        all["chunked twice"] = Head(Chunked + Chunked) + Chunks;
        all["two equal lengths"] = Head(Length + Length) + Body;
        all["two lengths"] = Head(Length + "Content-Length: 3\r\n") + Body;
        all["two lengths of two cases"] = Head(Length + "content-length: 3\r\n") + Body;
        foreach (string length in (string[])["0x41", "65,65", "65, 3", "-65", "65.0", "", "65;", "65x", "1e2", "9223372036854775808", "65\0", "65\v", "65 65", "\u00B965"])
            all[$"length {length.Replace("\0", "%00", StringComparison.Ordinal).Replace("\v", "%0B", StringComparison.Ordinal)}"] = Head($"Content-Length: {length}\r\n") + Body;
        Lines(all);
        Names_(all);
        ChunkForms(all);
        return all;
    }

    private static void Lines(Dictionary<string, string> all)
    {
        foreach ((string name, string line) in (ReadOnlySpan<(string, string)>)[
            ("two spaces", "POST  /v1/chat/completions HTTP/1.1\r\n"), ("tabs", "POST\t/v1/chat/completions\tHTTP/1.1\r\n"), ("lower case version", "POST /v1/chat/completions http/1.1\r\n"),
            ("version 2", "POST /v1/chat/completions HTTP/2.0\r\n"), ("no version", "POST /v1/chat/completions\r\n"), ("space behind", "POST /v1/chat/completions HTTP/1.1 \r\n"),
            ("another authority", "POST http://evil.example/v1/chat/completions HTTP/1.1\r\n"), ("NUL in the path", "POST /v1/\0chat HTTP/1.1\r\n"), ("high byte in the path", "POST /v1/\u00FF HTTP/1.1\r\n"),
            ("authority form", "POST 127.0.0.1:80 HTTP/1.1\r\n"), ("space before", " POST /v1/chat/completions HTTP/1.1\r\n"), ("brackets in the method", "PO(ST /v1/chat/completions HTTP/1.1\r\n")])
        {
            all["line: " + name] = $"{line}Host: 127.0.0.1\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\n{Length}\r\n{Body}";
        }
        foreach ((string name, string hosts) in (ReadOnlySpan<(string, string)>)[
            ("none", ""), ("two", "Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n"), ("space", "Host: a b\r\n"), ("list", "Host: 127.0.0.1, evil\r\n"), ("path", "Host: 127.0.0.1/evil\r\n"), ("user", "Host: a@127.0.0.1\r\n")])
        {
            all["host: " + name] = $"POST /v1/chat/completions HTTP/1.1\r\n{hosts}Authorization: Bearer KEY\r\nContent-Type: application/json\r\n{Length}\r\n{Body}";
        }
    }

    private static void Names_(Dictionary<string, string> all)
    {
        foreach ((string name, string header) in (ReadOnlySpan<(string, string)>)[
            ("space before the colon", "Transfer-Encoding : chunked\r\n"), ("tab before the colon", "Transfer-Encoding\t: chunked\r\n"), ("space before", " Transfer-Encoding: chunked\r\n"),
            ("tab before", "\tTransfer-Encoding: chunked\r\n"), ("NUL", "Transfer-\0Encoding: chunked\r\n"), ("folded", "Transfer-Encoding:\r\n chunked\r\n"), ("folded after LF", "Transfer-Encoding:\n chunked\r\n"),
            ("bare LF", "X: a\nTransfer-Encoding: chunked\r\n"), ("bare CR", "X: a\rTransfer-Encoding: chunked\r\n"), ("no colon", "Transfer-Encoding chunked\r\n"), ("no name", ": chunked\r\n"),
            ("high byte", "Transfer-\u00FFEncoding: chunked\r\n"), ("CR before the end", "X: a\r\r\n")])
        {
            all["name: " + name] = Head(header + Length) + Body;
        }
    }

    private static void ChunkForms(Dictionary<string, string> all)
    {
        string size = $"{Body.Length:x}";
        foreach ((string name, string chunks) in (ReadOnlySpan<(string, string)>)[
            ("0x", $"0x{size}\r\n{Body}\r\n0\r\n\r\n"), ("plus", $"+{size}\r\n{Body}\r\n0\r\n\r\n"), ("minus", $"-{size}\r\n{Body}\r\n0\r\n\r\n"), ("space behind the size", $"{size} \r\n{Body}\r\n0\r\n\r\n"),
            ("space before the size", $" {size}\r\n{Body}\r\n0\r\n\r\n"), ("LF behind the size", $"{size}\n{Body}\r\n0\r\n\r\n"), ("LF behind the data", $"{size}\r\n{Body}\n0\r\n\r\n"),
            ("LF at the end", $"{size}\r\n{Body}\r\n0\n\n"), ("CR CR", $"{size}\r\r{Body}\r\n0\r\n\r\n"), ("extension that ends in LF", $"{size};a\n{Body}\r\n0\r\n\r\n"),
            ("extension with LF in it", $"{size};\nxx\r\n{Body}\r\n0\r\n\r\n"), ("extension with CR in it", $"{size};a\rb\r\n{Body}\r\n0\r\n\r\n"), ("no size", $"\r\n{Body}\r\n0\r\n\r\n"),
            ("no end behind the data", $"{size}\r\n{Body}0\r\n\r\n"), ("too short", $"3\r\n{Body}\r\n0\r\n\r\n"), ("beyond 64 bits", $"fffffffffffffffff\r\n{Body}\r\n0\r\n\r\n"),
            ("zeros before the size", $"{new string('0', 20)}{size}\r\n{Body}\r\n0\r\n\r\n"), ("trailer without a colon", $"{size}\r\n{Body}\r\n0\r\nbad trailer\r\n\r\n"), ("underscore", $"4_1\r\n{Body}\r\n0\r\n\r\n")])
        {
            all["chunk: " + name] = Head(Chunked) + chunks;
        }
    }

    private static string Head(string headers) =>
        $"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\n{headers}\r\n";
}
