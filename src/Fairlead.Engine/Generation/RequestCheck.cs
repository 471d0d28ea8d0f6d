namespace Fairlead.Engine.Generation;

/// <summary>What can be said of a request before anything is computed. Nothing behind this looks again.</summary>
internal static class RequestCheck
{
    private const int MostEndTokens = 64;

    /// <summary>Null where the request can be carried out.</summary>
    public static GenerationRefusal? Refusal(GenerationRequest request, int vocabularySize, int contextLimit, int slots)
    {
        string? fault = Fault(request, vocabularySize, slots);
        if (fault is not null)
            return new GenerationRefusal(RefusalReason.Invalid, fault);
        int prompt = request.Prompt.Length, least = request.MaxTokens == 0 ? 0 : 1;
        return prompt + least <= contextLimit
            ? null
            : new GenerationRefusal(
                RefusalReason.ContextTooLong,
                $"the prompt has {prompt} tokens and this model's context holds {contextLimit}, prompt and answer together; shorten the prompt to {contextLimit - least} tokens or fewer");
    }

    private static string? Fault(GenerationRequest request, int vocabularySize, int slots)
    {
        if (request.Prompt.IsDefaultOrEmpty)
            return "the prompt has no tokens; give at least one";
        foreach (int token in request.Prompt)
        {
            if (OutOf(vocabularySize, token))
                return $"the prompt holds token {token}; this model's vocabulary ends at {vocabularySize - 1}";
        }

        if (request.MaxTokens < 0 || (request.MaxTokens == 0 && !request.Echo))
            return $"max_tokens is {request.MaxTokens}; it must be 1 or more (0 only where the prompt is echoed)";
        if (request.MinTokens < 0)
            return $"min_tokens is {request.MinTokens}; it must be 0 or more";
        if (request.Choices < 1 || request.Choices > Math.Min(GenerationRequest.MostChoices, slots))
            return $"n is {request.Choices}; this model writes 1 to {Math.Min(GenerationRequest.MostChoices, slots)} answers to one prompt";
        if (request.TopLogprobs is < 0 or > SamplingSettings.MostAlternatives)
            return $"top_logprobs is {request.TopLogprobs}; it must be between 0 and {SamplingSettings.MostAlternatives}";
        if (request.TopLogprobs > 0 && !request.Logprobs)
            return "top_logprobs needs logprobs";
        if (request.Constraint is { } constraint && constraint.MaskLength != (vocabularySize + 63) / 64)
            return "the constraint was made for another vocabulary";
        return StopFault(request, vocabularySize) ?? request.Sampling.Fault(vocabularySize);
    }

    private static string? StopFault(GenerationRequest request, int vocabularySize)
    {
        if (request.Stop.IsDefault || request.EndTokens.IsDefault)
            return "stop strings and end tokens may be empty but not missing";
        if (request.Stop.Length > StopRule.MostStrings)
            return $"stop has {request.Stop.Length} strings; at most {StopRule.MostStrings} are taken";
        foreach (string stop in request.Stop)
        {
            if (stop is not { Length: > 0 and <= StopRule.LongestString })
                return $"a stop string must have 1 to {StopRule.LongestString} characters";
            if (!IsWellFormed(stop))
                return "a stop string holds half a character (a surrogate without its other half)";
        }

        if (request.EndTokens.Length > MostEndTokens)
            return $"{request.EndTokens.Length} end tokens are named; at most {MostEndTokens} are taken";
        foreach (int token in request.EndTokens)
        {
            if (OutOf(vocabularySize, token))
                return $"end token {token} does not exist; this model's vocabulary ends at {vocabularySize - 1}";
        }

        return null;
    }

    private static bool OutOf(int vocabularySize, int token) => token < 0 || token >= vocabularySize;

    private static bool IsWellFormed(string text)
    {
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            if (rune == System.Text.Rune.ReplacementChar && !text.Contains('\uFFFD'))
                return false;
        }

        return true;
    }
}
