using System.IO.Compression;
using System.Text;
using Fairlead.Domain.Routing;
using Fairlead.Upstreams.Http;

namespace Fairlead.Upstreams.Tests.Http;

public sealed class AnswerTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.1 200\r\ncontent-type: application/json\r\ncontent-length: 2, 2\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: 2\n\n{}", "{}")]
    [InlineData("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{\"a\":1}", "{\"a\":1}")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1;x=y\r\n{\r\n00001\r\n}\r\n0\r\nt: v\r\n\r\n", "{}")]
    [InlineData("HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.1 200 OK\r\nset-cookie: \u00e9\r\nx-request-id: a\r\nx-request-id: b\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}", "{}")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n", "")]
    public async Task Every_framing_gives_the_same_body(string answer, string body)
    {
        for (int readSize = 1; readSize <= 64; readSize += 21)
            Assert.Equal((null, body, BodyKind.Json), await Client.AskAsync(RawServer.Bytes(answer), readSize: readSize));
    }

    [Theory]
    [InlineData("HTTP/2 200 OK\r\n\r\n")]
    [InlineData("SSH-2.0-x\r\n")]
    [InlineData("HTTP/1.1 20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\na : b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n: b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\na: b\0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching\r\n\r\n")]
    [InlineData(Ok + "transfer-encoding: chunked\r\n\r\nx\r\n")]
    [InlineData(Ok + "transfer-encoding: chunked\r\n\r\n2\n{}\n")]
    [InlineData(Ok + "transfer-encoding: chunked\r\n\r\n2\r\n{}!\r\n")]
    [InlineData(Ok + "transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n")]
    [InlineData(Ok + "transfer-encoding: chunked\r\n\r\n-1\r\n")]
    [InlineData(Ok + "content-encoding: gzip\r\n\r\n\u001f\u008bgarbage garbage")]
    [InlineData(Ok + "content-encoding: zstd\r\n\r\nx")]
    public async Task What_breaks_a_rule_is_malformed(string answer) =>
        Assert.Equal(FaultKind.Malformed, (await Client.AskAsync(answer)).Fault?.Kind);

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_is_a_fault_and_is_never_followed(int status)
    {
        await using var elsewhere = RawServer.Answering(Ok + "content-length: 2\r\n\r\n{}");
        var (fault, _, _) = await Client.AskAsync($"HTTP/1.1 {status} Moved\r\nlocation: {elsewhere.Url}\r\ncontent-length: 0\r\n\r\n");
        Assert.Equal((FaultKind.Redirected, (int?)status, 0), (fault!.Kind, fault.Status, elsewhere.Accepted));
    }

    [Fact]
    public async Task Floods_are_cut_at_their_limits()
    {
        string interim = string.Concat(Enumerable.Repeat("HTTP/1.1 102 Wait\r\n\r\n", 11));
        Assert.Equal(FaultKind.InterimFlood, (await Client.AskAsync(interim + Ok + "\r\n")).Fault?.Kind);
        string fields = string.Concat(Enumerable.Repeat("a: b\r\n", 201));
        Assert.Equal(FaultKind.HeadersTooLarge, (await Client.AskAsync("HTTP/1.1 200 OK\r\n" + fields + "\r\n")).Fault?.Kind);
        Assert.Equal(FaultKind.HeadersTooLarge, (await Client.AskAsync("HTTP/1.1 200 OK\r\na: " + new string('x', 66_000))).Fault?.Kind);
        string cookies = "set-cookie: " + new string('x', 40 * 1024) + "\r\n";
        Assert.Equal("{}", (await Client.AskAsync(Ok + cookies + "content-length: 2\r\n\r\n{}")).Body);
        var small = new TransportLimits { MaxBodyBytes = 1000 };
        Assert.Equal(FaultKind.BodyTooLarge, (await Client.AskAsync(RawServer.Bytes(Ok + "\r\n" + new string('x', 1001)), small)).Fault?.Kind);
    }

    [Fact]
    public async Task An_error_answer_is_classified_by_its_status_body_and_headers()
    {
        var (fault, _, _) = await Client.AskAsync("HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nbusy");
        Assert.Equal((503, "busy|4|text/plain|7"), (fault!.Status!.Value, fault.Detail));
        (fault, _, _) = await Client.AskAsync("HTTP/1.1 500 No\r\n\r\n" + new string('x', 100_000));
        Assert.Contains("|65536|", fault!.Detail);
        (fault, _, _) = await Client.AskAsync("HTTP/1.1 429 No\r\ncontent-length: 100\r\n\r\ncut");
        Assert.Equal((429, "cut|3||"), (fault!.Status!.Value, fault.Detail));
    }

    [Theory]
    [InlineData("application/octet-stream", "data: {}\n\n", BodyKind.EventStream)]
    [InlineData("text/plain; charset=utf-8", "\n\n {\"a\":1}", BodyKind.Json)]
    [InlineData("text/html", "<html>", BodyKind.Html)]
    [InlineData("text/plain", "<!doctype html>", BodyKind.Html)]
    [InlineData("text/event-stream; charset=utf-8", ": hi", BodyKind.EventStream)]
    [InlineData("application/x-ndjson", "{}\n", BodyKind.NdJson)]
    [InlineData("application/problem+json", "{}", BodyKind.Json)]
    [InlineData("", "pong", BodyKind.Other)]
    public async Task The_kind_is_found_and_no_byte_is_lost(string contentType, string body, BodyKind kind) =>
        Assert.Equal((null, body, kind), await Client.AskAsync($"HTTP/1.1 200 OK\r\ncontent-type: {contentType}\r\n\r\n{body}"));

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task Compressed_answers_are_decoded_cut_ones_fail_and_bombs_are_bounded(string coding)
    {
        byte[] whole = Compressed(coding, Encoding.ASCII.GetBytes("{\"text\":\"hello hello hello\"}"));
        Assert.Equal("{\"text\":\"hello hello hello\"}", (await Client.AskAsync(Answer(coding, whole))).Body);
        Assert.NotNull((await Client.AskAsync(Answer(coding, whole[..^9]))).Fault);
        byte[] bomb = Compressed(coding, new byte[32 * 1024 * 1024]);
        Assert.Equal(FaultKind.BodyTooLarge, (await Client.AskAsync(Answer(coding, bomb))).Fault?.Kind);
    }

    [Fact]
    public async Task A_compressed_stream_is_decoded_event_by_event_before_its_end()
    {
        var go = new SemaphoreSlim(1);
        await using var server = new RawServer(async c =>
        {
            await c.ReadRequestAsync();
            await c.WriteAsync("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\n");
            var output = new MemoryStream();
            using var gzip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true);
            for (int i = 0; i < 5; i++)
            {
                await go.WaitAsync();
                gzip.Write(Encoding.ASCII.GetBytes($"data: {i}\n\n"));
                gzip.Flush();
                await c.WriteAsync(output.ToArray());
                output.SetLength(0);
            }

            await c.ClientGoneAsync();
        });
        using var transport = new UpstreamTransport(TimeProvider.System);
        await using var opened = (UpstreamReply.Opened)await Client.To(server.Url, transport).OpenAsync(Client.Call(), default);
        byte[] buffer = new byte[100];
        for (int i = 0; i < 5; i++)
        {
            int got = 0;
            while (got < 9)
                got += await opened.ReadAsync(buffer.AsMemory(got), default);
            Assert.Equal($"data: {i}\n\n", Encoding.ASCII.GetString(buffer, 0, got));
            go.Release();
        }
    }

    [Fact]
    public async Task An_answer_that_comes_byte_by_byte_is_the_same_answer()
    {
        byte[] answer = RawServer.Bytes(Ok + "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n");
        await using var server = new RawServer(async c =>
        {
            await c.ReadRequestAsync();
            foreach (byte b in answer)
                await c.WriteAsync([b]);
        });
        using var transport = new UpstreamTransport(TimeProvider.System);
        Assert.Equal((null, "{}", BodyKind.Json), await Client.ReadAsync(await Client.To(server.Url, transport).OpenAsync(Client.Call(), default)));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task A_plain_body_labelled_as_compressed_is_read_as_what_it_is(string coding) =>
        Assert.Equal((null, "{\"a\":1}", BodyKind.Json), await Client.AskAsync(Answer(coding, Encoding.ASCII.GetBytes("{\"a\":1}"))));

    [Fact]
    public async Task A_cut_at_any_byte_is_a_fault_and_never_an_orderly_end()
    {
        byte[] answer = RawServer.Bytes(Ok + "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
        int head = Ok.Length + "transfer-encoding: chunked\r\n\r\n".Length;
        for (int cut = 0; cut < answer.Length; cut++)
        {
            UpstreamFault? fault = (await Client.AskAsync(answer[..cut])).Fault;
            Assert.Equal((cut, cut < head ? FaultKind.ClosedBeforeAnswer : FaultKind.Truncated), (cut, fault!.Kind));
            Assert.False(fault.NothingSent);
        }
    }

    [Fact]
    public async Task Seeded_noise_ends_in_a_fault_or_a_body_and_in_nothing_else()
    {
        var random = new Random(20261124);
        byte[] good = RawServer.Bytes("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        var limits = new TransportLimits();
        for (int round = 0; round < 200_000; round++)
        {
            byte[] bytes = [.. good];
            for (int change = random.Next(1, 5); change > 0; change--)
                bytes[random.Next(bytes.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : good[random.Next(good.Length)];
            int scanned = 0;
            int given = 0;
            HeadResult result = HeadResult.NeedMore;
            ResponseHead head = default;
            while (result == HeadResult.NeedMore && given < bytes.Length)
            {
                given = Math.Min(bytes.Length, given + random.Next(1, 40));
                result = ResponseHead.Read(bytes.AsSpan(0, given), ref scanned, limits, out head, out _);
            }

            int again = 0;
            Assert.Equal(ResponseHead.Read(bytes.AsSpan(0, given), ref again, limits, out _, out _), result);
            if (result != HeadResult.Done)
                continue;
            BodyFrame frame = head.Frame();
            int produced = frame.Take(bytes.AsSpan(head.Size));
            Assert.InRange(produced, 0, bytes.Length - head.Size);
        }

        for (int round = 0; round < 300; round++)
        {
            byte[] bytes = [.. good];
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            await Client.AskAsync(bytes);
        }
    }

    private static byte[] Answer(string coding, byte[] body) =>
        [.. RawServer.Bytes($"{Ok}content-encoding: {coding}\r\ncontent-length: {body.Length}\r\n\r\n"), .. body];

    private static byte[] Compressed(string coding, byte[] body)
    {
        var output = new MemoryStream();
        using (Stream stream = coding switch
        {
            "gzip" => new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true),
            "deflate" => new ZLibStream(output, CompressionLevel.Optimal, leaveOpen: true),
            _ => new BrotliStream(output, CompressionLevel.Fastest, leaveOpen: true),
        })
            stream.Write(body);
        return output.ToArray();
    }
}
