using System.Buffers;
using System.Numerics;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Models;

/// <summary><c>Unigram</c>: of all ways to cut the piece into tokens, the one with the highest sum of scores (Kudo 2018; SentencePiece).</summary>
internal sealed class UnigramModel : TokenModel
{
    private const double UnknownPenalty = 10; // kUnkPenalty of SentencePiece: below the least score

    private readonly string _file;
    private readonly PrefixTree _tree;
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int _unknown;
    private readonly int _longestToken = 1;
    private readonly int[]? _bytes;

    /// <param name="scores">By token number: logarithms of probabilities.</param>
    /// <param name="unknown">Number of the unknown token; −1: there is none, and what the vocabulary does not know cannot be encoded.</param>
    /// <param name="byteFallback">Unknown text becomes the tokens of its bytes, if the vocabulary has them all.</param>
    public UnigramModel(string file, Vocabulary vocabulary, double[] scores, int unknown, bool byteFallback) : base(vocabulary)
    {
        _file = file;
        _scores = scores;
        _unknown = unknown;
        _unknownScore = scores.Length == 0 ? 0 : scores.Min() - UnknownPenalty;
        _bytes = byteFallback ? vocabulary.ByteTokens() : null;
        _tree = new PrefixTree(file, vocabulary.Count * 2);
        foreach ((string token, int id) in vocabulary.Tokens)
        {
            _tree.Add(token, id);
            _longestToken = Math.Max(_longestToken, token.Length);
        }
    }

    public override void Tokenize(ReadOnlySpan<char> piece, List<ModelToken> into)
    {
        int[] starts = ArrayPool<int>.Shared.Rent(piece.Length + 1);
        int[] ids = ArrayPool<int>.Shared.Rent(piece.Length + 1);
        double[] ring = ArrayPool<double>.Shared.Rent((int)BitOperations.RoundUpToPowerOf2((uint)_longestToken + 2));
        try
        {
            FindBest(piece, starts, ids, ring);
            Collect(piece, starts, ids, into);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(starts);
            ArrayPool<int>.Shared.Return(ids);
            ArrayPool<double>.Shared.Return(ring);
        }
    }

    // Viterbi from the left: the best way to every place, as the token that ends there. Scores are needed one token's length back only.
    private void FindBest(ReadOnlySpan<char> piece, int[] starts, int[] ids, double[] ring)
    {
        int mask = (int)BitOperations.RoundUpToPowerOf2((uint)_longestToken + 2) - 1;
        starts.AsSpan(0, piece.Length + 1).Fill(-1);
        ring[0] = 0;
        for (int start = 0; start < piece.Length;)
        {
            CodePoints.At(piece, start, out int length);
            double soFar = ring[start & mask];
            bool single = false;
            int node = 0;
            for (int at = start; at < piece.Length && _tree.TryStep(ref node, piece[at], out int id); at++)
            {
                if (id < 0)
                    continue;
                Offer(at + 1, start, id, soFar + _scores[id], mask, starts, ids, ring);
                single |= at + 1 - start == length;
            }

            if (!single)
            {
                if (_unknown < 0)
                    throw new ModelFileException(_file, null, $"the vocabulary has no token for '{piece.Slice(start, length)}' and no unk_id");
                Offer(start + length, start, _unknown, soFar + _unknownScore, mask, starts, ids, ring);
            }

            start += length;
        }
    }

    private static void Offer(int end, int start, int id, double score, int mask, int[] starts, int[] ids, double[] ring)
    {
        if (starts[end] >= 0 && score <= ring[end & mask])
            return;
        starts[end] = start;
        ids[end] = id;
        ring[end & mask] = score;
    }

    private void Collect(ReadOnlySpan<char> piece, int[] starts, int[] ids, List<ModelToken> into)
    {
        int first = into.Count;
        for (int end = piece.Length; end > 0;)
        {
            int start = starts[end];
            bool unknown = ids[end] == _unknown;
            while (unknown && start > 0 && ids[start] == _unknown)
                start = starts[start]; // neighbours in ignorance are one token
            if (unknown)
                AddUnknown(piece, start, end, into);
            else
                into.Add(new ModelToken(ids[end], start, end));
            end = start;
        }

        into.Reverse(first, into.Count - first);
    }

    // Called from the back: the bytes too are added from the last to the first.
    private void AddUnknown(ReadOnlySpan<char> piece, int start, int end, List<ModelToken> into)
    {
        // Several unknown characters may be a token together: the text decides, as it does in the reference.
        if (Vocabulary.TryGet(piece[start..end], out int known))
        {
            into.Add(new ModelToken(known, start, end));
            return;
        }

        if (_bytes is not null)
        {
            byte[] utf8 = new byte[System.Text.Encoding.UTF8.GetByteCount(piece[start..end])];
            System.Text.Encoding.UTF8.GetBytes(piece[start..end], utf8);
            if (Array.TrueForAll(utf8, value => _bytes[value] >= 0))
            {
                for (int i = utf8.Length - 1; i >= 0; i--)
                    into.Add(new ModelToken(_bytes[utf8[i]], start, end));
                return;
            }
        }

        into.Add(new ModelToken(_unknown, start, end, IsText: true));
    }
}
