using System.Diagnostics;
using Fairlead.Engine.Constraints;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>Masks: what the walk over the trie, the kept masks and the forgotten counts make must be what each token alone says.</summary>
public sealed class MaskTests(ITestOutputHelper output)
{
    [Fact]
    public void A_mask_allows_exactly_the_tokens_that_are_accepted_one_by_one()
    {
        TokenTrie trie = Vocabularies.Small;
        var compiler = new ConstraintCompiler(trie);
        int masks = 0;
        for (int place = 0; place < SchemaCase.All.Count; place++)
        {
            TokenConstraint constraint = compiler.Start(Reading.Schema(SchemaCase.All[place].Schema));
            Answers.Random(constraint, trie, new Random(place), 20, (at, mask) =>
            {
                masks++;
                Same(trie, at, mask, SchemaCase.All[place].Name);
            });
        }

        Assert.True(masks > 4_000);
        output.WriteLine($"{masks} masks of {trie.VocabularySize} tokens");
    }

    [Theory]
    [InlineData("""{"type":"string","maxLength":300}""")]
    [InlineData("""{"type":"string","minLength":40,"maxLength":60}""")]
    [InlineData("""{"type":"array","items":{"type":"string","minLength":30,"maxLength":45}}""")]
    [InlineData("""{"anyOf":[{"type":"string","minLength":100},{"type":"string","maxLength":50}]}""")]
    public void A_count_that_masks_forget_is_still_kept_to_the_character(string schema)
    {
        TokenTrie trie = Vocabularies.Large;
        var compiler = new ConstraintCompiler(trie);
        for (int seed = 0; seed < 3; seed++)
        {
            int place = 0;
            Answers.Random(compiler.Start(Reading.Schema(schema)), trie, new Random(seed), 60, (at, mask) =>
            {
                // Every third place: 128,256 tokens one by one take their time.
                if (place++ % 3 == 0)
                    Same(trie, at, mask, schema);
            });
        }
    }

    [Fact]
    public void Masks_of_a_large_vocabulary_are_those_of_its_tokens()
    {
        TokenTrie trie = Vocabularies.Large;
        var compiler = new ConstraintCompiler(trie);
        foreach (string name in (string[])["Pydantic model", "tool: SQL", "additional properties with schema", "format email", "JSON value"])
        {
            int place = 0;
            TokenConstraint constraint = compiler.Start(Reading.Schema(SchemaCase.All.Single(one => one.Name == name).Schema));
            Answers.Random(constraint, trie, new Random(7), 40, (at, mask) =>
            {
                if (place++ % 4 == 0)
                    Same(trie, at, mask, name);
            });
        }
    }

    [Fact]
    public void An_automaton_that_has_grown_large_makes_way_and_the_answer_goes_on()
    {
        TokenTrie trie = Vocabularies.Large;
        // Every remainder is a state of its own, every digit of every token leads to another.
        ConstraintSpec spec = Reading.Schema("""{"type":"array","items":{"type":"integer","multipleOf":4093,"minimum":0},"minItems":40}""");
        TokenConstraint constraint = new ConstraintCompiler(trie).Start(spec);
        TokenConstraint other = constraint.Fork();
        string text = Answers.Random(constraint, trie, new Random(3), 300, (at, _) => Assert.True(at.StatesHeld < 262_144));
        using var read = System.Text.Json.JsonDocument.Parse(text);
        Assert.All(read.RootElement.EnumerateArray(), static item => Assert.Equal(0, item.GetInt64() % 4_093));
        Assert.True(constraint.HasMoved);
        foreach (int token in Vocabularies.Tokens(trie, text))
            Assert.True(other.TryAccept(token));
        Assert.True(other.MustEnd);
    }

    [Fact]
    public void Moving_to_another_automaton_at_nearly_every_token_changes_no_answer()
    {
        TokenTrie trie = Vocabularies.Small;
        var still = new ConstraintCompiler(trie);
        var moving = new ConstraintCompiler(trie) { Growth = 3 };
        int moved = 0;
        for (int place = 0; place < SchemaCase.All.Count; place += 3)
        {
            ConstraintSpec spec = Reading.Schema(SchemaCase.All[place].Schema);
            TokenConstraint one = moving.Start(spec);
            string text = Answers.Random(still.Start(spec), trie, new Random(place), 25);
            Assert.Equal(text, Answers.Random(one, trie, new Random(place), 25));
            moved += one.HasMoved ? 1 : 0;
        }

        Assert.True(moved > 40);
    }

    [Fact]
    public void A_place_where_only_one_token_may_come_is_known()
    {
        var trie = new TokenTrie(4, static token => token switch { 0 => "tr"u8.ToArray(), 1 => "ue"u8.ToArray(), 2 => "false"u8.ToArray(), _ => default }, null, 3);
        TokenConstraint constraint = new ConstraintCompiler(trie).Start(new ConstraintSpec.OneOf([new ConstraintSpec.Literal("true"), new ConstraintSpec.Literal("false")]));
        ulong[] mask = new ulong[trie.MaskLength];
        Assert.False(constraint.TryForced(mask, out _));
        Assert.Equal(0b101UL, mask[0]);
        Assert.True(constraint.TryAccept(0));
        Assert.True(constraint.TryForced(mask, out int token));
        Assert.Equal(1, token);
        Assert.True(constraint.TryAccept(1));
        Assert.True(constraint.MustEnd && constraint.MayEnd);
        Assert.True(constraint.TryForced(mask, out token));
        Assert.Equal(3, token);
        Assert.True(constraint.TryAccept(3));
        Assert.False(constraint.TryAccept(3));
        constraint.Allowed(mask);
        Assert.Equal(0UL, mask[0]);
    }

