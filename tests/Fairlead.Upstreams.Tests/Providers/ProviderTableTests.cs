using Fairlead.Domain.Inference;
using Fairlead.Protocols.Faults;
using Fairlead.Protocols.OpenAi;
using Fairlead.Upstreams.Anthropic;
using Fairlead.Upstreams.Http;
using Fairlead.Upstreams.OpenAi;
using Fairlead.Upstreams.Providers;

namespace Fairlead.Upstreams.Tests.Providers;

/// <summary>The providers, as their own pages have them: where, with which key, by which paths.</summary>
public sealed class ProviderTableTests
{
    [Theory]
    [InlineData("together", "https://api.together.xyz/v1/chat/completions", "https://api.together.xyz/v1/embeddings", KeyForm.Bearer, "TOGETHER_API_KEY")]
    [InlineData("fireworks-ai", "https://api.fireworks.ai/inference/v1/chat/completions", "https://api.fireworks.ai/inference/v1/embeddings", KeyForm.Bearer, "FIREWORKS_API_KEY")]
    [InlineData("groq", "https://api.groq.com/openai/v1/chat/completions", null, KeyForm.Bearer, "GROQ_API_KEY")]
    [InlineData("cerebras", "https://api.cerebras.ai/v1/chat/completions", null, KeyForm.Bearer, "CEREBRAS_API_KEY")]
    [InlineData("sambanova", "https://api.sambanova.ai/v1/chat/completions", "https://api.sambanova.ai/v1/embeddings", KeyForm.Bearer, "SAMBANOVA_API_KEY")]
    [InlineData("cohere", "https://api.cohere.com/compatibility/v1/chat/completions", "https://api.cohere.com/compatibility/v1/embeddings", KeyForm.Bearer, "COHERE_API_KEY")]
    [InlineData("hyperbolic", "https://api.hyperbolic.xyz/v1/chat/completions", null, KeyForm.Bearer, "HYPERBOLIC_API_KEY")]
    [InlineData("nebius", "https://api.tokenfactory.nebius.com/v1/chat/completions", "https://api.tokenfactory.nebius.com/v1/embeddings", KeyForm.Bearer, "NEBIUS_API_KEY")]
    [InlineData("novita", "https://api.novita.ai/openai/v1/chat/completions", "https://api.novita.ai/openai/v1/embeddings", KeyForm.Bearer, "NOVITA_API_KEY")]
    [InlineData("nscale", "https://inference.api.nscale.com/v1/chat/completions", null, KeyForm.Bearer, "NSCALE_API_KEY")]
    [InlineData("featherless-ai", "https://api.featherless.ai/v1/chat/completions", null, KeyForm.Bearer, "FEATHERLESS_API_KEY")]
    [InlineData("deepinfra", "https://api.deepinfra.com/v1/openai/chat/completions", "https://api.deepinfra.com/v1/openai/embeddings", KeyForm.Bearer, "DEEPINFRA_API_KEY")]
    [InlineData("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1/chat/completions", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1/embeddings", KeyForm.Bearer, "OVHCLOUD_API_KEY")]
    [InlineData("scaleway", "https://api.scaleway.ai/v1/chat/completions", "https://api.scaleway.ai/v1/embeddings", KeyForm.Bearer, "SCALEWAY_API_KEY")]
    [InlineData("publicai", "https://api.publicai.co/v1/chat/completions", null, KeyForm.Bearer, "PUBLICAI_API_KEY")]
    [InlineData("baseten", "https://inference.baseten.co/v1/chat/completions", null, KeyForm.Bearer, "BASETEN_API_KEY")]
    [InlineData("zai-org", "https://api.z.ai/api/paas/v4/chat/completions", null, KeyForm.Bearer, "ZAI_API_KEY")]
    [InlineData("openai", "https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/embeddings", KeyForm.Bearer, "OPENAI_API_KEY")]
    [InlineData("hf-inference", "https://router.huggingface.co/hf-inference/models/{model}/v1/chat/completions", null, KeyForm.Bearer, "HF_INFERENCE_TOKEN")]
    [InlineData("huggingface", "https://router.huggingface.co/v1/chat/completions", null, KeyForm.Bearer, "HF_TOKEN")]
    [InlineData("nvidia", "https://integrate.api.nvidia.com/v1/chat/completions", "https://integrate.api.nvidia.com/v1/embeddings", KeyForm.Bearer, "NVIDIA_API_KEY")]
    [InlineData("clarifai", "https://api.clarifai.com/v2/ext/openai/v1/chat/completions", null, KeyForm.KeyScheme, "CLARIFAI_PAT")]
    [InlineData("openrouter", "https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1/embeddings", KeyForm.Bearer, "OPENROUTER_API_KEY")]
    [InlineData("mistral", "https://api.mistral.ai/v1/chat/completions", "https://api.mistral.ai/v1/embeddings", KeyForm.Bearer, "MISTRAL_API_KEY")]
    [InlineData("deepseek", "https://api.deepseek.com/chat/completions", null, KeyForm.Bearer, "DEEPSEEK_API_KEY")]
    [InlineData("google", "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", "https://generativelanguage.googleapis.com/v1beta/openai/embeddings", KeyForm.Bearer, "GEMINI_API_KEY")]
    [InlineData("azure", null, null, KeyForm.ApiKeyHeader, "AZURE_OPENAI_API_KEY")]
    public void A_provider_is_where_its_own_pages_say(string name, string? chat, string? embeddings, KeyForm key, string variable)
    {
        ProviderSpec spec = ProviderTable.Known[name.ToUpperInvariant()];
        Assert.Equal((name, key, variable), (spec.Name, spec.Key, spec.KeyVariables[0]));
        if (chat is null)
        {
            Assert.Null(spec.BaseUrl);
            return;
        }
        Assert.Equal(chat, spec.BaseUrl!.ToString().TrimEnd('/') + spec.ChatPath);
        Assert.Equal(embeddings, spec.EmbeddingsPath is { } path ? spec.BaseUrl.ToString().TrimEnd('/') + path : null);
        Assert.Equal("https", spec.BaseUrl.Scheme);
    }

    [Fact]
    public void Anthropic_is_asked_in_its_own_dialect()
    {
        ProviderSpec spec = ProviderTable.Known["anthropic"];
        Assert.Equal((Dialect.Anthropic, "https://api.anthropic.com/", "/v1/messages", KeyForm.XApiKeyHeader, "ANTHROPIC_API_KEY"), (spec.Dialect, spec.BaseUrl!.ToString(), spec.MessagesPath, spec.Key, spec.KeyVariables[0]));
        Assert.Equal(32L << 20, spec.MostBodyBytes);
        Assert.True(spec.Converses && spec.ChatPath is null && spec.CompletionsPath is null && spec.EmbeddingsPath is null);
        Assert.Equal(Parameters.None, spec.Honours & (Parameters.Seed | Parameters.LogProbs | Parameters.LogitBias | Parameters.Penalties | Parameters.ManyChoices | Parameters.MinP));
        Assert.Equal(Parameters.Tools | Parameters.TopK, spec.Honours & (Parameters.Tools | Parameters.TopK));
    }

    [Fact]
    public void A_known_name_that_is_said_to_speak_another_dialect_is_a_server_of_that_dialect()
    {
        var url = new Uri("https://api.deepseek.com/anthropic");
        ProviderSpec spec = ProviderTable.Find("deepseek", url, Dialect.Anthropic, key: null);
        Assert.Equal((Dialect.Anthropic, url, "/v1/messages", null, KeyForm.XApiKeyHeader, RequestQuirks.None), (spec.Dialect, spec.BaseUrl, spec.MessagesPath, spec.ChatPath, spec.Key, spec.RequestQuirks));
        Assert.Equal(KeyForm.Bearer, ProviderTable.Find("deepseek", url, Dialect.Anthropic, KeyForm.Bearer).Key);
        Assert.Equal(ProviderTable.Known["deepseek"], ProviderTable.Find("deepseek", null, null, null));
        Assert.Equal((Dialect.OpenAi, "/chat/completions", KeyForm.Bearer), (ProviderTable.Find("alpha", url, null, null).Dialect, ProviderTable.Find("alpha", url, null, null).ChatPath, ProviderTable.Find("alpha", url, null, null).Key));
        Assert.Null(ProviderTable.Find("alpha", null, null, null).BaseUrl);
    }

    [Theory]
    [InlineData(Dialect.OpenAi, "http://h/v1", "http://h/v1/models")]
    [InlineData(Dialect.Anthropic, "http://h", "http://h/v1/models")]
    [InlineData(Dialect.Anthropic, "http://h/v1/", "http://h/v1/models")]
    [InlineData(Dialect.Anthropic, "http://h/anthropic", "http://h/anthropic/v1/models")]
    public void A_server_lists_its_models_beside_where_it_is_asked(Dialect dialect, string url, string list) =>
        Assert.Equal(list, ProviderSpec.SelfHosted("s", new Uri(url), dialect).ModelsUrl(new Uri(url)).ToString());

    public static TheoryData<string> Names() => [.. ProviderTable.Known.Keys];

    /// <summary>A row that cannot be written as a request would stop the start of everybody who uses it.</summary>
    [Theory, MemberData(nameof(Names))]
    public void Every_row_can_be_asked(string name)
    {
        ProviderSpec spec = ProviderTable.Known[name];
        Uri url = spec.BaseUrl ?? new Uri("https://resource.example.com/openai/v1");
        using var transport = new UpstreamTransport(TimeProvider.System);
        Assert.All(spec.KeyVariables, static v => Assert.Matches("^[A-Z][A-Z0-9_]+$", v));
        var key = new EndpointKey(spec.Key, "secret", url);
        if (spec.MessagesPath is { } messages)
        {
            Assert.NotNull(new AnthropicUpstream(new AnthropicEndpoint(url) { MessagesPath = messages, Key = key, ExtraHeaders = spec.Headers }, transport, FaultClassifier.Classify).Origin);
            return;
        }
        var upstream = new OpenAiUpstream(
            new OpenAiEndpoint(url)
            {
                ChatPath = spec.ChatPath,
                CompletionsPath = spec.CompletionsPath,
                EmbeddingsPath = spec.EmbeddingsPath,
                Key = key,
                ExtraHeaders = spec.Headers,
            },
            transport, FaultClassifier.Classify);
        Assert.NotNull(upstream.Origin);
    }

    [Fact]
    public void No_two_providers_look_for_their_key_in_the_same_place() =>
        Assert.Empty(ProviderTable.Known.Values.SelectMany(static p => p.KeyVariables).GroupBy(static v => v).Where(static g => g.Count() > 1).Select(static g => g.Key));

    [Theory]
    [InlineData("together", RequestQuirks.FlattenJsonSchema | RequestQuirks.DeveloperAsSystem)]
    [InlineData("cerebras", RequestQuirks.DropStore)]
    [InlineData("sambanova", RequestQuirks.StrictFalse)]
    [InlineData("cohere", RequestQuirks.JsonSchemaAsObjectSchema)]
    [InlineData("nebius", RequestQuirks.GuidedJson)]
    [InlineData("zai-org", RequestQuirks.StopAsString)]
    [InlineData("openai", RequestQuirks.MaxTokensAsMaxCompletionTokens)]
    [InlineData("mistral", RequestQuirks.NoStreamOptions | RequestQuirks.SeedAsRandomSeed | RequestQuirks.RequiredAsAny | RequestQuirks.NineCharToolCallIds | RequestQuirks.DeveloperAsSystem)]
    [InlineData("hf-inference", RequestQuirks.JsonSchemaAsObjectValue)]
    public void What_a_provider_wants_said_differently_stands_in_its_row(string name, RequestQuirks quirks) =>
        Assert.Equal(quirks, ProviderTable.Known[name].RequestQuirks & quirks);

    [Fact]
    public void What_a_provider_says_differently_stands_in_its_row()
    {
        Assert.Equal(ResponseQuirks.XGroqUsage, ProviderTable.Known["groq"].ResponseQuirks);
        Assert.Equal(ResponseQuirks.OutputFromTotal, ProviderTable.Known["google"].ResponseQuirks);
        Assert.True(ProviderTable.Known["featherless-ai"].BadRequestMayBeTransient);
        Assert.Equal(Parameters.None, ProviderTable.Known["cerebras"].Honours & (Parameters.Penalties | Parameters.LogitBias | Parameters.ManyChoices));
    }

    [Theory]
    [InlineData("gpt2", "POST /hf/models/gpt2/v1/chat/completions HTTP/1.1")]
    [InlineData("org/name", "POST /hf/models/org/name/v1/chat/completions HTTP/1.1")]
    [InlineData("../../admin?x=1 HTTP/1.1", "POST /hf/models/%2E%2E/%2E%2E/admin%3Fx%3D1%20HTTP/1.1/v1/chat/completions HTTP/1.1")]
    public async Task A_path_may_name_the_model_and_the_model_cannot_leave_its_place(string model, string line)
    {
        var seen = new TaskCompletionSource<string>();
        await using var server = new Fairlead.Shared.ScriptedUpstream(async (request, reply) =>
        {
            seen.TrySetResult($"{request.Method} {request.Path} HTTP/1.1");
            await reply.JsonAsync("{}");
        });
        using var transport = new UpstreamTransport(TimeProvider.System);
        var upstream = new OpenAiUpstream(new OpenAiEndpoint(new Uri(server.Url, "/hf")) { ChatPath = "/models/{model}/v1/chat/completions" }, transport, FaultClassifier.Classify);
        UpstreamReply reply = await upstream.OpenAsync(new UpstreamCall
        {
            Route = Route.Chat, Model = model, Body = "{}"u8.ToArray(), Stream = false, RequestId = "req_1",
            Clocks = new UpstreamClocks(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5)),
        }, TestContext.Current.CancellationToken);
        await using (Assert.IsAssignableFrom<UpstreamReply.Opened>(reply))
            Assert.Equal(line, await seen.Task);
    }
}
