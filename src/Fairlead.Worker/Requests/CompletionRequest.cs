using System.Collections.Immutable;
using System.Text.Json;
using Fairlead.Domain.Problems;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Generation;

namespace Fairlead.Worker.Requests;

/// <summary>A request to <c>/v1/completions</c>, checked.</summary>
internal sealed record CompletionRequest
{
    /// <summary>At least one; each gets <see cref="AnswerSettings.Choices"/> answers.</summary>
    public required ImmutableArray<Prompt> Prompts { get; init; }

    public required AnswerSettings Settings { get; init; }

    /// <summary>What the answer must look like; null where any text will do.</summary>
    public required ConstraintSpec? Format { get; init; }

    /// <summary>The answer begins with the prompt.</summary>
    public bool Echo { get; init; }

    /// <summary>Alternatives to give beside each token, 0 to 20; null for no log-probabilities at all.</summary>
    public int? Logprobs { get; init; }

    /// <summary>A prompt's special tokens (begin of text) are added to texts. Default true.</summary>
    public bool AddSpecialTokens { get; init; } = true;

    /// <summary>Fields that have no effect here.</summary>
    public required ImmutableArray<string> Ignored { get; init; }

    /// <summary>Exactly one of the result and <paramref name="problem"/> is not null.</summary>
    public static CompletionRequest? Read(JsonElement body, SamplingSettings defaults, out Problem? problem)
    {
        var fields = new FieldReader(body);
        fields.Text("model"); // a worker holds one
        AnswerSettings settings = AnswerSettings.Read(fields, defaults);
        bool echo = fields.Flag("echo") ?? false;
        if (fields.Text("suffix") is { Length: > 0 })
            fields.Refuse("suffix", "'suffix' asks for text to be filled in between, which models served here are not asked for. Leave it out.");
        if (fields.Whole("best_of", 1, GenerationRequest.MostChoices) is { } best && best != settings.Choices)
            fields.Refuse("best_of", $"'best_of' is {best}; answers are not made to be thrown away here. Leave it out, or make it equal to 'n'.");
        if (settings.MaxTokens == 0 && !echo)
            fields.Refuse("max_tokens", "'max_tokens' is 0, which makes sense only with 'echo'. Ask for at least one token.");
        var request = new CompletionRequest
        {
            Prompts = Prompt.ReadAll(fields, "prompt"),
            // What the old API has always done where nobody says how long the answer may be.
            Settings = settings with { MaxTokens = settings.MaxTokens ?? 16 },
            Format = AnswerFormat.Read(fields),
            Echo = echo,
            Logprobs = (int?)fields.Whole("logprobs", 0, SamplingSettings.MostAlternatives),
            AddSpecialTokens = fields.Flag("add_special_tokens") ?? true,
            Ignored = [.. fields.Unread],
        };
        problem = fields.Problem;
        return problem is null ? request : null;
    }
}
