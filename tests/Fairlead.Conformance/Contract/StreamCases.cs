using System.Text.Json;
using Fairlead.Yard;
using static Fairlead.Conformance.Contract.ContractAnswer;

namespace Fairlead.Conformance.Contract;

/// <summary>Streams as every client reads them. Of the wire contract, by the numbers of its cases (<see cref="ContractCollection"/>).</summary>
[Collection<ContractCollection>]
public sealed class StreamCases(ContractYard yard)
{
    [Fact]
    public async Task Case_55_a_stream_is_one_that_every_client_reads()
    {
        RawAnswer answer = await yard.ChatAsync(more: ",\"stream\":true");

        Assert.Equal((200, "text/event-stream; charset=utf-8", "no-cache", "no"),
            (answer.Status, answer.Header("content-type"), answer.Header("cache-control"), answer.Header("x-accel-buffering")));
        Assert.Null(answer.Header("content-length"));
        Assert.EndsWith("data: [DONE]\n\n", answer.Text, StringComparison.Ordinal);
        Assert.Null(answer.Broken);
        Assert.Single(Events(answer).Select(static e => $"{e.GetProperty("id")} {e.GetProperty("object")} {e.GetProperty("created")} {e.GetProperty("model")}").Distinct());
        Assert.All(Events(answer), static e => Assert.Equal("chat.completion.chunk", e.GetProperty("object").GetString()));
        foreach (string header in (string[])["x-request-id", "x-fairlead-provider", "x-fairlead-model", "x-fairlead-attempts", "x-fairlead-policy", "x-inference-provider"])
            Assert.False(string.IsNullOrEmpty(answer.Header(header)), header);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData(",\"stream_options\":null", 0)]
    [InlineData(",\"stream_options\":{\"include_usage\":false}", 0)]
    [InlineData(",\"stream_options\":{\"include_usage\":true}", 1)]
    public async Task Case_56_usage_comes_to_those_who_asked(string asked, int chunks)
    {
        RawAnswer answer = await yard.ChatAsync(more: ",\"stream\":true" + asked);

        JsonElement[] usages = [.. Events(answer).Where(static e => e.GetProperty("choices").GetArrayLength() == 0)];
        Assert.Equal(chunks, usages.Length);
        if (chunks == 1)
        {
            Assert.True(usages[0].GetProperty("usage").GetProperty("cost").GetDecimal() > 0);
            Assert.Equal(usages[0].GetRawText(), Events(answer)[^1].GetRawText());
        }
        else
        {
            Assert.All(Events(answer), static e => Assert.False(e.TryGetProperty("usage", out _)));
        }
        Assert.True(await yard.CostOfAsync(answer) > 0);
    }

    [Fact]
    public async Task Case_57_the_pieces_of_a_call_make_one_call()
    {
        yard.Fast.On("broken", """
            SSE
            W ck({"role":"assistant","content":null,"tool_calls":[{"index":1,"id":"call_x","function":{"name":"f","arguments":""}}]})
            W ck({"tool_calls":[{"index":1,"id":"call_x","function":{"name":"f","arguments":"{\"ci"}}]})
            W ck({"tool_calls":[{"index":1,"function":{"arguments":"ty\":1}"}}]})
            W fk(tool_calls) ; W done
            """);

        RawAnswer answer = await yard.ChatAsync("acme/broken", ",\"stream\":true");

        JsonElement[] pieces = [.. Choices(answer).Where(static c => c.GetProperty("delta").TryGetProperty("tool_calls", out _)).Select(static c => c.GetProperty("delta").GetProperty("tool_calls")[0])];
        Assert.All(pieces, static p => Assert.Equal(0, p.GetProperty("index").GetInt32()));
        Assert.Single(pieces, static p => p.TryGetProperty("id", out _));
        Assert.Single(pieces, static p => p.GetProperty("function").TryGetProperty("name", out _));
        using JsonDocument arguments = JsonDocument.Parse(string.Concat(pieces.Select(static p => Text(p.GetProperty("function"), "arguments"))));
        Assert.Equal(1, arguments.RootElement.GetProperty("city").GetInt32());
        Assert.Equal("tool_calls", Choices(answer).Select(static c => Text(c, "finish_reason")).Single(static f => f is not null));
    }

    [Fact]
    public async Task Case_60_a_long_wait_is_filled_with_comments()
    {
        yard.Fast.On("slow", "SSE\n~350\nW ck({\"role\":\"assistant\",\"content\":\"Hi\"})\nW fk(stop) ; W done");

        RawAnswer answer = await yard.ChatAsync("acme/slow", ",\"stream\":true", "Accept: text/event-stream\r\n");

        Assert.StartsWith(": ", answer.Text, StringComparison.Ordinal);
        Assert.Equal("no", answer.Header("x-accel-buffering"));
        Assert.Equal("Hi", string.Concat(Choices(answer).Select(static c => Text(c.GetProperty("delta"), "content"))));
        Assert.EndsWith("data: [DONE]\n\n", answer.Text, StringComparison.Ordinal);
    }
}
