using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Models;

/// <summary><c>WordPiece</c>: from the left always the longest token that fits; a word with a gap is unknown as a whole.</summary>
internal sealed class WordPieceModel : TokenModel
{
    private readonly PrefixTree _first;
    private readonly PrefixTree _continuing; // without their prefix
    private readonly int _unknown;
    private readonly int _longestWord;

    /// <param name="prefix">What marks a token that does not begin a word: <c>##</c>.</param>
    /// <param name="longestWord">Characters of the longest word that is looked at.</param>
    public WordPieceModel(string file, Vocabulary vocabulary, string unknownToken, string prefix, int longestWord) : base(vocabulary)
    {
        if (!vocabulary.TryGet(unknownToken, out _unknown))
            throw new ModelFileException(file, null, $"the model's unk_token {unknownToken} is not in its vocabulary, so the first unknown word could not be encoded");
        _longestWord = longestWord;
        _first = new PrefixTree(file, vocabulary.Count);
        _continuing = new PrefixTree(file, vocabulary.Count / 4);
        foreach ((string token, int id) in vocabulary.Tokens)
        {
            _first.Add(token, id);
            if (token.StartsWith(prefix, StringComparison.Ordinal))
                _continuing.Add(token.AsSpan(prefix.Length), id);
        }
    }

    public override void Tokenize(ReadOnlySpan<char> piece, List<ModelToken> into)
    {
        int before = into.Count;
        if (piece.Length > _longestWord && CodePoints.Count(piece) > _longestWord)
        {
            into.Add(new ModelToken(_unknown, 0, piece.Length));
            return;
        }

        for (int start = 0; start < piece.Length;)
        {
            PrefixTree tree = start == 0 ? _first : _continuing;
            int node = 0, longest = -1, end = start;
            for (int at = start; at < piece.Length && tree.TryStep(ref node, piece[at], out int id); at++)
            {
                if (id >= 0)
                    (longest, end) = (id, at + 1);
            }

            if (longest < 0)
            {
                into.RemoveRange(before, into.Count - before);
                into.Add(new ModelToken(_unknown, 0, piece.Length));
                return;
            }

            into.Add(new ModelToken(longest, start, end));
            start = end;
        }
    }
}
