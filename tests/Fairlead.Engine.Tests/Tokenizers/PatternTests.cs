using System.Text.RegularExpressions;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Patterns;
using Fairlead.Shared;

namespace Fairlead.Engine.Tests.Tokenizers;

/// <summary>The matcher of split patterns: Oniguruma's Ruby syntax over code points, bounded in its work.</summary>
public sealed class PatternTests
{
    [Theory]
    // sets
    [InlineData(@"\p{L}+", "𠮷野家 𝐀𝐁", "𠮷野家|𝐀𝐁")]
    [InlineData(@"[^\s\p{L}]+", "a1🙂! b", "1🙂!")]
    [InlineData(@"[a-c&&[^b]]+", "abcab", "a|ca")]
    [InlineData(@"[\p{L}&&[^\p{Han}]]+", "日a本bc", "a|bc")]
    [InlineData(@"[^(\s|[.,!?])]+", "a.b c|d(e", "a|b|c|d|e")]
    [InlineData(@"[]a]+", "a]b", "a]")]
    [InlineData(@"[a\-z]+", "a-z m", "a-z")]
    [InlineData(@"[[:digit:][:^ascii:]]+", "a1é2b", "1é2")]
    [InlineData(@"\p{^L}+", "a12b", "12")]
    [InlineData(@"\p{L&}+", "aZ\u01c5\u02b0", "aZ\u01c5")]
    [InlineData(@"\p{dash punctuation}+", "a-\u2014b", "-\u2014")]
    [InlineData(@"\p{punct}+|\p{P}+", "a!$b", "!$")]
    [InlineData(@"[a-\s]+", "b- a", "- a")]
    [InlineData(@"\P{L}+", "a12b", "12")]
    [InlineData(@"[\u4E00-\u9FA5\x{20000}-\x{2FFFF}]+", "a野𠮷b", "野𠮷")]
    [InlineData(@"\h+", "xyzBEEF", "BEEF")]
    [InlineData(@"\w+", "né_1 ⅷ-x", "né_1|ⅷ|x")]
    [InlineData(@".+", "a\nbc", "a|bc")]
    [InlineData(@"(?m:.+)", "a\nbc", "a\nbc")]
    // case
    [InlineData(@"(?i:'s|'LL)", "'S 'ſ 'll 'lL", "'S|'ſ|'ll|'lL")]
    [InlineData(@"(?i)k(?-i)k", "Kk kK kk", "Kk|kk")]
    [InlineData(@"a(?i)b|c", "aB aC C", "aB|aC")]
    [InlineData(@"(?i:[a-c]+)", "aBCd", "aBC")]
    // repetition
    [InlineData(@"\p{N}{1,3}", "12345", "123|45")]
    [InlineData(@"\p{N}{2}", "12345", "12|34")]
    [InlineData(@"a{,2}b", "aaab", "aab")]
    [InlineData(@"a{x}", "a{x}", "a{x}")]
    [InlineData(@"a+?", "aaa", "a|a|a")]
    [InlineData(@"a++a", "aaa", "")]
    [InlineData(@"a*+b", "aab", "aab")]
    [InlineData(@"(?>a+)ab", "aaab", "")]
    [InlineData(@"(ab){2,}", "ababab ab", "ababab")]
    [InlineData(@"(a|ab)(c|bcd)(d*)", "abcd", "abcd")]
    [InlineData(@"(?:a?)*b", "aab", "aab")]
    [InlineData(@"(a*)*c", "aac", "aac")]
    [InlineData(@"(?:ab??)+?c", "aababc", "aababc")]
    [InlineData(@"\p{N}{1,3}+", "1234567", "1234567")] // Ruby: a repetition repeated, not possessive
    // look-around and places
    [InlineData(@"\s+(?!\S)|\s+", "a   b  ", "  | |  ")]
    [InlineData(@"\d{1,3}(?=(?:\d{3})*\b)", "1234567", "1|234|567")]
    [InlineData(@"(?<=a)b", "ab cb", "b")]
    [InlineData(@"(?<!a|xy)b", "ab xyb cb", "b")]
    [InlineData(@"(?<=ab|c)d", "abd cd d", "d|d")]
    [InlineData(@"^b", "a\nb b", "b")]
    [InlineData(@"b$", "b\nab c", "b")]
    [InlineData(@"\Ab|b\z", "bab", "b|b")]
    [InlineData(@"\bb", "b ab", "b")]
    [InlineData(@"\Bb", "b ab", "b")]
    [InlineData(@"\R", "a\r\nb\n", "\r\n|\n")]
    [InlineData(@"(?<year>\d)(?#comment)x", "1x", "1x")]
    [InlineData(@"\[\\\]\.", @"[\].", @"[\].")]
    public void Matches_are_Oniguruma_s(string pattern, string text, string expected) =>
        Assert.Equal(expected, string.Join('|', Matches(Pattern.Parse("tokenizer.json", pattern), text)));

