using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers;
using Fairlead.Engine.Tokenizers.Models;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>The four models on cases worked by hand, and on random ones against the plainest way to compute them.</summary>
public sealed class ModelTests
{
    [Theory]
    [InlineData(false, "c", "0:0-1")]
    [InlineData(false, "cc", "0:0-1 0:1-2")]
    [InlineData(false, "accb", "1:0-1 0:1-2 0:2-3 2:3-4")]
    [InlineData(true, "cc", "0:0-2")]
    [InlineData(true, "accb", "1:0-1 0:1-3 2:3-4")]
    public void Unknown_characters_are_one_token_each_or_one_together(bool fuse, string text, string expected) =>
        Assert.Equal(expected, Tokens(Bpe(["<unk>", "a", "b"], [], new BpeSettings(UnknownToken: 0, FuseUnknown: fuse)), text));

    [Fact]
    public void Bytes_stand_in_for_unknown_characters_only_if_all_are_there()
    {
        BpeModel model = Bpe(["<unk>", "<0xC3>", "<0xA9>", "x"], [], new BpeSettings(UnknownToken: 0, ByteFallback: true));
        Assert.Equal("1:0-1 2:0-1 3:1-2", Tokens(model, "éx"));
        Assert.Equal("0:0-1 3:1-2", Tokens(model, "èx"));
    }

    [Fact]
    public void A_prefix_and_a_suffix_are_part_of_the_symbols()
    {
        BpeModel prefixed = Bpe(["a", "##b", "##c", "ab", "abc"], [("a", "##b"), ("ab", "##c")], new BpeSettings(ContinuingPrefix: "##"));
        Assert.Equal("4:0-3", Tokens(prefixed, "abc"));
        BpeModel suffixed = Bpe(["a", "b", "b</w>", "ab</w>", "a</w>"], [("a", "b</w>")], new BpeSettings(WordSuffix: "</w>"));
        Assert.Equal("0:0-1 3:1-3", Tokens(suffixed, "aab"));
        Assert.Equal("1:0-1 4:1-2", Tokens(suffixed, "ba"));
    }

    [Fact]
    public void A_word_that_is_a_token_may_be_taken_whatever_the_merges_say()
    {
        string[] tokens = ["a", "b", "c", "ab", "abc"];
        Assert.Equal("4:0-3", Tokens(Bpe(tokens, [("a", "b")], new BpeSettings(IgnoreMerges: true)), "abc"));
        Assert.Equal("3:0-2 2:2-3", Tokens(Bpe(tokens, [("a", "b")], new BpeSettings()), "abc"));
    }

    [Fact]
    public void Merging_by_looking_by_heap_and_in_cut_pieces_is_merging_by_the_book()
    {
        var random = new Random(11);
        for (int round = 0; round < 60; round++)
        {
            // A vocabulary that grew by random merges, as training makes it.
            string letters = "abcde"[..random.Next(2, 6)];
            List<string> tokens = [.. letters.Select(letter => letter.ToString())];
            var merges = new List<(string, string)>();
            for (int i = random.Next(1, 40); i > 0; i--)
            {
                (string left, string right) = (tokens[random.Next(tokens.Count)], tokens[random.Next(tokens.Count)]);
                if (left.Length + right.Length > 12 || tokens.Contains(left + right))
                    continue;
                merges.Add((left, right));
                tokens.Add(left + right);
            }

            BpeModel model = Bpe([.. tokens], merges, new BpeSettings());
            foreach (int length in (ReadOnlySpan<int>)[1, 2, 10, 40, 48, 49, 64, 65, 200, 700])
            {
                string text = string.Concat(Enumerable.Range(0, length).Select(_ => letters[random.Next(letters.Length)]));
                Assert.Equal(ByTheBook(text, merges), Tokenize(model, text).Select(token => model.Vocabulary.TextOf(token.Id)!));
                Assert.Equal(text.Length, Tokenize(model, text).Sum(token => token.End - token.Start));
            }
        }
    }

    [Fact]
    public void Scores_merge_the_highest_first_and_the_leftmost_of_equals()
    {
        string[] tokens = ["a", "b", "ab", "ba", "aba"];
        Vocabulary vocabulary = Words(tokens);
        var model = new BpeModel(vocabulary, BpeMerges.FromScores("f", vocabulary, [0, 0, -1, -1, -2], _ => true), new BpeSettings());
        Assert.Equal("4:0-3", Tokens(model, "aba"));
        Assert.Equal("3:0-2 3:2-4", Tokens(model, "baba"));
    }

    [Fact]
    public void A_character_that_only_merges_know_is_found_in_them_or_becomes_bytes()
    {
        Vocabulary vocabulary = Words(["a", "éa", "<0xC3>", "<0xA9>"]);
        var model = new BpeModel(vocabulary, BpeMerges.FromScores("f", vocabulary, [0, -1, 0, 0], id => id < 2), new BpeSettings(ByteFallback: true));
        Assert.Equal("1:0-2", Tokens(model, "éa"));
        Assert.Equal("0:0-1 2:1-2 3:1-2", Tokens(model, "aé"));
    }

