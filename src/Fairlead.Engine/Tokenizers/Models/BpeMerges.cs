using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Models;

/// <summary>Which two symbols become one, and which merge comes before which.</summary>
internal sealed class BpeMerges
{
    /// <summary>The rank of what does not merge.</summary>
    public const int None = int.MaxValue;

    private readonly FlatMap _pairs; // left << 32 | right → rank << 32 | merged
    private readonly HashSet<int> _products = [];

    private BpeMerges(string file, int expected) => _pairs = new FlatMap(file, expected);

    /// <summary>The tokens that merges make.</summary>
    public IReadOnlyCollection<int> Products => _products;

    /// <summary>Characters that are no token themselves but take part in one, with the numbers beyond the vocabulary that stand for them.</summary>
    public Dictionary<int, int> Strangers { get; } = [];

    /// <summary>Merges listed from the first to the last.</summary>
    /// <param name="prefix">The continuing-subword prefix, which the right half loses when it is merged.</param>
    /// <exception cref="ModelFileException">A merge names or makes a token that the vocabulary lacks.</exception>
    public static BpeMerges FromList(string file, Vocabulary vocabulary, IReadOnlyList<(string Left, string Right)> list, string prefix)
    {
        var merges = new BpeMerges(file, list.Count);
        for (int rank = 0; rank < list.Count; rank++)
        {
            (string left, string right) = list[rank];
            if (!vocabulary.TryGet(left, out int leftId) || !vocabulary.TryGet(right, out int rightId))
                throw new ModelFileException(file, null, $"merge {rank} ('{left}' + '{right}') joins a token that is not in the vocabulary");
            if (right.Length < prefix.Length)
                throw new ModelFileException(file, null, $"merge {rank} ('{left}' + '{right}') lacks the prefix {prefix}");
            string merged = left + right[prefix.Length..];
            if (!vocabulary.TryGet(merged, out int mergedId))
                throw new ModelFileException(file, null, $"merge {rank} makes '{merged}', which is not in the vocabulary");
            merges.Add(leftId, rightId, rank, mergedId);
        }

        return merges;
    }

    /// <summary>SentencePiece's BPE: any two neighbours merge whose joined text is a token, the highest score first.</summary>
    /// <param name="scores">By token number.</param>
    /// <param name="mergeable">Whether a token may come about by merging; controls and bytes may not.</param>
    public static BpeMerges FromScores(string file, Vocabulary vocabulary, IReadOnlyList<float> scores, Func<int, bool> mergeable)
    {
        (string Text, int Id)[] tokens = [.. vocabulary.Tokens.Where(token => mergeable(token.Value)).Select(token => (token.Key, token.Value))];
        Array.Sort(tokens, (a, b) => scores[b.Id].CompareTo(scores[a.Id]) is not 0 and var order ? order : a.Id.CompareTo(b.Id));
        var merges = new BpeMerges(file, tokens.Length * 3);
        int rank = 0;
        for (int i = 0; i < tokens.Length; i++)
        {
            (string text, int id) = tokens[i];
            // Equal scores are equal ranks: then the leftmost goes first.
            if (i > 0 && scores[tokens[i - 1].Id].CompareTo(scores[id]) != 0)
                rank++;
            for (int cut = 1; cut < text.Length; cut++)
            {
                if (char.IsLowSurrogate(text[cut]))
                    continue;
                if (merges.TrySymbol(vocabulary, text.AsSpan(0, cut), out int left) && merges.TrySymbol(vocabulary, text.AsSpan(cut), out int right))
                    merges.Add(left, right, rank, id);
            }
        }

        return merges;
    }

    /// <summary>Rank of the merge of these two, and what it makes; <see cref="None"/> where they do not merge.</summary>
    public int RankOf(int left, int right, out int merged)
    {
        if (_pairs.TryGet((ulong)(uint)left << 32 | (uint)right, out ulong value))
        {
            merged = (int)(uint)value;
            return (int)(value >> 32);
        }

        merged = -1;
        return None;
    }

    private void Add(int left, int right, int rank, int merged)
    {
        _pairs.Set((ulong)(uint)left << 32 | (uint)right, (ulong)(uint)rank << 32 | (uint)merged);
        _products.Add(merged);
    }

    // A token, or a single character that is none: SentencePiece merges those too.
    private bool TrySymbol(Vocabulary vocabulary, ReadOnlySpan<char> text, out int symbol)
    {
        if (vocabulary.TryGet(text, out symbol))
            return true;
        int codePoint = CodePoints.At(text, 0, out int length);
        if (length != text.Length)
            return false;
        if (!Strangers.TryGetValue(codePoint, out symbol))
            Strangers.Add(codePoint, symbol = vocabulary.Size + Strangers.Count);
        return true;
    }
}
