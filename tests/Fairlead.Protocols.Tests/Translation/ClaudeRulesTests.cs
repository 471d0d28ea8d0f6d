using Fairlead.Domain.Inference;
using Fairlead.Protocols.Anthropic;

namespace Fairlead.Protocols.Tests.Translation;

/// <summary>Which rules a model's id stands for.</summary>
public sealed class ClaudeRulesTests
{
    [Theory]
    [InlineData("claude-3-haiku-20240307", true, ThinkingForm.None, true)]
    [InlineData("claude-3-7-sonnet-20250219", true, ThinkingForm.Budget, true)]
    [InlineData("claude-opus-4-20250514", true, ThinkingForm.Budget, true)]
    [InlineData("claude-opus-4-1-20250805", true, ThinkingForm.Budget, true)]
    [InlineData("claude-haiku-4-5", true, ThinkingForm.Budget, true)]
    [InlineData("claude-sonnet-4-6", true, ThinkingForm.Adaptive, false)]
    [InlineData("claude-opus-4-7", false, ThinkingForm.Adaptive, false)]
    [InlineData("claude-opus-5", false, ThinkingForm.Adaptive, false)]
    [InlineData("claude-fable-5-2", false, ThinkingForm.Adaptive, false)]
    [InlineData("anthropic/claude-haiku-4.5", true, ThinkingForm.Budget, true)]
    [InlineData("us.anthropic.claude-sonnet-4-5-20250929-v1:0", true, ThinkingForm.Budget, true)]
    [InlineData("claude-opus-4@20250514", true, ThinkingForm.Budget, true)]
    [InlineData("claude-of-tomorrow", false, ThinkingForm.Adaptive, false)]
    [InlineData("something-else", false, ThinkingForm.Adaptive, false)]
    public void A_family_has_its_rules(string model, bool sampling, ThinkingForm thinking, bool prefill)
    {
        ClaudeRules rules = ClaudeRules.Of(model);

        Assert.Equal((sampling, thinking, prefill), (rules.Sampling, rules.Thinking, rules.Prefill));
    }

    [Fact]
    public void What_is_not_known_gets_the_newest_rules() => Assert.Same(ClaudeRules.Newest, ClaudeRules.Of("claude-of-tomorrow"));

    [Fact]
    public void Who_has_no_sampling_honours_none_of_its_parameters()
    {
        const Parameters All = Parameters.Temperature | Parameters.TopP | Parameters.TopK | Parameters.Tools;

        Assert.Equal(All, ClaudeRules.Of("claude-opus-4-6").Honoured(All));
        Assert.Equal(Parameters.Tools, ClaudeRules.Of("claude-opus-4-7").Honoured(All));
    }
}
