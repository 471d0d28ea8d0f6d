using System.Text;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Constraints.Automata;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>Given texts against the schemas of <c>tests/data/schemas.json</c>, byte by byte.</summary>
public sealed class SchemaTextTests(ITestOutputHelper output)
{
    [Fact]
    public void Valid_texts_are_accepted_and_invalid_ones_refused_at_the_byte_that_makes_them_so()
    {
        var wrong = new List<string>();
        int texts = 0;
        (long Effort, string Name) most = default;
        foreach (SchemaCase one in SchemaCase.All)
        {
            try
            {
                var automaton = new Automaton(GrammarCompiler.Compile(Reading.Schema(one.Schema)));
                if (automaton.Effort > most.Effort)
                    most = (automaton.Effort, one.Name);
                foreach (string text in one.Valid)
                {
                    texts++;
                    if (Reading.RefusedAt(automaton, Encoding.UTF8.GetBytes(text)) is { } at)
                        wrong.Add($"{one.Name}: {text} is valid and was refused at byte {at}");
                }

                foreach ((string text, int at) in one.Invalid)
                {
                    texts++;
                    int? refused = Reading.RefusedAt(automaton, Encoding.UTF8.GetBytes(text));
                    if (refused != at)
                        wrong.Add($"{one.Name}: {text} should be refused at byte {at}, was {refused?.ToString() ?? "accepted"}");
                }
            }
            catch (ConstraintException refusal)
            {
                wrong.Add($"{one.Name}: {refusal.Message}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        output.WriteLine($"{texts} texts; the most effort to compile: {most}");
        Assert.True(SchemaCase.All.Count >= 200 && texts >= 500);
    }
}
