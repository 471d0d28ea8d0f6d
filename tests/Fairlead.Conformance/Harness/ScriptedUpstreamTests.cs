using System.IO.Compression;
using System.Text;
using Fairlead.Yard;

namespace Fairlead.Conformance.Harness;

/// <summary>The yard itself: what a script says is what stands on the wire.</summary>
public sealed class ScriptedUpstreamTests
{
    private const string Body = """{"model":"m","stream":true}""";

    [Fact]
    public async Task A_whole_stream_arrives_byte_for_byte()
    {
        await using ScriptedUpstream upstream = ScriptedUpstream.Start();
        upstream.On("m", Script.GoodStream);

        RawAnswer answer = await PostAsync(upstream);

        string expected = string.Concat(Script.Parse(Script.GoodStream).Steps.Select(static s => Encoding.UTF8.GetString(s.Bytes)));
        Assert.Equal(expected, answer.Text);
        Assert.Equal(200, answer.Status);
        Assert.Equal("text/event-stream; charset=utf-8", answer.Header("content-type"));
        Assert.Null(answer.Broken);
    }

    [Fact]
    public async Task Requests_are_recorded_with_their_bytes_and_one_connection_carries_several()
    {
        await using ScriptedUpstream upstream = ScriptedUpstream.Start();
        upstream.On("m", Script.GoodWhole, "503 JS {\"error\":{\"message\":\"busy\"}}");
        using RawHttp connection = await RawHttp.ConnectAsync(upstream.Port);

        await connection.WriteAsync(RawHttp.Post("/v1/chat/completions", "k", Body, "X-Odd: a:b\r\n"));
        RawAnswer first = await connection.ReadAsync();
        await connection.WriteAsync(RawHttp.Post("/v1/chat/completions", "k", Body));
        RawAnswer second = await connection.ReadAsync();

        Assert.Equal((200, 503), (first.Status, second.Status));
        Assert.Equal(1, upstream.Accepted);
        ReceivedRequest received = await upstream.NextAsync();
        Assert.Equal(Body, received.Text);
        Assert.Equal("a:b", received.Header("x-odd"));
        Assert.Equal(2, upstream.Count("m"));
    }

    [Theory]
    [InlineData("SSE\nW ck({\"content\":\"a\"}) ; CUT")]
    [InlineData("SSE\nW ck({\"content\":\"a\"}) ; RST")]
    public async Task A_cut_body_has_no_orderly_end(string script)
    {
        await using ScriptedUpstream upstream = ScriptedUpstream.Start();
        upstream.On("m", script);

        Exception? reset = null;
        RawAnswer? answer = null;
        try
        {
            answer = await PostAsync(upstream);
        }
        catch (IOException e)
        {
            reset = e; // a reset may overtake the bytes before it
        }

        Assert.True(reset is not null || answer!.Broken is not null);
    }

    [Fact]
    public async Task A_hang_up_is_seen_while_the_script_holds()
    {
        await using ScriptedUpstream upstream = ScriptedUpstream.Start();
        upstream.On("m", "SSE\nW ck({\"content\":\"a\"}) ; HOLD");
        using RawHttp connection = await RawHttp.ConnectAsync(upstream.Port);
        await connection.WriteAsync(RawHttp.Post("/v1/chat/completions", "k", Body));
        await connection.ReadHeadAsync();
        await connection.ReadUntilAsync("\"a\"");
        ReceivedRequest received = await upstream.NextAsync("m");
        Assert.False(received.Aborted.IsCompleted);

        connection.Dispose();

        await received.Aborted.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Raw_scripts_are_the_wire()
    {
        await using ScriptedUpstream upstream = ScriptedUpstream.Start();
        upstream.On("m", "RAW\nW HTTP/1.1 103 Early Hints\\r\\n\\r\\n ; W HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok");

        RawAnswer answer = await PostAsync(upstream);

        Assert.Equal((200, "ok"), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task A_compressed_script_inflates_to_its_text()
    {
        await using ScriptedUpstream upstream = ScriptedUpstream.Start();
        upstream.On("m", "SSE\nGZIP\nW one ; W two");

        RawAnswer answer = await PostAsync(upstream);

        using var zip = new GZipStream(new MemoryStream(answer.Body), CompressionMode.Decompress);
        using var reader = new StreamReader(zip);
        Assert.Equal("onetwo", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task A_stream_and_a_whole_answer_may_differ()
    {
        await using ScriptedUpstream upstream = ScriptedUpstream.Start();
        upstream.OnBoth("m", Script.GoodStream, Script.GoodWhole);

        Assert.Contains("[DONE]", (await PostAsync(upstream)).Text, StringComparison.Ordinal);
        Assert.StartsWith("{", (await RawHttp.PostAsync(upstream.Port, "/v1/chat/completions", "k", """{"model":"m"}""")).Text, StringComparison.Ordinal);
        Assert.Equal(404, (await RawHttp.PostAsync(upstream.Port, "/v1/chat/completions", "k", """{"model":"other"}""")).Status);
    }

    private static Task<RawAnswer> PostAsync(ScriptedUpstream upstream) => RawHttp.PostAsync(upstream.Port, "/v1/chat/completions", "k", Body);
}
