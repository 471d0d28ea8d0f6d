using Fairlead.Domain.Inference;
using Fairlead.Protocols.OpenAi;
using Fairlead.Upstreams.Anthropic;

namespace Fairlead.Upstreams.Providers;

/// <summary>What the product knows of one provider: a row of providers.json, or a server of the operator's own.</summary>
public sealed record ProviderSpec
{
    /// <summary>Its id, as Hugging Face writes it where they know it.</summary>
    public required string Name { get; init; }

    /// <summary>What it speaks. One of Anthropic's dialect has <see cref="MessagesPath"/> and no other path, one of OpenAI's never has it.</summary>
    public Dialect Dialect { get; init; }

    /// <summary>Null where every customer has an own address (Azure): the configuration must give it.</summary>
    public Uri? BaseUrl { get; init; }

    public KeyForm Key { get; init; } = KeyForm.Bearer;

    /// <summary>Environment variables in which its key is looked for, the first that is set.</summary>
    public required IReadOnlyList<string> KeyVariables { get; init; }

    /// <summary>Path behind <see cref="BaseUrl"/>; null where it has no such route. <c>{model}</c> in it stands for the provider's id of the model. The same for
    /// the others.</summary>
    public string? ChatPath { get; init; }

    public string? CompletionsPath { get; init; }

    public string? EmbeddingsPath { get; init; }

    /// <summary>Of Anthropic's messages; their tokens are counted at <c>/count_tokens</c> behind it.</summary>
    public string? MessagesPath { get; init; }

    /// <summary>It can be asked for a conversation's next turn, in its dialect.</summary>
    public bool Converses => ChatPath is not null || MessagesPath is not null;

    public RequestQuirks RequestQuirks { get; init; }

    public ResponseQuirks ResponseQuirks { get; init; }

    /// <summary>Bytes of a body that it takes; null where no limit is known.</summary>
    public long? MostBodyBytes { get; init; }

    /// <summary>Sent with every request.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Optional parameters that it is known to honour.</summary>
    public Parameters Honours { get; init; } = All;

    /// <summary>It answers 400 for faults of its own (fault U-13).</summary>
    public bool BadRequestMayBeTransient { get; init; }

    /// <summary>Where a server of its dialect lists its models.</summary>
    /// <param name="baseUrl">As it is configured.</param>
    public Uri ModelsUrl(Uri baseUrl) => new(
        Dialect == Dialect.Anthropic ? AnthropicEndpoint.WithoutVersion(baseUrl).ToString().TrimEnd('/') + "/v1/models" : baseUrl.ToString().TrimEnd('/') + "/models");

    /// <summary>Every optional parameter.</summary>
    public static Parameters All { get; } = Enum.GetValues<Parameters>().Aggregate(Parameters.None, static (all, one) => all | one);

    /// <summary>Optional parameters that a dialect has a word for.</summary>
    public static Parameters Sayable(Dialect dialect) => dialect switch
    {
        Dialect.Anthropic => Parameters.Temperature | Parameters.TopP | Parameters.TopK | Parameters.ReasoningEffort | Parameters.Tools | Parameters.ParallelToolCalls
            | Parameters.StructuredOutput,
        _ => All,
    };

    /// <summary>A server of the operator's own that speaks a dialect (TGI, vLLM, llama-server, Ollama, LM Studio, a company's second door, anything).</summary>
    public static ProviderSpec SelfHosted(string name, Uri? baseUrl, Dialect dialect) => dialect switch
    {
        Dialect.Anthropic => new()
        {
            Name = name,
            Dialect = dialect,
            BaseUrl = baseUrl,
            Key = KeyForm.XApiKeyHeader,
            KeyVariables = [],
            MessagesPath = "/v1/messages",
            Honours = Sayable(dialect),
        },
        _ => new()
        {
            Name = name,
            BaseUrl = baseUrl,
            KeyVariables = [],
            ChatPath = "/chat/completions",
            CompletionsPath = "/completions",
            EmbeddingsPath = "/embeddings",
        },
    };
}
