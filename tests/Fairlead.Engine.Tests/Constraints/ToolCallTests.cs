using Fairlead.Engine.Constraints;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>Constraints put together from pieces, as tool calls are.</summary>
public sealed class ToolCallTests
{
    private static readonly ConstraintSpec Call = new ConstraintSpec.Sequence(
    [
        new ConstraintSpec.Literal("<tool_call>\n"),
        new ConstraintSpec.OneOf(
        [
            Reading.Schema("""{"type":"object","properties":{"name":{"const":"weather"},"arguments":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}},"required":["name","arguments"],"additionalProperties":false}"""),
            Reading.Schema("""{"type":"object","properties":{"name":{"const":"time"},"arguments":{"type":"object","additionalProperties":false}},"required":["name","arguments"],"additionalProperties":false}"""),
        ]),
        new ConstraintSpec.Literal("\n</tool_call>"),
    ]);

    [Theory]
    [InlineData("<tool_call>\n{\"name\":\"time\",\"arguments\":{}}\n</tool_call>", null)]
    [InlineData("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>\n<tool_call>\n{\"name\":\"time\",\"arguments\":{}}\n</tool_call>", null)]
    [InlineData("<tool_call>\n{\"name\":\"time\",\"arguments\":{\"city\"", 40)]
    [InlineData("<tool_call>\n{\"name\":\"ti\"", 23)]
    [InlineData("Well", 0)]
    public void One_of_several_functions_is_called_one_or_several_times(string text, int? refusedAt) =>
        Assert.Equal(refusedAt, Reading.RefusedAt(new ConstraintSpec.Repeat(Call, 1, null, "\n"), text));

    [Theory]
    [InlineData("Just text, and < and <tool are fine", null)]
    [InlineData("", null)]
    [InlineData("Let me see. <tool_call>\n{\"name\":\"time\",\"arguments\":{}}\n</tool_call>", null)]
    [InlineData("Let me see. <tool_call> \n", 23)]
    [InlineData("Let me see. <tool_call>\n{\"name\":\"time\",\"arguments\":{}}\n</tool_call> and so on", 67)]
    public void Text_may_come_before_a_call_and_the_mark_of_a_call_means_one(string text, int? refusedAt) =>
        Assert.Equal(refusedAt, Reading.RefusedAt(
            new ConstraintSpec.Sequence([new ConstraintSpec.TextWithout("<tool_call>"), new ConstraintSpec.Repeat(Call, 0, 1)]), text));

    [Fact]
    public void A_special_token_comes_where_it_is_asked_for_and_nowhere_else()
    {
        TokenTrie trie = Vocabularies.Small;
        int special = Vocabularies.SpecialToken(trie);
        var compiler = new ConstraintCompiler(trie);
        TokenConstraint constraint = compiler.Start(new ConstraintSpec.Sequence(
            [new ConstraintSpec.TextWithout("\n"), new ConstraintSpec.SpecialToken("<|call|>"), new ConstraintSpec.JsonObject()]));
        ulong[] mask = new ulong[trie.MaskLength];
        constraint.Allowed(mask);
        Assert.True((mask[special >> 6] >> (special & 63) & 1) != 0);
        Assert.False(constraint.MayEnd);
        foreach (int token in Vocabularies.Tokens(trie, "ok <|call|>"))
            Assert.True(constraint.TryAccept(token));
        Assert.True(constraint.TryAccept(special));
        Assert.False(constraint.TryAccept(special));
        foreach (int token in Vocabularies.Tokens(trie, "{\"a\":1}"))
            Assert.True(constraint.TryAccept(token));
        Assert.True(constraint.MustEnd);

        TokenConstraint text = compiler.Start(new ConstraintSpec.JsonObject());
        Assert.False(text.TryAccept(special));
    }

    [Fact]
    public void The_same_constraint_asked_for_again_is_not_compiled_again_and_any_number_of_them_stays_bounded()
    {
        var compiler = new ConstraintCompiler(Vocabularies.Small);
        for (int at = 0; at < 300; at++)
            compiler.Start(Reading.Schema($$"""{"type":"string","maxLength":{{at % 150}}}"""));
        Assert.Equal(ConstraintCompiler.MaxKept, compiler.Kept);
        Assert.Equal(300, compiler.Compiled);
        compiler.Start(Reading.Schema("""{"type":"string","maxLength":149}"""));
        Assert.Equal(300, compiler.Compiled);
        // Equal pieces in another grouping are another constraint.
        Assert.NotEqual(
            new ConstraintSpec.Sequence([new ConstraintSpec.Literal("ab"), new ConstraintSpec.Literal("c")]).Key,
            new ConstraintSpec.Sequence([new ConstraintSpec.Literal("a"), new ConstraintSpec.Literal("bc")]).Key);
    }
}
