using Fairlead.Engine.Tokenizers.Patterns;

namespace Fairlead.Engine.Tokenizers.PreTokenizers;

/// <summary><c>ByteLevel</c>: perhaps a space before every piece, perhaps GPT-2's split pattern, then every byte as its visible character.</summary>
internal sealed class ByteLevel(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    /// <summary>The split pattern of GPT-2 (<c>encoder.py</c> of its release), which this pre-tokenizer has built in.</summary>
    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly Split s_gpt2 = new(Pattern.Parse("tokenizer.json", Gpt2Pattern), DelimiterBehavior.Isolated, invert: false);

    public override void Apply(PieceList pieces)
    {
        if (addPrefixSpace)
        {
            pieces.Rewrite(static (text, start, end, builder) =>
            {
                if (text.Span[start] != ' ')
                    builder.Append(' ', text.StartOf(start), text.EndOf(start));
                builder.CopyRange(start, end);
            });
        }

        if (useRegex)
            s_gpt2.Apply(pieces);
        pieces.Rewrite(ByteAlphabet.Write);
    }
}