    [Fact]
    public void Every_way_of_writing_a_pattern_finds_what_dotnet_finds_in_ascii()
    {
        string[] patterns =
        [
            @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}]*[\p{Ll}]+(?i:'s|'t)?|[^\r\n\p{L}\p{N}]?[\p{Lu}]+[\p{Ll}]*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            "a*?b", "(?:ab|a)(?:bc)?", "(?:a|b)*c", "(?:a+b?)+", "(?=ab)a|b(?!a)", "(?<=a)b|(?<!b)a", "(?:(?:a|b){2,3}c?){1,2}", "(?>a*)b", @"\ba|b\B", "(?:a?b?)*", "(?:(?:a*)+b|c)*?a",
        ];
        var random = new Random(3);
        var wrong = new List<string>();
        foreach (string source in patterns)
        {
            Pattern ours = Pattern.Parse("tokenizer.json", source);
            var theirs = new Regex(source, RegexOptions.CultureInvariant, TimeSpan.FromMinutes(2));
            for (int round = 0; round < 400; round++)
            {
                string alphabet = round % 2 == 0 ? "abc" : "abAB 12\r\n'st.,/  ";
                string text = string.Concat(Enumerable.Range(0, random.Next(0, 30)).Select(_ => alphabet[random.Next(alphabet.Length)]));
                string[] expected = [.. theirs.Matches(text).Where(match => match.Length > 0).Select(match => $"{match.Index}:{match.Value}")];
                string[] actual = [.. Found(ours, text).Where(match => match.Text.Length > 0).Select(match => $"{match.Start}:{match.Text}")];
                if (!expected.SequenceEqual(actual))
                    wrong.Add($"{source} in '{text}': {string.Join('|', expected)} but {string.Join('|', actual)}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));
    }

    [Theory]
    [InlineData("(a+)+$")]
    [InlineData("(a|a)*b")]
    [InlineData("(a|aa)+c")]
    [InlineData("(?:(?:a*)*)*b")]
    [InlineData("(?:a*a*a*a*a*a*a*a*a*)*b")]
    [InlineData("(?=(a+)+b)a|(?<=x)(a+)+b")]
    public void A_pattern_that_would_take_for_ever_is_stopped(string source)
    {
        Pattern pattern = Pattern.Parse("tokenizer.json", source);
        TimeSpan started = ThreadTime.Now;
        var refused = Assert.Throws<ModelFileException>(() => Matches(pattern, new string('a', 5_000) + "!"));
        Assert.Contains("was stopped", refused.Message);
        Assert.InRange(ThreadTime.Now - started, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("(a", "does not close a group")]
    [InlineData("a)", "closes a group")]
    [InlineData("[a", "does not close a class")]
    [InlineData("[z-a]", "runs backwards")]
    [InlineData("*a", "repeats nothing")]
    [InlineData(@"a\", "ends with a backslash")]
    [InlineData(@"(a)\1", "\\1")]
    [InlineData(@"\X", "\\X")]
    [InlineData(@"\q", "\\q")]
    [InlineData(@"\p{Klingon}", "Klingon")]
    [InlineData(@"\p{L", "does not close a property")]
    [InlineData(@"(?x:a b)", "(?x")]
    [InlineData(@"(?(1)a|b)", "(?(")]
    [InlineData(@"(?<=a+)b", "no fixed length")]
    [InlineData(@"\x{FFFFFFFF}", "by a number")]
    [InlineData(@"\x{D800}", "by a number")]
    [InlineData("a{1000000}", "100,000")]
    [InlineData("((ab){1000}){1000}", "instructions")]
    [InlineData("(((){100000}){100000}){100000}", "repeats too much")]
    [InlineData("a+++++++++++++++++++++", "stacks")]
    public void What_is_not_understood_is_refused_by_name(string source, string reason) =>
        Assert.Contains(reason, Assert.Throws<ModelFileException>(() => Pattern.Parse("tokenizer.json", source)).Message);

    [Fact]
    public void Nesting_and_length_are_bounded()
    {
        Assert.Contains("nests", Assert.Throws<ModelFileException>(() => Pattern.Parse("t", new string('(', 50_000))).Message);
        Assert.Contains("nests", Assert.Throws<ModelFileException>(() => Pattern.Parse("t", new string('[', 50_000))).Message);
        Assert.Contains("characters long", Assert.Throws<ModelFileException>(() => Pattern.Parse("t", new string('a', 200_000))).Message);
    }

    private static string[] Matches(Pattern pattern, string text) => [.. Found(pattern, text).Select(match => match.Text)];

    private static List<(int Start, string Text)> Found(Pattern pattern, string text)
    {
        var found = new List<(int, string)>();
        Pattern.MatchFinder matches = pattern.Matches(text);
        while (matches.MoveNext())
            found.Add((matches.Start, text[matches.Start..matches.End]));
        return found;
    }
}
