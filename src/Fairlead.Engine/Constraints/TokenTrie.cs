using System.Buffers.Binary;

namespace Fairlead.Engine.Constraints;

/// <summary>A node of a <see cref="TokenTrie"/>: one byte after the bytes of its parent.</summary>
/// <param name="End">The first node that is not below this one: where a walk goes on that does not enter.</param>
/// <param name="Token">The token whose bytes end here; −1 where none does. Others with the same bytes follow in <see cref="TokenTrie.NextWithSameBytes"/>.</param>
/// <param name="Depth">Bytes from the root.</param>
/// <param name="Label">The byte.</param>
internal readonly record struct TokenTrieNode(int End, int Token, ushort Depth, byte Label);

/// <summary>The tokens of a vocabulary by their bytes, for walking all of them beside an automaton. Built once for a vocabulary; immutable.</summary>
/// <remarks>
/// Nodes stand in one array in the order of a depth-first walk, so that the walk runs through memory forwards and skipping a branch is one
/// assignment. 128,256 tokens: about 270,000 nodes of 12 bytes. Tokens without bytes (and longer than <see cref="MaxTokenBytes"/>) are never
/// allowed by a constraint; special tokens can be asked for by name (<see cref="ConstraintSpec.SpecialToken"/>).
/// </remarks>
public sealed class TokenTrie
{
    /// <summary>Longer tokens take no part. The longest in real vocabularies are runs of 512 spaces or dashes.</summary>
    public const int MaxTokenBytes = 1024;

    /// <summary>Before and after the name of a special token: a byte that no UTF-8 text holds, so that no text can be taken for one.</summary>
    internal const byte SpecialMark = 0xFF;

    private readonly TokenTrieNode[] _nodes;
    private readonly int[] _nextWithSameBytes;
    private readonly byte[] _bytes;
    private readonly int[] _starts;

    /// <summary>Builds the trie of tokens 0 to <paramref name="vocabularySize"/> − 1.</summary>
    /// <param name="vocabularySize">Tokens; a mask has one bit for each.</param>
    /// <param name="bytesOf">The bytes a token adds in the middle of a text; empty for one that adds none.</param>
    /// <param name="specialNameOf">The name of a special token (<c>&lt;|python_tag|&gt;</c>); null for all others. Null: no token is special.</param>
    /// <param name="endTokens">Tokens that end an answer: allowed wherever the text may end.</param>
    public TokenTrie(int vocabularySize, Func<int, ReadOnlyMemory<byte>> bytesOf, Func<int, string?>? specialNameOf, params ReadOnlySpan<int> endTokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        VocabularySize = vocabularySize;
        EndTokens = endTokens.ToArray();
        (_bytes, _starts) = BytesOfAll(vocabularySize, bytesOf, specialNameOf, EndTokens);
        _nextWithSameBytes = new int[vocabularySize];
        Array.Fill(_nextWithSameBytes, -1);
        int[] tokens = [.. Enumerable.Range(0, vocabularySize).Where(token => _starts[token + 1] > _starts[token])];
        TokensByLength = [.. tokens.OrderByDescending(token => _starts[token + 1] - _starts[token])];
        LongestToken = TokensByLength.Length == 0 ? 0 : BytesOf(TokensByLength[0]).Length;
        ulong[] prefixes = Array.ConvertAll(tokens, token => Prefix(BytesOf(token)));
        Array.Sort(prefixes, tokens);
        SortTies(prefixes, tokens);
        _nodes = NodesOf(tokens);
    }

    /// <summary>Tokens of the vocabulary.</summary>
    public int VocabularySize { get; }

    /// <summary>Words of 64 bits in a mask of this vocabulary.</summary>
    public int MaskLength => (VocabularySize + 63) / 64;

    /// <summary>Tokens that end an answer.</summary>
    internal int[] EndTokens { get; }

    /// <summary>Bytes of the longest token.</summary>
    internal int LongestToken { get; }

    /// <summary>All tokens with bytes, the longest first.</summary>
    internal int[] TokensByLength { get; }

