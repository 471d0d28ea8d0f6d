using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Tokenizers.Models;

/// <summary><c>WordLevel</c>: every piece is a token or unknown.</summary>
internal sealed class WordLevelModel : TokenModel
{
    private readonly int _unknown;

    public WordLevelModel(string file, Vocabulary vocabulary, string unknownToken) : base(vocabulary)
    {
        if (!vocabulary.TryGet(unknownToken, out _unknown))
            throw new ModelFileException(file, null, $"the model's unk_token {unknownToken} is not in its vocabulary, so the first unknown word could not be encoded");
    }

    public override void Tokenize(ReadOnlySpan<char> piece, List<ModelToken> into) =>
        into.Add(new ModelToken(Vocabulary.TryGet(piece, out int id) ? id : _unknown, 0, piece.Length));
}
