using System.Text;
using Fairlead.Engine.Constraints;

namespace Fairlead.Engine.Tests.Constraints;

/// <summary>Vocabularies made up like real ones: all bytes, the punctuation of JSON in the pieces that merges make of it, words with and without a space, numbers, pieces that cut characters.</summary>
internal static class Vocabularies
{
    private static readonly Lazy<TokenTrie> SmallTrie = new(static () => Make(2_048));
    private static readonly Lazy<TokenTrie> LargeTrie = new(static () => Make(128_256));

    /// <summary>2,048 tokens, as the model that ships.</summary>
    public static TokenTrie Small => SmallTrie.Value;

    /// <summary>128,256 tokens, as Llama 3.</summary>
    public static TokenTrie Large => LargeTrie.Value;

    /// <summary>The token that ends an answer: the last.</summary>
    public static int EndToken(TokenTrie trie) => trie.VocabularySize - 1;

    /// <summary>The special token <c>&lt;|call|&gt;</c>: the last but one.</summary>
    public static int SpecialToken(TokenTrie trie) => trie.VocabularySize - 2;

    /// <summary>The tokens of <paramref name="text"/>, each the longest that fits.</summary>
    public static List<int> Tokens(TokenTrie trie, string text)
    {
        var tokens = new List<int>();
        for (ReadOnlySpan<byte> rest = Encoding.UTF8.GetBytes(text); !rest.IsEmpty;)
        {
            int longest = -1;
            for (int at = 1; at < trie.Nodes.Length;)
            {
                TokenTrieNode node = trie.Nodes[at];
                if (node.Depth > rest.Length || rest[node.Depth - 1] != node.Label)
                {
                    at = node.End;
                    continue;
                }

                longest = node.Token >= 0 ? node.Token : longest;
                at++;
            }

            tokens.Add(longest);
            rest = rest[trie.BytesOf(longest).Length..];
        }

        return tokens;
    }

    public static TokenTrie Make(int size)
    {
        List<byte[]> tokens = Pieces(size - 2);
        return new TokenTrie(size, token => token < tokens.Count ? tokens[token] : default, token => token == size - 2 ? "<|call|>" : null, size - 1);
    }

    private static List<byte[]> Pieces(int count)
    {
        var random = new Random(20_261);
        var pieces = new List<byte[]>();
        var known = new HashSet<string>();
        for (int value = 0; value < 256; value++)
            Add([(byte)value]);
        foreach (string text in (string[])
            ["{\"", "\"}", "\":", "\": ", "\":\"", "\": \"", "\", \"", "\",\"", "\"]", "[{\"", "}, {\"", "},{\"", "\"},{\"", ":[", ": [", " {", "}}", "]}", "[]", "{}", " }", "\n  ", "\n    ",
             "\\\"", "\\n", "\\\\", "\\u", "\\u00", "\\ud83d", "\\ude00", "null", "true", "false", " true", " null", ".0", "e+", "-1", "://", "https", "@", ".com", "T00", "Z\"", "\"\n", "\",\n", ",\n", " \"", "<|", "|>", "```"])
        {
            Add(Encoding.UTF8.GetBytes(text));
        }

        for (int length = 2; length <= 128; length += length < 16 ? 1 : 16)
            Add(Encoding.UTF8.GetBytes(new string(' ', length)));
        for (int number = 0; number < (count > 5_000 ? 1_000 : 100); number++)
            Add(Encoding.UTF8.GetBytes(number.ToString("00")));
        // Characters whole, cut in the middle, and the end of one with the beginning of the next.
        foreach (string character in (string[])["é", "ü", "Ω", "漢", "字", "の", "한", "😀", "🎉", "€", "“", "”"])
        {
            byte[] bytes = Encoding.UTF8.GetBytes(character + character);
            Add(bytes[..(bytes.Length / 2)]);
            Add(bytes[..^1]);
            Add(bytes[1..]);
            Add(bytes[1..(bytes.Length / 2)]);
        }

        string[] syllables = ["an", "ba", "co", "de", "er", "fi", "go", "hu", "in", "ja", "ki", "lo", "me", "no", "or", "pa", "qu", "re", "st", "ti", "un", "ve", "wo", "xy", "za", "ing", "ion", "th", "sch", "ée", "ß", "я", "山"];
        while (pieces.Count < count)
        {
            var word = new StringBuilder(random.Next(3) == 0 ? "" : " ");
            for (int part = random.Next(1, 5); part > 0; part--)
                word.Append(syllables[random.Next(syllables.Length)]);
            switch (random.Next(12))
            {
                case 0: word.Append("\","); break;
                case 1: word.Append("\":"); break;
                case 2: word.Append('_'); break;
                case 3: word[0] = char.ToUpperInvariant(word[0]); break;
                case 4: word.Insert(0, '"'); break;
                default: break;
            }

            Add(Encoding.UTF8.GetBytes(word.ToString()));
        }

        return pieces;

        void Add(byte[] piece)
        {
            if (pieces.Count < count && known.Add(Convert.ToHexString(piece)))
                pieces.Add(piece);
        }
    }
}