    /// <summary>All nodes; the first is the root, which stands for no byte.</summary>
    internal ReadOnlySpan<TokenTrieNode> Nodes => _nodes;

    /// <summary>Masks of states that cost much and that schemas have in common.</summary>
    internal SharedMasks SharedMasks { get; } = new();

    /// <summary>The bytes of <paramref name="token"/>; empty where it takes no part.</summary>
    internal ReadOnlySpan<byte> BytesOf(int token) => _bytes.AsSpan(_starts[token].._starts[token + 1]);

    /// <summary>The next token with the same bytes as <paramref name="token"/>; −1 after the last.</summary>
    internal int NextWithSameBytes(int token) => _nextWithSameBytes[token];

    private static (byte[] Bytes, int[] Starts) BytesOfAll(int size, Func<int, ReadOnlyMemory<byte>> bytesOf, Func<int, string?>? specialNameOf, int[] endTokens)
    {
        var bytes = new MemoryStream();
        int[] starts = new int[size + 1];
        for (int token = 0; token < size; token++)
        {
            starts[token] = (int)bytes.Length;
            // A token that ends the answer is no text, whatever its name: offered as text it would end the answer in the middle.
            if (Array.IndexOf(endTokens, token) < 0)
            {
                ReadOnlySpan<byte> own = specialNameOf?.Invoke(token) is { } name ? SpecialBytes(name) : bytesOf(token).Span;
                if (own.Length <= MaxTokenBytes)
                    bytes.Write(own);
            }

            starts[token + 1] = (int)bytes.Length;
        }

        return (bytes.ToArray(), starts);
    }

    /// <summary>How a special token is written in the alphabet of the automaton.</summary>
    internal static byte[] SpecialBytes(string name) => [SpecialMark, .. System.Text.Encoding.UTF8.GetBytes(name), SpecialMark];

    private static ulong Prefix(ReadOnlySpan<byte> bytes)
    {
        Span<byte> first = stackalloc byte[8];
        first.Clear();
        bytes[..Math.Min(bytes.Length, 8)].CopyTo(first);
        return BinaryPrimitives.ReadUInt64BigEndian(first);
    }

    private void SortTies(ulong[] prefixes, int[] tokens)
    {
        for (int start = 0; start < tokens.Length;)
        {
            int end = start + 1;
            while (end < tokens.Length && prefixes[end] == prefixes[start])
                end++;
            if (end - start > 1)
            {
                tokens.AsSpan(start..end).Sort((left, right) =>
                {
                    int order = BytesOf(left).SequenceCompareTo(BytesOf(right));
                    return order != 0 ? order : left.CompareTo(right);
                });
            }

            start = end;
        }
    }

    /// <summary>Sorted tokens are already a depth-first walk: each shares some bytes with the one before and adds nodes for the rest.</summary>
    private TokenTrieNode[] NodesOf(int[] sorted)
    {
        var nodes = new List<TokenTrieNode>(sorted.Length * 2) { new(0, -1, 0, 0) };
        var path = new List<int> { 0 };
        int previous = -1;
        foreach (int token in sorted)
        {
            ReadOnlySpan<byte> bytes = BytesOf(token);
            int common = previous < 0 ? 0 : bytes.CommonPrefixLength(BytesOf(previous));
            if (previous >= 0 && common == bytes.Length && common == BytesOf(previous).Length)
            {
                _nextWithSameBytes[token] = nodes[path[^1]].Token;
                nodes[path[^1]] = nodes[path[^1]] with { Token = token };
                continue;
            }

            Leave(common);
            for (int depth = common; depth < bytes.Length; depth++)
            {
                path.Add(nodes.Count);
                nodes.Add(new TokenTrieNode(0, depth + 1 == bytes.Length ? token : -1, (ushort)(depth + 1), bytes[depth]));
            }

            previous = token;
        }

        Leave(-1);
        return [.. nodes];

        void Leave(int depth)
        {
            for (; path.Count - 1 > depth; path.RemoveAt(path.Count - 1))
                nodes[path[^1]] = nodes[path[^1]] with { End = nodes.Count };
        }
    }
}
