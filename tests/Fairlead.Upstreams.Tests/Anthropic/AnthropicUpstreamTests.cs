using System.Text;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Routing;
using Fairlead.Upstreams.Anthropic;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.Providers;
using Fairlead.Upstreams.Tests.Http;

namespace Fairlead.Upstreams.Tests.Anthropic;

public sealed class AnthropicUpstreamTests
{
    private const string Small = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_011\r\ncontent-length: 2\r\n\r\n{}";

    [Fact]
    public async Task The_head_is_exact_and_has_the_version_that_every_server_knows()
    {
        (string head, UpstreamCall call, _) = await AskAsync("", Route.Messages);
        Assert.Equal(
            "POST /v1/messages HTTP/1.1\r\nhost: HOST\r\nuser-agent: fairlead\r\ncontent-type: application/json\r\naccept-encoding: identity\r\nx-api-key: sk-ant-1\r\n"
            + "accept: application/json\r\nx-request-id: req_1\r\nanthropic-version: 2023-06-01\r\ncontent-length: 7\r\n\r\n{\"a\":1}",
            head);
        Assert.Equal("req_011", call.UpstreamRequestId);
    }

    [Fact]
    public async Task The_callers_version_and_betas_go_along_once_each_and_nothing_else_of_its_headers_does()
    {
        (string head, _, _) = await AskAsync(
            "", Route.Messages,
            ("Anthropic-Version", "2026-10-21"), ("anthropic-beta", "context-1m-2025-08-07,files-api-2025-04-14"), ("x-api-key", "sk-of-the-caller"), ("anthropic-workspace-id", "wrkspc_1"),
            ("anthropic-version", "1999-01-01"));
        Assert.Contains("\r\nanthropic-version: 2026-10-21\r\nanthropic-beta: context-1m-2025-08-07,files-api-2025-04-14\r\ncontent-length: 7\r\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain("2023-06-01", head, StringComparison.Ordinal);
        Assert.DoesNotContain("1999", head, StringComparison.Ordinal);
        Assert.DoesNotContain("caller", head, StringComparison.Ordinal);
        Assert.DoesNotContain("workspace", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\r\nx-evil: 1")]
    [InlineData("é")]
    [InlineData(" padded")]
    public async Task A_header_of_the_call_cannot_begin_another(string value) =>
        await Assert.ThrowsAsync<ArgumentException>(() => AskAsync("", Route.Messages, ("anthropic-beta", value)));

    [Fact]
    public async Task A_header_of_the_call_is_bounded()
    {
        (string head, _, _) = await AskAsync("", Route.Messages, ("anthropic-beta", new string('b', 1024)));
        Assert.Contains(new string('b', 1024) + "\r\n", head, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => AskAsync("", Route.Messages, ("anthropic-beta", new string('b', 1025))));
    }

    [Theory]
    [InlineData("", Route.Messages, "/v1/messages")]
    [InlineData("", Route.Chat, "/v1/messages")]
    [InlineData("", Route.CountTokens, "/v1/messages/count_tokens")]
    [InlineData("/v1", Route.Messages, "/v1/messages")]
    [InlineData("/v1/", Route.CountTokens, "/v1/messages/count_tokens")]
    [InlineData("/anthropic", Route.Messages, "/anthropic/v1/messages")]
    [InlineData("/api/anthropic/", Route.Messages, "/api/anthropic/v1/messages")]
    public async Task Its_routes_stand_behind_the_address_with_or_without_its_version(string basePath, Route route, string path)
    {
        (string head, _, _) = await AskAsync(basePath, route);
        Assert.StartsWith($"POST {path} HTTP/1.1\r\n", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Route.Completions)]
    [InlineData(Route.Embeddings)]
    public async Task What_the_dialect_has_no_route_for_is_refused_before_anything_is_sent(Route route)
    {
        (string head, _, UpstreamReply reply) = await AskAsync("", route);
        UpstreamFault fault = Assert.IsType<UpstreamReply.Refused>(reply).Fault;
        Assert.Equal((FaultKind.RouteNotFound, true, ""), (fault.Kind, fault.NothingSent, head));
    }

    [Theory]
    [InlineData(1_000, true)]
    [InlineData(1_001, false)]
    public async Task A_body_over_the_providers_limit_is_refused_before_anything_is_sent(int bytes, bool sent)
    {
        await using var server = RawServer.Answering(Small);
        var url = new Uri($"http://127.0.0.1:{server.Port}");
        using var transport = new UpstreamTransport(TimeProvider.System);
        var upstream = new AnthropicUpstream(new AnthropicEndpoint(url) { MostBodyBytes = 1_000 }, transport, Client.Classify);
        (UpstreamFault? fault, _, _) = await Client.ReadAsync(await upstream.OpenAsync(
            new UpstreamCall { Route = Route.Messages, Body = new byte[bytes], Stream = false, Clocks = Client.Patient, RequestId = "req_1" }, CancellationToken.None));
        Assert.Equal((sent ? null : (FaultKind?)FaultKind.InvalidRequest, sent ? null : 413, !sent, sent ? 1 : 0), (fault?.Kind, fault?.Status, fault?.NothingSent ?? false, server.Requests));
    }

    [Fact]
    public void A_configured_header_cannot_stand_beside_the_calls_own() =>
        Assert.Throws<ArgumentException>(() => new AnthropicUpstream(
            new AnthropicEndpoint(new Uri("https://api.anthropic.com")) { ExtraHeaders = [KeyValuePair.Create("Anthropic-Version", "2020-01-01")] }, new UpstreamTransport(TimeProvider.System), Client.Classify));

    [Fact]
    public async Task Headers_of_the_dialect_do_not_go_to_upstreams_of_the_other()
    {
        string head = "";
        await using var server = new RawServer(async c =>
        {
            head = await c.ReadRequestAsync() ?? "";
            await c.WriteAsync(Small);
        });
        using var transport = new UpstreamTransport(TimeProvider.System);
        await Client.ReadAsync(await Client.To(server.Url, transport).OpenAsync(Call(Route.Messages, ("anthropic-version", "2026-10-21"), ("anthropic-beta", "x")), default));
        Assert.StartsWith("POST /v1/chat/completions HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain("anthropic", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_are_not_counted_where_the_dialect_has_no_way_to()
    {
        using var transport = new UpstreamTransport(TimeProvider.System);
        UpstreamReply reply = await Client.To(new Uri("http://127.0.0.1:1/v1"), transport).OpenAsync(Call(Route.CountTokens), default);
        Assert.Equal(FaultKind.RouteNotFound, Assert.IsType<UpstreamReply.Refused>(reply).Fault.Kind);
    }

    /// <summary>What was sent, with the host's name made plain; empty where nothing was.</summary>
    private static async Task<(string Head, UpstreamCall Call, UpstreamReply Reply)> AskAsync(string basePath, Route route, params (string Name, string Value)[] headers)
    {
        string head = "";
        await using var server = new RawServer(async c =>
        {
            head = await c.ReadRequestAsync() ?? "";
            await c.WriteAsync(Small);
        });
        var url = new Uri($"http://127.0.0.1:{server.Port}{basePath}");
        using var transport = new UpstreamTransport(TimeProvider.System);
        var upstream = new AnthropicUpstream(new AnthropicEndpoint(url) { Key = new EndpointKey(KeyForm.XApiKeyHeader, "sk-ant-1", url) }, transport, Client.Classify);
        UpstreamCall call = Call(route, headers);
        UpstreamReply reply = await upstream.OpenAsync(call, CancellationToken.None);
        await Client.ReadAsync(reply);
        return (head.Replace($"127.0.0.1:{server.Port}", "HOST", StringComparison.Ordinal), call, reply);
    }

    private static UpstreamCall Call(Route route, params (string Name, string Value)[] headers) => new()
    {
        Route = route,
        Body = Encoding.UTF8.GetBytes("{\"a\":1}"),
        Stream = false,
        Clocks = Client.Patient,
        RequestId = "req_1",
        Headers = [.. headers.Select(static h => KeyValuePair.Create(h.Name, h.Value))],
    };
}
