using Fairlead.Domain.Inference;

namespace Fairlead.Protocols.Anthropic;

/// <summary>What one generation of Claude takes and refuses beside what all of them take. Asked by model id; obeyed where a request is translated, and never where
/// the caller speaks Anthropic's own dialect.</summary>
/// <remarks>
/// Sources: Anthropic's migration guides and its pages on adaptive thinking, effort and extended thinking as of November 2026, the doc strings of its SDK 2.12.0
/// (sampling parameters after Opus 4.6), AWS Bedrock's pages on adaptive thinking (who refuses <c>disabled</c>), and the errors that users report
/// (prefill from 4.6 on, <c>temperature</c> with <c>top_p</c> in 4.x).
/// </remarks>
public sealed record ClaudeRules
{
    /// <summary>Takes <c>temperature</c> up to 1, <c>top_p</c> and <c>top_k</c>. Without it they are refused unless they say what holds anyway.</summary>
    public bool Sampling { get; private init; }

    /// <summary>Takes <c>temperature</c> and <c>top_p</c> together.</summary>
    public bool TemperatureWithTopP { get; private init; }

    /// <summary>How thinking is asked for.</summary>
    public ThinkingForm Thinking { get; private init; }

    /// <summary>How thinking is kept off.</summary>
    public ThinkingOff Off { get; private init; }

    /// <summary>Thinks when <c>thinking</c> is left out.</summary>
    public bool ThinksUnasked { get; private init; }

    /// <summary>Leaves the words of its thinking out unless <c>display</c> asks for them.</summary>
    public bool HidesThinking { get; private init; }

    /// <summary>Knows the effort <c>xhigh</c>; <c>max</c> is known to all that think adaptively.</summary>
    public bool ExtraHighEffort { get; private init; }

    /// <summary>Continues an answer whose beginning is the last message.</summary>
    public bool Prefill { get; private init; }

    /// <summary>Can be made to call a tool (<c>tool_choice</c> <c>any</c> or <c>tool</c>), as long as it does not think.</summary>
    public bool ForcedTools { get; private init; }

    /// <summary>Knows <c>output_config.format</c> and a tool's <c>strict</c>.</summary>
    public bool StructuredOutput { get; private init; }

    /// <summary>The rules of those before 3.7: no thinking, every sampling parameter.</summary>
    private static readonly ClaudeRules s_third = new() { Sampling = true, TemperatureWithTopP = true, Prefill = true, ForcedTools = true };

    private static readonly ClaudeRules s_thirdThinking = s_third with { Thinking = ThinkingForm.Budget };
    private static readonly ClaudeRules s_fourth = s_thirdThinking with { TemperatureWithTopP = false };
    private static readonly ClaudeRules s_fourthFive = s_fourth with { StructuredOutput = true };
    private static readonly ClaudeRules s_fourthSix = s_fourthFive with { Thinking = ThinkingForm.Adaptive, Prefill = false };
    private static readonly ClaudeRules s_fourthSeven = s_fourthSix with { Sampling = false, HidesThinking = true, ExtraHighEffort = true };
    private static readonly ClaudeRules s_fifth = s_fourthSeven with { ThinksUnasked = true, Off = ThinkingOff.Disabled };
    private static readonly ClaudeRules s_betweenTools = s_fifth with { Off = ThinkingOff.BetweenTools, ForcedTools = false };
    private static readonly ClaudeRules s_haikuFiveFive = s_fifth with { ForcedTools = false };

    /// <summary>The rules of the newest, and of every id that is not known: what they ask for is refused by none that came later.</summary>
    public static ClaudeRules Newest { get; } = s_fifth with { Off = ThinkingOff.Never, ForcedTools = false };

    // The first prefix that fits holds, so the longer ones stand first.
    private static readonly (string Prefix, ClaudeRules Rules)[] s_families =
    [
        ("claude-instant", s_third),
        ("claude-2", s_third),
        ("claude-3-7", s_thirdThinking),
        ("claude-3", s_third),
        ("claude-opus-4-5", s_fourthFive),
        ("claude-opus-4-6", s_fourthSix),
        ("claude-opus-4-7", s_fourthSeven),
        ("claude-opus-4-8", s_fourthSeven),
        ("claude-opus-4", s_fourth), // 4-0, 4-1, 4-20250514
        ("claude-sonnet-4-5", s_fourthFive),
        ("claude-sonnet-4-6", s_fourthSix),
        ("claude-sonnet-4", s_fourth),
        ("claude-haiku-4-5", s_fourthFive),
        ("claude-opus-5-20", s_fifth), // with a date
        ("claude-opus-5-", Newest), // 5-5
        ("claude-opus-5", s_fifth),
        ("claude-sonnet-5-5", s_betweenTools),
        ("claude-sonnet-5-20", s_fifth),
        ("claude-sonnet-5-", Newest),
        ("claude-sonnet-5", s_fifth),
        ("claude-haiku-5-5", s_haikuFiveFive),
    ];

    /// <summary>The rules of a model.</summary>
    /// <param name="model">Its id as Anthropic writes it; another server's prefix (<c>anthropic/</c>, <c>us.anthropic.</c>) and dots for dashes are understood.</param>
    public static ClaudeRules Of(string model)
    {
        int name = model.LastIndexOf("claude-", StringComparison.OrdinalIgnoreCase);
        if (name < 0)
            return Newest;
        string plain = model[name..].Replace('.', '-');
        foreach ((string prefix, ClaudeRules rules) in s_families)
        {
            if (plain.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                return rules;
        }
        return Newest;
    }

    /// <summary>Of the parameters that a provider honours, those that this model does.</summary>
    public Parameters Honoured(Parameters provider) => Sampling ? provider : provider & ~(Parameters.Temperature | Parameters.TopP | Parameters.TopK);
}

/// <summary>How thinking is asked for.</summary>
public enum ThinkingForm : byte
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary><c>{"type":"enabled","budget_tokens":N}</c>; a turn that calls tools must then begin with its thinking.</summary>
    Budget,

    /// <summary><c>{"type":"adaptive"}</c> with <c>output_config.effort</c>.</summary>
    Adaptive,
}

/// <summary>How thinking is kept off.</summary>
public enum ThinkingOff : byte
{
    /// <summary>By leaving <c>thinking</c> out.</summary>
    LeftOut = 0,

    /// <summary>By <c>{"type":"disabled"}</c>.</summary>
    Disabled,

    /// <summary>By <c>{"type":"between_tools"}</c>.</summary>
    BetweenTools,

    /// <summary>It cannot be kept off.</summary>
    Never,
}
