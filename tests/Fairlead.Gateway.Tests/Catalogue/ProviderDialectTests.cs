using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Gateway.Settings;
using Fairlead.Gateway.Tests.Yard;
using Fairlead.Shared;

namespace Fairlead.Gateway.Tests.Catalogue;

/// <summary>A server of the operator's own that speaks Anthropic's dialect.</summary>
public sealed class ProviderDialectTests : IAsyncLifetime
{
    private readonly ScriptedUpstream _server = new(static (request, reply) => reply.JsonAsync(
        request.Method == "GET" ? "{\"data\":[{\"id\":\"m1\",\"type\":\"model\"}],\"has_more\":false}" : AnthropicScripts.Whole("Hi there")));

    private GatewayYard _yard = null!;

    [Fact]
    public async Task Its_models_are_listed_with_its_key_and_asked_for_in_its_dialect()
    {
        Answer answer = await _yard.AskAsync(Dialect.OpenAi, "own/m1");
        Assert.Equal((200, "Hi there", "own"), (answer.Status, answer.Content, answer.Header("x-fairlead-provider")));
        ScriptedRequest listing = _server.Requests.First();
        Assert.Equal(("GET", "/v1/models", "sk-own"), (listing.Method, listing.Path, listing.Headers["x-api-key"]));
        Assert.False(listing.Headers.ContainsKey("authorization"));
        ScriptedRequest asked = _server.Requests.Last();
        Assert.Equal(("POST", "/v1/messages", "sk-own", "2023-06-01"), (asked.Method, asked.Path, asked.Headers["x-api-key"], asked.Headers["anthropic-version"]));
        Assert.Equal("m1", JsonDocument.Parse(asked.Body).RootElement.GetProperty("model").GetString());
    }

    [Fact]
    public async Task What_it_speaks_is_told_by_the_list_of_models_the_start_and_the_doctor()
    {
        JsonElement model = (await _yard.AdminAsync(HttpMethod.Get, "/api/models")).Json.EnumerateArray().Single(static m => m.GetProperty("id").GetString() == "own/m1");
        Assert.Equal("anthropic", model.GetProperty("offers")[0].GetProperty("dialect").GetString());
        Assert.Equal(Dialect.Anthropic, _yard.Server.Summary.Providers.Single(static p => p.Name == "own").Dialect);
        JsonElement check = (await _yard.AdminAsync(HttpMethod.Get, "/api/doctor")).Json.EnumerateArray().Single(static c => c.GetProperty("name").GetString() == "provider own");
        Assert.Equal(("ok", true), (check.GetProperty("state").GetString(), check.GetProperty("detail").GetString()!.EndsWith(", in Anthropic's dialect", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Texts_to_be_completed_or_embedded_are_not_sent_to_it()
    {
        Answer answer = await _yard.PostAsync("/v1/embeddings", "{\"model\":\"own/m1\",\"input\":\"hello\"}");
        Assert.True(answer.Status is >= 400 and < 500, answer.Body);
        Assert.DoesNotContain(_server.Requests, static r => r.Method == "POST");
    }

    [Fact]
    public async Task A_reload_that_changes_how_the_key_is_sent_changes_the_way()
    {
        await _yard.ApplyAsync(static settings => settings with { Providers = [.. settings.Providers.Select(static p => p with { KeyForm = Upstreams.Providers.KeyForm.Bearer })] });
        await _yard.AskAsync(Dialect.OpenAi, "own/m1");
        ScriptedRequest asked = _server.Requests.Last(static r => r.Method == "POST");
        Assert.Equal(("Bearer sk-own", false), (asked.Headers["authorization"], asked.Headers.ContainsKey("x-api-key")));
    }

    public async ValueTask InitializeAsync() => _yard = await GatewayYard.StartAsync(
        [new ProviderSettings { Name = "own", Url = _server.Url, Dialect = Dialect.Anthropic, Key = new Secret("sk-own") }]);

    public async ValueTask DisposeAsync()
    {
        await _yard.DisposeAsync();
        await _server.DisposeAsync();
    }
}
