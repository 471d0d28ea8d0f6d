using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Engine.Constraints;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>Schemas and expressions that nobody would write: refused, or kept to; never anything else, and never for long.</summary>
[Trait("Category", Fuzz.Category)]
public sealed class ConstraintFuzz(ITestOutputHelper output)
{
    /// <summary>Longest that compiling and three answers may take, on a machine whose cores are wanted by others.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void Damaged_schemas_are_refused_or_kept_to() => Fuzzed(static random =>
    {
        SchemaCase one = SchemaCase.All[random.Next(SchemaCase.All.Count)];
        JsonNode schema = JsonNode.Parse(one.Schema)!;
        for (int times = random.Next(1, 4); times > 0; times--)
            Damage(schema, random);
        string text = schema.ToJsonString();
        return Reading.Schema(random.Next(20) == 0 ? text[..random.Next(text.Length)] : text);
    });

    [Fact]
    public void Random_expressions_are_refused_or_kept_to() => Fuzzed(static random =>
    {
        string[] pieces = ["a", "b", ".", "\\d", "\\w", "\\s", "\\S", "[a-z]", "[^x]", "(", ")", "(?:", "|", "*", "+", "?", "{2,5}", "{0,900}", "{1000}", "\\p{L}", "\\p{Lu}", "^", "$", "ä", "😀", "\\u{1F600}", "[", "]", "-", "\\", "{", "}", "(?=", "\\1"];
        var pattern = new StringBuilder();
        for (int count = random.Next(1, 25); count > 0; count--)
            pattern.Append(pieces[random.Next(pieces.Length)]);
        return random.Next(4) == 0
            ? Reading.Schema(new JsonObject { ["type"] = "string", ["pattern"] = pattern.ToString(), ["maxLength"] = random.Next(100) }.ToJsonString())
            : Reading.Regex(pattern.ToString());
    });

    private static void Damage(JsonNode schema, Random random)
    {
        List<JsonObject> objects = [];
        Collect(schema);
        if (objects.Count == 0)
            return;
        JsonObject target = objects[random.Next(objects.Count)];
        JsonObject source = objects[random.Next(objects.Count)];
        string[] keywords = ["type", "enum", "const", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "multipleOf", "items", "prefixItems", "minItems", "maxItems", "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties", "anyOf", "oneOf", "allOf", "not", "$ref"];
        string keyword = keywords[random.Next(keywords.Length)];
        switch (random.Next(4))
        {
            case 0 when target.Count > 0:
                target.Remove(target.ElementAt(random.Next(target.Count)).Key);
                break;
            case 1 when source.Count > 0:
                KeyValuePair<string, JsonNode?> copied = source.ElementAt(random.Next(source.Count));
                target[copied.Key] = copied.Value?.DeepClone();
                break;
            case 2:
                target[keyword] = new JsonArray(source.DeepClone(), target.DeepClone());
                break;
            default:
                target[keyword] = random.Next(9) switch
                {
                    0 => -1, 1 => random.Next(200), 2 => 1e30, 3 => "#", 4 => "string", 5 => true, 6 => null, 7 => new JsonArray("a", 1, null), _ => source.DeepClone(),
                };
                break;
        }

        void Collect(JsonNode? node)
        {
            if (node is JsonObject o)
                objects.Add(o);
            foreach (JsonNode? child in node switch { JsonObject ob => ob.Select(static member => member.Value), JsonArray array => array, _ => [] })
                Collect(child);
        }
    }

    private void Fuzzed(Func<Random, ConstraintSpec> make)
    {
        TokenTrie trie = Vocabularies.Small;
        var compiler = new ConstraintCompiler(trie);
        int kept = 0;
        int refused = 0;
        int endless = 0;
        TimeSpan longest = default;
        ConstraintSpec? slowest = null;
        foreach (int round in Fuzz.Rounds(20))
        {
            int seed = Fuzz.Seed + round;
            var random = new Random(seed);
            ConstraintSpec spec = make(random);
            TimeSpan before = ThreadTime.Now;
            try
            {
                TokenConstraint constraint = compiler.Start(spec);
                // A model that answers for long: what counts is that every place offers something.
                ulong[] mask = new ulong[trie.MaskLength];
                int tokens = 0;
                for (; tokens < 60 && !constraint.MustEnd; tokens++)
                {
                    constraint.Allowed(mask);
                    int token = Enumerable.Range(0, trie.VocabularySize).Skip(random.Next(trie.VocabularySize)).FirstOrDefault(at => (mask[at >> 6] >> (at & 63) & 1) != 0, -1);
                    if (token < 0)
                        token = Enumerable.Range(0, trie.VocabularySize).First(at => (mask[at >> 6] >> (at & 63) & 1) != 0);
                    Assert.True(constraint.TryAccept(token));
                }

                kept++;
                endless += tokens == 60 ? 1 : 0;
            }
            catch (ConstraintException)
            {
                refused++;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"FAIRLEAD_FUZZ_SEED={seed}: {spec}: {e.Message}", e);
            }

            TimeSpan took = ThreadTime.Now - before;
            if (took > longest)
                (longest, slowest) = (took, spec);
            Assert.True(took < Patience, $"FAIRLEAD_FUZZ_SEED={seed}: {spec} took {took}");
        }

        output.WriteLine($"{kept} kept ({endless} still going after 60 tokens), {refused} refused, longest {longest.TotalMilliseconds:F0} ms ({slowest}), {GC.GetTotalMemory(false) >> 20} MiB");
        Assert.True(kept > 0 && refused > 0);
    }
}
