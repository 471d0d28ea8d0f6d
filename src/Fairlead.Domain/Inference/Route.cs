namespace Fairlead.Domain.Inference;

/// <summary>What a caller asked for: the paid routes of the OpenAI door.</summary>
public enum Route : byte
{
    /// <summary><c>POST /v1/chat/completions</c></summary>
    Chat = 1,

    /// <summary><c>POST /v1/completions</c></summary>
    Completions = 2,

    /// <summary><c>POST /v1/embeddings</c></summary>
    Embeddings = 3,
}
