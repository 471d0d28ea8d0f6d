using Fairlead.Gateway.Catalogue;
using Fairlead.Shared;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Gateway.Tests.Catalogue;

/// <summary>Whoever listens on a runner's usual port is asked for its models; most who do are no runner.</summary>
public sealed class ProbeTests
{
    [Theory]
    [InlineData("{\"object\":\"list\",\"data\":[{\"id\":\"a\"},{\"id\":\"org/b\"},{\"id\":\"a\"}]}", "a,org/b")]
    [InlineData("[{\"id\":\"a\"}]", "a")]
    [InlineData("{\"data\":[{\"id\":7},{\"name\":\"x\"},\"y\",null,{\"id\":\"with space\"},{\"id\":\"ok\"}]}", "ok")]
    [InlineData("{\"data\":[]}", "")]
    [InlineData("{\"data\":{}}", null)]
    [InlineData("{}", null)]
    [InlineData("\"hello\"", null)]
    [InlineData("42", null)]
    [InlineData("null", null)]
    [InlineData("<html></html>", null)]
    [InlineData("", null)]
    public async Task A_listing_is_read_and_nonsense_is_nobody(string body, string? models)
    {
        await using var server = new ScriptedUpstream((_, reply) => reply.JsonAsync(body));
        using var client = new ProbeClient();
        IReadOnlyList<string>? listed = await client.ModelsAsync(server.Url, null, TestContext.Current.CancellationToken);
        Assert.Equal(models, listed is null ? null : string.Join(",", listed));
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_a_key_goes_nowhere_else()
    {
        await using var elsewhere = new ScriptedUpstream((_, reply) => reply.JsonAsync("{\"data\":[{\"id\":\"trap\"}]}"));
        await using var server = new ScriptedUpstream((_, reply) => reply.RawAsync($"HTTP/1.1 302 Found\r\nlocation: {elsewhere.Url}/models\r\ncontent-length: 0\r\n\r\n"));
        using var client = new ProbeClient();
        Assert.Null(await client.ModelsAsync(server.Url, new EndpointKey(KeyForm.Bearer, "secret", server.Url), TestContext.Current.CancellationToken));
        Assert.Empty(elsewhere.Requests);
        Assert.Equal("Bearer secret", Assert.Single(server.Requests).Headers["authorization"]);
    }
}