    [Fact]
    public void The_best_way_to_cut_a_word_is_the_best_of_all_ways()
    {
        var random = new Random(23);
        for (int round = 0; round < 200; round++)
        {
            string[] tokens = ["<unk>", .. Enumerable.Range(0, random.Next(2, 14)).Select(_ => Letters(random, random.Next(1, 5))).Distinct()];
            double[] scores = [.. tokens.Select(_ => -random.NextDouble() * 10)];
            Vocabulary vocabulary = Words(tokens);
            var model = new UnigramModel("f", vocabulary, scores, 0, byteFallback: false);
            string text = Letters(random, random.Next(1, 11));
            double unknown = scores.Min() - 10;
            double best = Best(text, vocabulary, scores, unknown, []);
            // fused unknown tokens count once for each character
            double found = Tokenize(model, text).Sum(token => token.Id == 0 ? unknown * (token.End - token.Start) : scores[token.Id]);
            Assert.Equal(best, found, 9);
        }
    }

    [Fact]
    public void Unknown_text_of_a_Unigram_model_is_one_token_or_its_bytes()
    {
        Vocabulary vocabulary = Words(["<unk>", "a", "<0xC3>", "<0xA9>", "<0xA8>"]);
        Assert.Equal("1:0-1 0:1-3 1:3-4", Tokens(new UnigramModel("f", vocabulary, [0, -1, 0, 0, 0], 0, byteFallback: false), "aéèa"));
        Assert.Equal("1:0-1 2:1-3 3:1-3 2:1-3 4:1-3", Tokens(new UnigramModel("f", vocabulary, [0, -1, 0, 0, 0], 0, byteFallback: true), "aéè"));
        Assert.Contains("unk_id", Assert.Throws<ModelFileException>(() => Tokens(new UnigramModel("f", vocabulary, [0, -1, 0, 0, 0], -1, byteFallback: false), "é")).Message);
    }

    [Fact]
    public void A_word_of_WordPiece_is_known_from_end_to_end_or_not_at_all()
    {
        var model = new WordPieceModel("f", Words(["[UNK]", "un", "##aff", "##able", "##affa"]), "[UNK]", "##", 10);
        Assert.Equal("1:0-2 2:2-5", Tokens(model, "unaff"));
        Assert.Equal("1:0-2 3:2-6", Tokens(model, "unable"));
        Assert.Equal("0:0-9", Tokens(model, "unaffable")); // ##affa is longer than ##aff, and nothing goes on with ble
        Assert.Equal("0:0-11", Tokens(model, "ununununuun"));
    }

    [Fact]
    public void A_model_whose_unknown_token_is_missing_is_refused()
    {
        Assert.Contains("unk_token", Assert.Throws<ModelFileException>(() => new WordPieceModel("f", Words(["a"]), "[UNK]", "##", 100)).Message);
        Assert.Contains("unk_token", Assert.Throws<ModelFileException>(() => new WordLevelModel("f", Words(["a"]), "<unk>")).Message);
    }

    private static string Letters(Random random, int count) => string.Concat(Enumerable.Range(0, count).Select(_ => "abc"[random.Next(3)]));

    private static double Best(string text, Vocabulary vocabulary, double[] scores, double unknown, Dictionary<string, double> known)
    {
        if (text.Length == 0)
            return 0;
        if (known.TryGetValue(text, out double best))
            return best;
        best = double.NegativeInfinity;
        for (int length = 1; length <= text.Length; length++)
        {
            double? score = vocabulary.TryGet(text.AsSpan(0, length), out int id) ? scores[id] : length == 1 ? unknown : null;
            if (score is { } here)
                best = Math.Max(best, here + Best(text[length..], vocabulary, scores, unknown, known));
        }

        return known[text] = best;
    }

    // Sennrich's algorithm as it is told: merge by merge from the first, each wherever it fits from the left.
    private static List<string> ByTheBook(string text, List<(string Left, string Right)> merges)
    {
        List<string> symbols = [.. text.Select(letter => letter.ToString())];
        while (true)
        {
            int best = -1, rank = int.MaxValue;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int found = merges.IndexOf((symbols[i], symbols[i + 1]));
                if (found >= 0 && found < rank)
                    (best, rank) = (i, found);
            }

            if (best < 0)
                return symbols;
            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }
    }

    private static Vocabulary Words(string[] tokens)
    {
        var vocabulary = new Vocabulary("f", tokens.Length);
        for (int id = 0; id < tokens.Length; id++)
            vocabulary.Add(tokens[id], id);
        return vocabulary;
    }

    private static BpeModel Bpe(string[] tokens, List<(string, string)> merges, BpeSettings settings)
    {
        Vocabulary vocabulary = Words(tokens);
        return new BpeModel(vocabulary, BpeMerges.FromList("f", vocabulary, merges, settings.ContinuingPrefix), settings);
    }

    private static List<ModelToken> Tokenize(TokenModel model, string text)
    {
        var tokens = new List<ModelToken>();
        model.Tokenize(text, tokens);
        var again = new List<ModelToken>();
        model.Tokenize(text, again); // now it may be remembered
        Assert.Equal(tokens, again);
        return tokens;
    }

    private static string Tokens(TokenModel model, string text) => string.Join(' ', Tokenize(model, text).Select(token => $"{token.Id}:{token.Start}-{token.End}"));
}
