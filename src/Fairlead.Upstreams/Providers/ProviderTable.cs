using System.Collections.Frozen;
using System.Text.Json;
using Fairlead.Domain.Inference;
using Fairlead.Protocols.OpenAi;

namespace Fairlead.Upstreams.Providers;

/// <summary>Every provider that the product knows, from the embedded providers.json. A new one is a row there.</summary>
public static class ProviderTable
{
    private static readonly FrozenSet<string> Members = new[]
    {
        "name", "dialect", "url", "auth", "keys", "chat", "completions", "embeddings", "messages", "most_body_bytes", "quirks", "response_quirks", "headers", "honours_not",
        "bad_request_may_be_transient",
    }.ToFrozenSet();

    /// <summary>By name, without regard to case.</summary>
    public static FrozenDictionary<string, ProviderSpec> Known { get; } = Load();

    /// <summary>What is known of a provider of the configuration: its row, or, where it has none or is said to speak another dialect than its row, what goes for
    /// every server of that dialect.</summary>
    /// <param name="name">Its name there.</param>
    /// <param name="url">Its address there; null for the row's.</param>
    /// <param name="dialect">What it is said to speak; null for the row's, or OpenAI's.</param>
    /// <param name="key">How it is said to want its key; null for the row's, or the dialect's custom.</param>
    /// <returns>Its <see cref="ProviderSpec.BaseUrl"/> is null where nobody knows one.</returns>
    public static ProviderSpec Find(string name, Uri? url, Dialect? dialect, KeyForm? key)
    {
        ProviderSpec spec = Known.GetValueOrDefault(name) is { } row && (dialect is null || dialect == row.Dialect)
            ? row with { BaseUrl = url ?? row.BaseUrl }
            : ProviderSpec.SelfHosted(name, url, dialect ?? Dialect.OpenAi);
        return key is { } form ? spec with { Key = form } : spec;
    }

    /// <exception cref="InvalidDataException">A row of the shipped file is wrong; names it.</exception>
    private static FrozenDictionary<string, ProviderSpec> Load()
    {
        using Stream stream = typeof(ProviderTable).Assembly.GetManifestResourceStream("providers.json")
            ?? throw new InvalidDataException("providers.json is not in this build.");
        using JsonDocument document = JsonDocument.Parse(stream);
        return document.RootElement.EnumerateArray().Select(Read).ToFrozenDictionary(static p => p.Name, StringComparer.OrdinalIgnoreCase);
    }

    private static ProviderSpec Read(JsonElement row)
    {
        string name = row.GetProperty("name").GetString()!;
        Dialect dialect = Text(row, "dialect") is not { } word ? Dialect.OpenAi : DialectNames.Find(word) ?? throw new InvalidDataException($"providers.json: '{name}' has dialect '{word}'.");
        foreach (JsonProperty member in row.EnumerateObject())
        {
            if (!Members.Contains(member.Name))
                throw new InvalidDataException($"providers.json: '{name}' has an unknown member '{member.Name}'.");
        }
        if (dialect == Dialect.Anthropic != row.TryGetProperty("messages", out _))
            throw new InvalidDataException($"providers.json: '{name}' speaks {dialect.Word()}; what speaks anthropic has 'messages', and nobody else.");
        return new ProviderSpec
        {
            Name = name,
            Dialect = dialect,
            BaseUrl = Text(row, "url") is { Length: > 0 } url ? new Uri(url) : null,
            Key = KeyForms.Find(Text(row, "auth")) ?? throw new InvalidDataException($"providers.json: '{name}' has auth '{Text(row, "auth")}'."),
            KeyVariables = Texts(row, "keys"),
            ChatPath = Text(row, "chat"),
            CompletionsPath = Text(row, "completions"),
            EmbeddingsPath = Text(row, "embeddings"),
            MessagesPath = Text(row, "messages"),
            MostBodyBytes = row.TryGetProperty("most_body_bytes", out JsonElement most) ? most.GetInt64() : null,
            RequestQuirks = Texts(row, "quirks").Aggregate(RequestQuirks.None, static (all, one) => all | Enum.Parse<RequestQuirks>(one)),
            ResponseQuirks = Texts(row, "response_quirks").Aggregate(ResponseQuirks.None, static (all, one) => all | Enum.Parse<ResponseQuirks>(one)),
            Headers = row.TryGetProperty("headers", out JsonElement headers) ? [.. headers.EnumerateObject().Select(static h => KeyValuePair.Create(h.Name, h.Value.GetString()!))] : [],
            Honours = Texts(row, "honours_not").Aggregate(ProviderSpec.Sayable(dialect), static (all, one) => all & ~Enum.Parse<Parameters>(one)),
            BadRequestMayBeTransient = row.TryGetProperty("bad_request_may_be_transient", out JsonElement transient) && transient.GetBoolean(),
        };
    }

    private static string? Text(JsonElement row, string member) => row.TryGetProperty(member, out JsonElement value) ? value.GetString() : null;

    private static string[] Texts(JsonElement row, string member) =>
        row.TryGetProperty(member, out JsonElement value) ? [.. value.EnumerateArray().Select(static v => v.GetString()!)] : [];
}
