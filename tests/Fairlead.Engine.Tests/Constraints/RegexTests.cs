using System.Text;
using Fairlead.Engine.Constraints;
using Fairlead.Engine.Constraints.Automata;

namespace Fairlead.Engine.Tests.Constraints;

public sealed class RegexTests
{
    [Theory]
    [InlineData("abc", "abc", null)]
    [InlineData("abc", "abd", 2)]
    [InlineData("a|bc|", "", null)]
    [InlineData("(a|b)*c", "ababc", null)]
    [InlineData("^yes$|^no$", "no", null)]
    [InlineData("a{2,3}", "aaaa", 3)]
    [InlineData("a{2}", "a", 1)]
    [InlineData("a{2,}", "aaaaaaa", null)]
    [InlineData("(?:ab){1,2}x", "ababx", null)]
    [InlineData("(?<year>\\d{4})-\\d\\d", "2026-11", null)]
    [InlineData("[a-cx-z]+", "abzyq", 4)]
    [InlineData("[^a-c]", "b", 0)]
    [InlineData("[\\]\\-^]+", "]-^", null)]
    [InlineData("[a\\-z]", "b", 0)]
    [InlineData("\\x41\\u0042\\u{43}\\ud83d\\ude00", "ABC😀", null)]
    [InlineData(".", "\n", 0)]
    [InlineData(".", "漢", null)]
    [InlineData("\\w+@\\w+\\.com", "ada@example.com", null)]
    [InlineData("\\p{L}+", "Grüße漢Ω", null)]
    [InlineData("\\P{L}", "1", null)]
    [InlineData("\\p{Lu}\\p{Ll}*", "Zürich", null)]
    [InlineData("\\p{Cased_Letter}+", "aZ\u01c5\u02b0", 5)] // the byte before begins letters with case, too
    [InlineData("\\p{Cc}\\p{Other}", "\u0007\u200d", null)]
    [InlineData("\\p{Zl}\\p{gc=Zp}", "\u2028\u2029", null)]
    [InlineData("\\p{punct}+", "!$", 1)] // $ is a symbol
    [InlineData("\\P{Cs}", "a", null)]
    [InlineData("[\\s\\S]*", "a\nb\u2028", null)]
    [InlineData("\\d", "\u0661", 0)] // Arabic-Indic one: \d is ASCII
    [InlineData("(a*)*b", "aaab", null)]
    [InlineData("(a?){50}", "aaaaaaaaaa", null)]
    [InlineData("((a{0,3}b?){0,4}c){2}", "aabcbc", null)]
    [InlineData("x*?y+?", "xxyy", null)]
    [InlineData("", "", null)]
    [InlineData("", "a", 0)]
    [InlineData("[äöü]", "ö", null)]
    [InlineData("[\u00e0-\u4e00]+", "é一", null)]
    [InlineData("[\\u{1F600}-\\u{1F64F}]{2}", "😀🙏", null)]
    public void An_expression_accepts_texts_all_of_which_it_describes(string pattern, string text, int? refusedAt) =>
        Assert.Equal(refusedAt, Reading.RefusedAt(Reading.Regex(pattern), text));

    [Theory]
    [InlineData("(?=a)b", "look-around")]
    [InlineData("(?<!a)b", "look-around")]
    [InlineData("(a)\\1", "back references")]
    [InlineData("\\k<x>", "back references")]
    [InlineData("\\bword\\b", "word borders")]
    [InlineData("a++", "possessive")]
    [InlineData("a**", "nothing to repeat")]
    [InlineData("(?>a)", "kind of group")]
    [InlineData("(?i)a", "kind of group")]
    [InlineData("*a", "nothing to repeat")]
    [InlineData("(a", "never closed")]
    [InlineData("a)", "closes nothing")]
    [InlineData("[a", "never closed")]
    [InlineData("[z-a]", "wrong order")]
    [InlineData("[\\d-z]", "not single characters")]
    [InlineData("[[:alpha:]]", "POSIX")]
    [InlineData("a{3,2}", "upper end")]
    [InlineData("a{200000}", "more than 100000 times")]
    [InlineData("a{x}", "begins no count")]
    [InlineData("\\p{Han}", "general categories")]
    [InlineData("\\p{Script=Greek}", "general categories")]
    [InlineData("\\q", "\\q")]
    [InlineData("\\", "backslash")]
    [InlineData("\\u12", "hexadecimal")]
    [InlineData("\\ud83d", "surrogate")]
    [InlineData("a^b", "in the middle")]
    [InlineData("(?:^a|b)c", "in the middle")]
    [InlineData("^*", "anchor")]
    public void What_is_malformed_or_no_regular_language_is_refused_by_name(string pattern, string reason)
    {
        ConstraintException refusal = Assert.Throws<ConstraintException>(() => GrammarCompiler.Compile(Reading.Regex(pattern)));
        Assert.Contains(reason, refusal.Message);
        Assert.NotNull(refusal.Pointer);
    }

