using Fairlead.Protocols.Anthropic;

namespace Fairlead.Protocols.Translation;

/// <summary>How a request's <c>reasoning_effort</c> is told to a model, and what room for tokens it is given.</summary>
/// <remarks>
/// OpenAI's limit of output covers the reasoning, and so does Anthropic's. A limit that the caller set is never raised, because it is what was reserved: a budget is made to fit
/// it. Only where no limit was set does the room grow with the thinking.
/// </remarks>
internal readonly record struct ThinkingPlan
{
    /// <summary>Tokens of an answer whose caller has named no limit (or of the model, if it makes fewer).</summary>
    private const long UsualTokens = 4096;

    /// <summary>Fewest tokens of a budget that Anthropic takes.</summary>
    private const long LeastBudget = 1024;

    public ThinkingWords Words { get; private init; }

    /// <summary>Tokens for thinking; for <see cref="ThinkingWords.Budget"/> alone.</summary>
    public long Budget { get; private init; }

    /// <summary>What <c>output_config.effort</c> says; null to leave it out.</summary>
    public string? Effort { get; private init; }

    /// <summary>What <c>max_tokens</c> says.</summary>
    public long MaxTokens { get; private init; }

    /// <summary>The model thinks.</summary>
    public bool Thinks { get; private init; }

    /// <summary>The effort did not arrive as asked.</summary>
    public bool Adapted { get; private init; }

    /// <param name="rules">The model's.</param>
    /// <param name="asked">What <c>reasoning_effort</c> says; null when it says nothing.</param>
    /// <param name="limit">The caller's limit of output tokens; null when there is none.</param>
    /// <param name="modelMakes">Most output tokens of the model; null when not known.</param>
    /// <param name="mayThink">False where the conversation does not let a model of the old form think: its calls of tools lack their thinking, or the answer has begun.</param>
    /// <param name="forced">A tool must be called.</param>
    public static ThinkingPlan Of(ClaudeRules rules, string? asked, long? limit, long? modelMakes, bool mayThink, bool forced)
    {
        (string Effort, long Tokens)? level = Level(asked, rules);
        ThinkingPlan plan = asked switch
        {
            null => Unasked(rules, forced),
            "none" => Off(rules),
            _ when level is null || rules.Thinking == ThinkingForm.None => Unasked(rules, forced) with { Adapted = true },
            _ when limit == 0 => Off(rules) with { Adapted = true }, // nothing is generated: the cache is filled
            _ when rules.Thinking == ThinkingForm.Adaptive => new ThinkingPlan
            {
                Words = ThinkingWords.Adaptive,
                Effort = level.Value.Effort,
                Thinks = true,
                Adapted = level.Value.Effort != asked && asked != "minimal", // Claude has none below low
            },
            _ when !mayThink => new ThinkingPlan { Adapted = true },
            _ => new ThinkingPlan { Words = ThinkingWords.Budget, Budget = level.Value.Tokens, Thinks = true },
        };
        return plan.Fit(limit, modelMakes, level?.Tokens ?? Level("high", rules)!.Value.Tokens);
    }

    private static ThinkingPlan Unasked(ClaudeRules rules, bool forced) => forced && rules is { ThinksUnasked: true, ForcedTools: true, Off: ThinkingOff.Disabled }
        ? new ThinkingPlan { Words = ThinkingWords.Disabled } // nobody asked it to think, and it cannot be made to call a tool while it does
        : new ThinkingPlan { Thinks = rules.ThinksUnasked };

    private static ThinkingPlan Off(ClaudeRules rules) => rules.Off switch
    {
        ThinkingOff.LeftOut => new ThinkingPlan(),
        ThinkingOff.Disabled => new ThinkingPlan { Words = ThinkingWords.Disabled },
        ThinkingOff.BetweenTools => new ThinkingPlan { Words = ThinkingWords.BetweenTools },
        _ => new ThinkingPlan { Effort = "low", Thinks = true, Adapted = true },
    };

    /// <summary>The effort's name at Anthropic, and tokens that such thinking is given: LiteLLM's for low, medium and high, doubled from there.</summary>
    private static (string Effort, long Tokens)? Level(string? asked, ClaudeRules rules) => asked switch
    {
        "minimal" or "low" => ("low", 1024),
        "medium" => ("medium", 2048),
        "high" => ("high", 4096),
        "xhigh" => (rules.ExtraHighEffort ? "xhigh" : "high", 8192),
        "max" => ("max", 16_384),
        _ => null,
    };

    private ThinkingPlan Fit(long? limit, long? modelMakes, long room)
    {
        long most = modelMakes ?? long.MaxValue;
        long tokens = limit ?? Math.Min(most, UsualTokens + (Thinks ? room : 0));
        if (Words != ThinkingWords.Budget)
            return this with { MaxTokens = tokens };
        if (tokens <= LeastBudget)
            return new ThinkingPlan { MaxTokens = tokens, Adapted = true };
        // At least as much is left for the answer as is thought, unless that would be less than Anthropic takes.
        long budget = Math.Clamp(tokens / 2, LeastBudget, Budget);
        return this with { MaxTokens = tokens, Budget = budget, Adapted = budget < Budget };
    }
}

/// <summary>What <c>thinking</c> says.</summary>
internal enum ThinkingWords : byte
{
    /// <summary>It is left out.</summary>
    Nothing = 0,
    Budget,
    Adaptive,
    Disabled,
    BetweenTools,
}
