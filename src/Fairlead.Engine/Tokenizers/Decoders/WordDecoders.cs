namespace Fairlead.Engine.Tokenizers.Decoders;

/// <summary><c>WordPiece</c>: tokens with the prefix (##) join the one before, the others get a space; perhaps spaces before punctuation go.</summary>
internal sealed class WordPieceDecode(string prefix, bool cleanup) : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next) => new Stage(this, next);

    public override TokenBytes Middle(TokenBytes token) => token.Map(text => Joined(text, isFirst: false));

    /// <summary>Takes the spaces out that stand before punctuation and in contractions, as BERT's tokenizer does token by token.</summary>
    public static string CleanedUp(string text) => !text.Contains(' ', StringComparison.Ordinal) ? text : text
        .Replace(" .", ".", StringComparison.Ordinal).Replace(" ?", "?", StringComparison.Ordinal)
        .Replace(" !", "!", StringComparison.Ordinal).Replace(" ,", ",", StringComparison.Ordinal)
        .Replace(" ' ", "'", StringComparison.Ordinal).Replace(" n't", "n't", StringComparison.Ordinal)
        .Replace(" 'm", "'m", StringComparison.Ordinal).Replace(" do not", " don't", StringComparison.Ordinal)
        .Replace(" 's", "'s", StringComparison.Ordinal).Replace(" 've", "'ve", StringComparison.Ordinal)
        .Replace(" 're", "'re", StringComparison.Ordinal);

    private string Joined(ReadOnlySpan<char> token, bool isFirst)
    {
        string text = isFirst ? token.ToString() : token.StartsWith(prefix) ? token[prefix.Length..].ToString() : string.Concat(" ", token);
        return cleanup ? CleanedUp(text) : text;
    }

    private sealed class Stage(WordPieceDecode step, DecodeStage next) : WholeTokenStage(next)
    {
        private bool _begun;

        protected override void Token(ReadOnlySpan<char> token)
        {
            Next.Push(step.Joined(token, !_begun), ends: true);
            _begun = true;
        }
    }
}

/// <summary><c>BPEDecoder</c>: the suffix of a word's end becomes a space, or nothing at the text's end. A stream is one token behind for it.</summary>
internal sealed class SuffixDecode(string suffix) : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next) => new Stage(suffix, next);

    public override TokenBytes Middle(TokenBytes token) => token.Map(text => Replaced(text, suffix, " "));

    // An empty suffix stands, as in the reference, between any two characters and at both ends.
    private static string Replaced(string token, string suffix, string with) => suffix.Length > 0
        ? token.Replace(suffix, with, StringComparison.Ordinal)
        : with + string.Concat(token.EnumerateRunes().Select(rune => rune + with));

    private sealed class Stage(string suffix, DecodeStage next) : WholeTokenStage(next)
    {
        private string? _pending;

        protected override void Token(ReadOnlySpan<char> token)
        {
            if (_pending is not null)
                Next.Push(Replaced(_pending, suffix, " "), ends: true);
            _pending = token.ToString();
        }

        public override void End()
        {
            if (_pending is not null)
                Next.Push(Replaced(_pending, suffix, ""), ends: true);
            _pending = null;
            Next.End();
        }
    }
}

/// <summary><c>CTC</c>: repeated tokens count once, padding goes, the word delimiter becomes a space (Wav2Vec2).</summary>
internal sealed class CtcDecode(string padToken, string wordDelimiter, bool cleanup) : DecodeStep
{
    public override DecodeStage Begin(DecodeStage next) => new Stage(this, next);

    public override TokenBytes Middle(TokenBytes token) => token.Map(Text);

    private string Text(string token)
    {
        string text = padToken.Length == 0 ? token : token.Replace(padToken, "", StringComparison.Ordinal);
        if (!cleanup)
            return text;
        text = WordPieceDecode.CleanedUp(text);
        return wordDelimiter.Length == 0 ? text : text.Replace(wordDelimiter, " ", StringComparison.Ordinal);
    }

    private sealed class Stage(CtcDecode step, DecodeStage next) : WholeTokenStage(next)
    {
        private string? _last;

        protected override void Token(ReadOnlySpan<char> token)
        {
            if (_last is not null && token.SequenceEqual(_last))
                return;
            _last = token.ToString();
            string text = step.Text(_last);
            if (text.Length > 0)
                Next.Push(text, ends: true);
        }
    }
}
