namespace Fairlead.Domain.Inference;

/// <summary>What a caller asked for.</summary>
public enum Route : byte
{
    /// <summary><c>POST /v1/chat/completions</c></summary>
    Chat = 1,

    /// <summary><c>POST /v1/completions</c></summary>
    Completions = 2,

    /// <summary><c>POST /v1/embeddings</c></summary>
    Embeddings = 3,

    /// <summary><c>POST /v1/messages</c></summary>
    Messages = 4,

    /// <summary><c>POST /v1/messages/count_tokens</c>, which costs nothing and is in no ledger.</summary>
    CountTokens = 5,
}

/// <summary>What follows from a route.</summary>
public static class Routes
{
    /// <summary>The dialect of its requests and answers.</summary>
    public static Dialect Dialect(this Route route) => route is Route.Messages or Route.CountTokens ? Inference.Dialect.Anthropic : Inference.Dialect.OpenAi;
}
