using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Engine.Constraints;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>Whatever a model says under a schema is valid: read by System.Text.Json and judged by a validator that is not ours (ajv).</summary>
public sealed class SchemaAnswerTests(ITestOutputHelper output)
{
    private static readonly int[] Lengths = [0, 12, 60];

    [Fact]
    public async Task Random_answers_under_every_schema_are_valid_to_an_independent_validator()
    {
        TokenTrie trie = Vocabularies.Small;
        var compiler = new ConstraintCompiler(trie);
        var batch = new JsonArray();
        int answers = 0;
        int characters = 0;
        (long Left, string Name) leastEffort = (long.MaxValue, "");
        long started = Stopwatch.GetTimestamp();
        for (int place = 0; place < SchemaCase.All.Count; place++)
        {
            SchemaCase one = SchemaCase.All[place];
            var texts = new JsonArray();
            for (int seed = 0; seed < Lengths.Length * 2; seed++)
            {
                TokenConstraint constraint = compiler.Start(Reading.Schema(one.Schema));
                string text;
                try
                {
                    text = Answers.Random(constraint, trie, new Random((place * 100) + seed), Lengths[seed % Lengths.Length]);
                    JsonDocument.Parse(text).Dispose();
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"{one.Name}, seed {seed}: {e.Message}", e);
                }

                if (constraint.EffortLeft < leastEffort.Left)
                    leastEffort = (constraint.EffortLeft, one.Name);
                texts.Add(text);
                answers++;
                characters += text.Length;
            }

            foreach (string text in one.Valid)
                texts.Add(text);
            batch.Add(new JsonObject { ["name"] = one.Name, ["draft"] = one.Draft, ["schema"] = JsonNode.Parse(one.Schema), ["answers"] = texts });
        }

        output.WriteLine($"{answers} answers, {characters} characters, at least {leastEffort} of the effort left, {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s");
        string verdict = await IndependentValidator.JudgeAsync(batch.ToJsonString(), TestContext.Current.CancellationToken);
        Assert.Equal($"{batch.Sum(static one => one!["answers"]!.AsArray().Count)} valid", verdict);
    }
}
