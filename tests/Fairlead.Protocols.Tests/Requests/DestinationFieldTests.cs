using Fairlead.Domain.Inference;
using Fairlead.Domain.Problems;

namespace Fairlead.Protocols.Tests.Requests;

/// <summary>No caller chooses where we connect, with whose credential, or what we say there.</summary>
public sealed class DestinationFieldTests
{
    public static TheoryData<string> Spellings { get; } =
    [
        "api_base", "apiBase", "API_BASE", "api-base", "api.base", "apibase", "ApiBase", "base_url", "baseUrl", "baseURL", "BASE_URL", "base-url", "url", "URL", "uri", "endpoint", "endpoint_url",
        "host", "Host", "hostname", "port", "api_key", "apiKey", "API-KEY", "apikey", "api_type", "api_version", "custom_llm_provider", "customLlmProvider", "extra_headers", "extraHeaders",
        "headers", "Headers", "default_headers", "custom_headers", "proxy", "proxies", "http_proxy", "HTTPS_PROXY", "proxy_url", "organization", "Organization", "authorization", "Authorization",
        "auth", "access_token", "bearer_token", "credentials", "azure_endpoint", "azure_ad_token", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region_name",
        "aws_bedrock_runtime_endpoint", "vertex_credentials", "vertex_project", "vertex_location", "litellm_params", "litellm_credential_name", "model_list", "fallbacks", "webhook", "webhook_url",
        "callback_url", "callbacks", "success_callback", "custom_host", "custom_endpoint", "target_url", "upstream_url", "ssl_verify",
    ];

    [Theory]
    [MemberData(nameof(Spellings))]
    public void A_field_that_would_choose_the_destination_is_refused_on_every_route(string name)
    {
        foreach ((string body, Route route) in Everywhere($"\"{name}\":\"http://169.254.169.254/\""))
        {
            Problem problem = Bodies.Refused(body, route);
            Assert.Equal(ProblemKind.ProviderFieldRefused, problem.Kind);
            Assert.Equal(name, problem.Param);
        }
    }

    [Fact]
    public void Spelling_it_with_escapes_does_not_help() =>
        Assert.Equal(ProblemKind.ProviderFieldRefused, Bodies.Refused(Bodies.Chat("\"api\\u005fbase\":\"http://x\"")).Kind);

    [Fact]
    public void There_are_sixty_of_them() => Assert.True(Spellings.Count >= 60);

    [Theory]
    [InlineData("chat_template_kwargs")]
    [InlineData("thinking")]
    [InlineData("prompt_cache_key")]
    [InlineData("cache_control")]
    [InlineData("repetition_penalty")]
    [InlineData("service_tier")]
    [InlineData("verbosity")]
    [InlineData("metadata")]
    [InlineData("user_id")]
    [InlineData("web_search_options")]
    public void Fields_of_providers_are_their_business(string name)
    {
        string body = Bodies.Chat($"\"{name}\":{{\"headers\":{{\"a\":1}}}}");
        Assert.Contains($"\"{name}\":{{\"headers\":{{\"a\":1}}}}", Bodies.Write(body), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Model")]
    [InlineData("MODEL")]
    [InlineData("Max_Tokens")]
    [InlineData("N")]
    [InlineData("Stream")]
    [InlineData("\\u004dessages")]
    [InlineData("me\u017F\u017Fages")]
    [InlineData("max_to\u212Aens")]
    public void A_name_that_a_careless_reader_takes_for_ours_is_refused(string name)
    {
        Problem problem = Bodies.Refused(Bodies.Chat($"\"{name}\":9"));
        Assert.Equal(ProblemKind.FieldInvalid, problem.Kind);
        Assert.NotNull(problem.Param);
    }

    private static IEnumerable<(string, Route)> Everywhere(string more) =>
        [(Bodies.Chat(more), Route.Chat), (Bodies.Completion(more), Route.Completions), (Bodies.Embedding("\"hi\"", more), Route.Embeddings)];
}