    [Fact]
    public void Regular_expressions_agree_with_those_of_the_runtime_on_random_texts()
    {
        var random = new Random(11);
        string[] atoms = ["a", "b", "c", "[ab]", "[^b]", "ä", ".", "\\d", "(?:ab|c)", "(a|b?)", "(?:x{2,3})"];
        string[] counts = ["", "", "", "*", "+", "?", "{2}", "{1,3}"];
        string letters = "aabbcx1ä";
        int matched = 0;
        for (int round = 0; round < 400; round++)
        {
            string pattern = string.Join("", Enumerable.Range(0, random.Next(1, 5)).Select(_ => atoms[random.Next(atoms.Length)] + counts[random.Next(counts.Length)]));
            if (random.Next(3) == 0)
                pattern += "|" + atoms[random.Next(atoms.Length)] + counts[random.Next(counts.Length)];
            var reference = new System.Text.RegularExpressions.Regex($"^(?:{pattern})\\z", System.Text.RegularExpressions.RegexOptions.ECMAScript);
            var automaton = new Automaton(GrammarCompiler.Compile(Reading.Regex(pattern)));
            for (int sample = 0; sample < 60; sample++)
            {
                string text = string.Concat(Enumerable.Range(0, random.Next(0, 7)).Select(_ => letters[random.Next(letters.Length)]));
                bool expected = reference.IsMatch(text);
                matched += expected ? 1 : 0;
                Assert.True(expected == (Reading.RefusedAt(automaton, Encoding.UTF8.GetBytes(text)) is null), $"{pattern} on {text}: the runtime says {expected}");
            }
        }

        Assert.True(matched > 1_000);
    }

    [Fact]
    public void Only_whole_characters_are_accepted()
    {
        var automaton = new Automaton(GrammarCompiler.Compile(Reading.Regex("(?:.|[\\s])*")));
        foreach (byte[] bytes in (byte[][])[[0xC3], [0xE6, 0xBC], [0xF0, 0x9F, 0x98]])
            Assert.Equal(bytes.Length, Reading.RefusedAt(automaton, bytes));
        // Overlong forms, surrogates in UTF-8, beyond the last code point, a byte that begins nothing (RFC 3629 §3 and §4).
        Assert.Equal(0, Reading.RefusedAt(automaton, [0xC0, 0x80]));
        Assert.Equal(1, Reading.RefusedAt(automaton, [0xE0, 0x80, 0x80]));
        Assert.Equal(1, Reading.RefusedAt(automaton, [0xED, 0xA0, 0x80]));
        Assert.Equal(1, Reading.RefusedAt(automaton, [0xF4, 0x90, 0x80, 0x80]));
        Assert.Equal(0, Reading.RefusedAt(automaton, [0x80]));
        Assert.Equal(0, Reading.RefusedAt(automaton, [0xFF]));
    }

    [Fact]
    public void Every_character_is_accepted_by_the_set_that_holds_it_and_by_no_other()
    {
        var even = new Automaton(GrammarCompiler.Compile(Reading.Regex("[\\u0000-\\u07ff\\u2000-\\u2fff\\u{10000}-\\u{1ffff}]")));
        for (int codePoint = 0; codePoint <= 0x10FFFF; codePoint += codePoint < 0x3000 ? 1 : 37)
        {
            if (codePoint is >= 0xD800 and <= 0xDFFF)
                continue;
            bool inside = codePoint is <= 0x7FF or (>= 0x2000 and <= 0x2FFF) or (>= 0x10000 and <= 0x1FFFF);
            Assert.Equal(inside, Reading.RefusedAt(even, Encoding.UTF8.GetBytes(char.ConvertFromUtf32(codePoint))) is null);
        }
    }
}
