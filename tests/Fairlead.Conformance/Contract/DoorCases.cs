using Fairlead.Yard;
using static Fairlead.Conformance.Contract.ContractAnswer;

namespace Fairlead.Conformance.Contract;

/// <summary>What holds for HTTP whatever is asked: preflights, headers a page may read, unknown paths, the size of bodies, health. Of the wire contract, by the numbers of its cases (<see cref="ContractCollection"/>).</summary>
[Collection<ContractCollection>]
public sealed class DoorCases(ContractYard yard)
{
    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/embeddings")]
    [InlineData("/v1/models")]
    [InlineData("/nowhere")]
    public async Task Case_11_a_preflight_needs_no_key(string path)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port,
            $"OPTIONS {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://page.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type,x-hf-bill-to\r\n\r\n");

        Assert.InRange(answer.Status, 200, 299);
        Assert.Equal("*", answer.Header("access-control-allow-origin"));
        foreach (string header in (string[])["authorization", "content-type", "x-hf-bill-to"])
            Assert.Contains(header, answer.Header("access-control-allow-headers"), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("POST", answer.Header("access-control-allow-methods"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/v1/models")]
    [InlineData("GET", "/nowhere")]
    [InlineData("GET", "/health")]
    [InlineData("POST", "/v1/chat/completions")]
    public async Task Case_12_a_page_may_read_the_headers_that_matter(string method, string path)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://page.example\r\nContent-Length: 0\r\n\r\n");

        Assert.Equal("*", answer.Header("access-control-allow-origin"));
        foreach (string header in (string[])["X-Request-Id", "X-Error-Code", "X-Error-Message", "x-inference-provider", "x-fairlead-cost", "x-fairlead-provider", "RateLimit", "Retry-After"])
            Assert.Contains(header, answer.Header("access-control-expose-headers"), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("GET", "/")]
    [InlineData("GET", "/v2/models")]
    [InlineData("POST", "/chat/completions")]
    [InlineData("POST", "/v1/v1/chat/completions")]
    [InlineData("POST", "/v1/responses")]
    [InlineData("POST", "/v1/images/generations")]
    [InlineData("GET", "/v1/chat/completions/")]
    public async Task Case_14_an_unknown_path_is_404_with_a_hint(string method, string path)
    {
        RawAnswer answer = await RawHttp.SendAsync(yard.Fairlead.Port, $"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");

        Assert.Contains(answer.Status, (int[])[404, 405]);
        Refused(answer, answer.Status, answer.Status == 404 ? "route_unknown" : "method_not_allowed");
        Assert.Contains(path.Length > 1 ? path : "base URL", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Case_15_a_body_over_the_limit_is_413_and_names_it()
    {
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync($"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {yard.Key}\r\nContent-Type: application/json\r\nContent-Length: 20971521\r\n\r\n");

        RawAnswer answer = await connection.ReadAsync();

        Refused(answer, 413, "too_large");
        Assert.Contains("20 MiB", answer.Text, StringComparison.Ordinal);
        Assert.True(await connection.ClosesAsync());
    }

    [Fact]
    public async Task Case_18_a_picture_of_5_MB_after_100_continue_is_taken()
    {
        string body = Body(""" "messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,PICTURE"}}]}] """.Replace("PICTURE", new string('A', 5_000_000), StringComparison.Ordinal));
        using RawHttp connection = await RawHttp.ConnectAsync(yard.Fairlead.Port);
        await connection.WriteAsync($"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {yard.Key}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {body.Length}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 100 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        await connection.WriteAsync(body);

        Assert.Equal(200, (await connection.ReadAsync()).Status);
    }

    [Fact]
    public async Task Health_and_metrics_answer_on_this_machine()
    {
        RawAnswer health = await RawHttp.GetAsync(yard.Fairlead.Port, "/health");
        RawAnswer metrics = await RawHttp.GetAsync(yard.Fairlead.Port, "/metrics");

        Assert.Equal((200, "application/json"), (health.Status, health.Header("content-type")));
        Assert.StartsWith("text/plain", metrics.Header("content-type"), StringComparison.Ordinal);
        Assert.Contains("# TYPE ", metrics.Text, StringComparison.Ordinal);
        Assert.All((RawAnswer[])[health, metrics], static a => Assert.False(string.IsNullOrEmpty(a.Header("x-request-id"))));
    }

    private static string Body(string members) => $$"""{"model":"{{ContractYard.Model}}",{{members}}}""";
}
