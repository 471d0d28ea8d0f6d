using Fairlead.Domain.Inference;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Upstreams.Providers;

/// <summary>What the product knows of one provider that speaks OpenAI's dialect: a row of providers.json.</summary>
public sealed record ProviderSpec
{
    /// <summary>Its id, as Hugging Face writes it where they know it.</summary>
    public required string Name { get; init; }

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

    public RequestQuirks RequestQuirks { get; init; }

    public ResponseQuirks ResponseQuirks { get; init; }

    /// <summary>Sent with every request.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Optional parameters that it is known to honour.</summary>
    public Parameters Honours { get; init; } = All;

    /// <summary>It answers 400 for faults of its own (fault U-13).</summary>
    public bool BadRequestMayBeTransient { get; init; }

    /// <summary>Every optional parameter.</summary>
    public static Parameters All { get; } = Enum.GetValues<Parameters>().Aggregate(Parameters.None, static (all, one) => all | one);

    /// <summary>A server of the operator's own that speaks the dialect (TGI, vLLM, llama-server, Ollama, LM Studio, anything).</summary>
    public static ProviderSpec SelfHosted(string name, Uri baseUrl) => new()
    {
        Name = name,
        BaseUrl = baseUrl,
        KeyVariables = [],
        ChatPath = "/chat/completions",
        CompletionsPath = "/completions",
        EmbeddingsPath = "/embeddings",
    };
}