    [Fact]
    public void Two_tokens_of_the_same_bytes_are_both_allowed()
    {
        var trie = new TokenTrie(3, static token => token < 2 ? "x"u8.ToArray() : default, null, 2);
        TokenConstraint constraint = new ConstraintCompiler(trie).Start(Reading.Regex("x*"));
        ulong[] mask = new ulong[1];
        constraint.Allowed(mask);
        Assert.Equal(0b111UL, mask[0]);
    }

    [Fact]
    public void A_fork_goes_its_own_way()
    {
        TokenTrie trie = Vocabularies.Small;
        TokenConstraint one = new ConstraintCompiler(trie).Start(Reading.Regex("a|b"));
        TokenConstraint other = one.Fork();
        Assert.True(one.TryAccept('a'));
        Assert.True(other.TryAccept('b'));
        Assert.False(one.TryAccept('b'));
        Assert.True(one.MustEnd && other.MustEnd);
    }

    [Fact]
    public void Masks_allocate_nothing_once_their_states_are_known()
    {
        TokenTrie trie = Vocabularies.Small;
        var compiler = new ConstraintCompiler(trie);
        ConstraintSpec spec = Reading.Schema("""{"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer","minimum":3,"maximum":80}},"required":["name","n"]}""");
        List<int> tokens = Vocabularies.Tokens(trie, """{"name": "an inquiry of words", "n": 17}""");
        ulong[] mask = new ulong[trie.MaskLength];
        // One for each round, the first two of which learn the states.
        TokenConstraint[] constraints = [.. Enumerable.Range(0, 2 + Allocation.Rounds).Select(_ => compiler.Start(spec))];
        int round = 0;
        Go();
        Go();
        Assert.Equal(0, Allocation.Of(Go));

        void Go()
        {
            TokenConstraint constraint = constraints[round++];
            foreach (int token in tokens)
            {
                constraint.Allowed(mask);
                Assert.True(constraint.TryAccept(token));
            }
        }
    }

    [Fact]
    public void Half_of_the_masks_of_128k_tokens_take_less_than_a_millisecond_on_any_machine()
    {
        long started = Stopwatch.GetTimestamp();
        TokenTrie trie = Vocabularies.Make(128_256);
        output.WriteLine($"vocabulary and trie: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F0} ms, {trie.Nodes.Length} nodes");
        var compiler = new ConstraintCompiler(trie);
        ulong[] mask = new ulong[trie.MaskLength];
        TokenConstraint text = compiler.Start(Reading.Schema("""{"type":"string"}"""));
        Assert.True(text.TryAccept('"'));
        started = Stopwatch.GetTimestamp();
        text.Allowed(mask);
        output.WriteLine($"the first inside of a string: {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F1} ms");
        double slowest = 0;
        foreach (string name in (string[])["Pydantic model", "tool: SQL", "linked list", "maxLength", "format date-time", "any object"])
        {
            ConstraintSpec spec = Reading.Schema(SchemaCase.All.Single(one => one.Name == name).Schema);
            List<double> times = [];
            started = Stopwatch.GetTimestamp();
            compiler.Start(spec);
            double compile = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            for (int seed = 0; seed < 6; seed++)
            {
                times.Clear();
                TokenConstraint constraint = compiler.Start(spec);
                // The same three answers twice: the second time everything is known.
                Answers.Random(constraint, trie, new Random(seed % 3), 40, (at, _) =>
                {
                    // Of this thread alone, and the best of three: the machine has other things to do as well.
                    double best = double.MaxValue;
                    for (int again = 0; again < 3; again++)
                    {
                        best = Math.Min(best, ThreadTime.Of(() => at.Allowed(mask)).TotalMicroseconds);
                    }

                    times.Add(best);
                });
            }

            times.Sort();
            slowest = Math.Max(slowest, times[times.Count / 2]);
            output.WriteLine($"{name}: compiled in {compile:F1} ms, mask mean {times.Average():F0} µs, median {times[times.Count / 2]:F0} µs, worst {times[^1]:F0} µs");
        }

        Assert.True(slowest < 1_000, $"half of the masks of one schema took more than {slowest:F0} µs");
    }

    private static void Same(TokenTrie trie, TokenConstraint constraint, ulong[] mask, string what)
    {
        for (int token = 0; token < trie.VocabularySize; token++)
        {
            bool inMask = (mask[token >> 6] >> (token & 63) & 1) != 0;
            if (inMask != constraint.Accepts(token))
                Assert.Fail($"{what}: token {token} ({Convert.ToHexString(trie.BytesOf(token))}) is {(inMask ? "" : "not ")}in the mask");
        }
    }
}
