namespace Fairlead.Domain.Inference;

/// <summary>A way of asking a model and of answering: what a door takes, and what an upstream speaks.</summary>
public enum Dialect : byte
{
    /// <summary>OpenAI's chat completions, completions and embeddings.</summary>
    OpenAi = 0,

    /// <summary>Anthropic's messages.</summary>
    Anthropic = 1,
}
