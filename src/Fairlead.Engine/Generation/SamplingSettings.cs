using System.Collections.Immutable;

namespace Fairlead.Engine.Generation;

/// <summary>How the next token is chosen from a model's scores. The defaults choose from the model's own distribution, unchanged.</summary>
/// <remarks>
/// The engine's ranges are as wide as anybody's who asks for these settings (OpenAI's 0…2 for the temperature, up to 100 with Hugging Face's
/// text generation); a door that promises less refuses before it asks. What each setting does, and in which order, stands at <see cref="Sampler"/>.
/// </remarks>
public sealed record SamplingSettings
{
    /// <summary>Below this temperature the best token is taken without chance: the quotient of two scores would overflow (vLLM draws the line here too).</summary>
    public const float Greedy = 1e-5f;

    /// <summary>Most alternatives a caller may ask for beside each token: OpenAI's limit.</summary>
    public const int MostAlternatives = 20;

    /// <summary>0…100. Scores are divided by it: 0 takes the best token, 1 is the model's own distribution, more is more even.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>0…1. Only the fewest tokens whose probabilities reach this sum are drawn from; 1 draws from all, 0 from the best alone.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>≥ 0. Only this many best tokens are drawn from; 0 draws from all.</summary>
    public int TopK { get; init; }

    /// <summary>0…1. Only tokens at least this share as probable as the best one are drawn from; 0 draws from all.</summary>
    public float MinP { get; init; }

    /// <summary>0.01…100. Scores of tokens in prompt and answer are divided by it where positive, multiplied where negative; 1 changes nothing.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>−2…2. Taken from a token's score once for every time it stands in the answer so far.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>−2…2. Taken from a token's score once if it stands in the answer so far.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Added to the scores of these tokens, −100…100 each; at most 1,024 tokens, each at most once.</summary>
    public ImmutableArray<(int Token, float Bias)> LogitBias { get; init; } = [];

    /// <summary>The chance: same seed, same request, same text. Null where the caller does not mind; the answer then tells which one it was.</summary>
    public ulong? Seed { get; init; }

    /// <summary>What is wrong with these settings for a vocabulary of that size, in words for whoever wrote them; null when nothing is.</summary>
    public string? Fault(int vocabularySize)
    {
        if (Outside(Temperature, 0, 100))
            return $"temperature is {Temperature}; it must be between 0 and 100";
        if (Outside(TopP, 0, 1))
            return $"top_p is {TopP}; it must be between 0 and 1";
        if (TopK < 0)
            return $"top_k is {TopK}; it must be 0 (all tokens) or more";
        if (Outside(MinP, 0, 1))
            return $"min_p is {MinP}; it must be between 0 and 1";
        if (Outside(RepetitionPenalty, 0.01f, 100))
            return $"repetition_penalty is {RepetitionPenalty}; it must be between 0.01 and 100";
        if (Outside(FrequencyPenalty, -2, 2))
            return $"frequency_penalty is {FrequencyPenalty}; it must be between -2 and 2";
        if (Outside(PresencePenalty, -2, 2))
            return $"presence_penalty is {PresencePenalty}; it must be between -2 and 2";
        return LogitBias.IsDefaultOrEmpty ? null : BiasFault(vocabularySize);
    }

    private string? BiasFault(int vocabularySize)
    {
        if (LogitBias.Length > 1024)
            return $"logit_bias names {LogitBias.Length} tokens; at most 1024 are taken";
        var seen = new HashSet<int>();
        foreach ((int token, float bias) in LogitBias)
        {
            if (token < 0 || token >= vocabularySize)
                return $"logit_bias names token {token}; this model's vocabulary ends at {vocabularySize - 1}";
            if (Outside(bias, -100, 100))
                return $"logit_bias of token {token} is {bias}; it must be between -100 and 100";
            if (!seen.Add(token))
                return $"logit_bias names token {token} twice";
        }

        return null;
    }

    // Written so that a NaN is outside of everything.
    private static bool Outside(float value, float least, float most) => !(value >= least && value <= most);
}
