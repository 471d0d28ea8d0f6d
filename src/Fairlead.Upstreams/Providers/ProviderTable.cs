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
        "name", "url", "auth", "keys", "chat", "completions", "embeddings", "quirks", "response_quirks", "headers", "honours_not",
        "bad_request_may_be_transient",
    }.ToFrozenSet();

    /// <summary>By name, without regard to case.</summary>
    public static FrozenDictionary<string, ProviderSpec> Known { get; } = Load();

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
        foreach (JsonProperty member in row.EnumerateObject())
        {
            if (!Members.Contains(member.Name))
                throw new InvalidDataException($"providers.json: '{name}' has an unknown member '{member.Name}'.");
        }
        return new ProviderSpec
        {
            Name = name,
            BaseUrl = Text(row, "url") is { Length: > 0 } url ? new Uri(url) : null,
            Key = Text(row, "auth") switch { "bearer" => KeyForm.Bearer, "api-key" => KeyForm.ApiKeyHeader, "key" => KeyForm.KeyScheme, var other => throw new InvalidDataException($"providers.json: '{name}' has auth '{other}'.") },
            KeyVariables = Texts(row, "keys"),
            ChatPath = Text(row, "chat"),
            CompletionsPath = Text(row, "completions"),
            EmbeddingsPath = Text(row, "embeddings"),
            RequestQuirks = Texts(row, "quirks").Aggregate(RequestQuirks.None, static (all, one) => all | Enum.Parse<RequestQuirks>(one)),
            ResponseQuirks = Texts(row, "response_quirks").Aggregate(ResponseQuirks.None, static (all, one) => all | Enum.Parse<ResponseQuirks>(one)),
            Headers = row.TryGetProperty("headers", out JsonElement headers) ? [.. headers.EnumerateObject().Select(static h => KeyValuePair.Create(h.Name, h.Value.GetString()!))] : [],
            Honours = Texts(row, "honours_not").Aggregate(ProviderSpec.All, static (all, one) => all & ~Enum.Parse<Parameters>(one)),
            BadRequestMayBeTransient = row.TryGetProperty("bad_request_may_be_transient", out JsonElement transient) && transient.GetBoolean(),
        };
    }

    private static string? Text(JsonElement row, string member) => row.TryGetProperty(member, out JsonElement value) ? value.GetString() : null;

    private static string[] Texts(JsonElement row, string member) =>
        row.TryGetProperty(member, out JsonElement value) ? [.. value.EnumerateArray().Select(static v => v.GetString()!)] : [];
}
