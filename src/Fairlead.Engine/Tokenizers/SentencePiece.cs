using Fairlead.Engine.Tokenizers.Decoders;
using Fairlead.Engine.Tokenizers.Models;
using Fairlead.Engine.Tokenizers.Normalizers;
using Fairlead.Engine.Tokenizers.Patterns;
using Fairlead.Engine.Tokenizers.PreTokenizers;

namespace Fairlead.Engine.Tokenizers;

/// <summary>What a SentencePiece vocabulary says about itself, whether a GGUF file or a <c>tokenizer.model</c> holds it.</summary>
/// <param name="Scores">By token number.</param>
/// <param name="Unknown">Number of the unknown token; −1: none.</param>
/// <param name="IsText">Whether a token is text, rather than a control, a byte or unused.</param>
/// <param name="AddsSpace">A space is put before a text (<c>add_dummy_prefix</c>).</param>
/// <param name="RemovesExtraSpaces">Spaces at the ends go, and of several one stays.</param>
/// <param name="Charsmap">The character map of the normalizer; empty: none.</param>
internal sealed record SentencePieceSettings(
    float[] Scores, int Unknown, Func<int, bool> IsText, bool AddsSpace, bool RemovesExtraSpaces, byte[] Charsmap);

/// <summary>The pipeline that SentencePiece's own library is, put together from the parts of this folder.</summary>
internal sealed record SentencePiece(Normalizer Normalizer, PreTokenizer? PreTokenizer, TokenModel Model, DecodeStep Decoder)
{
    /// <summary>What stands for a space.</summary>
    public const string Sign = "▁";

    /// <summary>Merges by score, with bytes for what the vocabulary does not know (Llama 2, Mistral, Phi-3).</summary>
    public static SentencePiece Bpe(string file, Vocabulary vocabulary, SentencePieceSettings settings)
    {
        List<Normalizer> normalizers = Cleaning(file, settings);
        if (settings.AddsSpace)
            normalizers.Add(new Prepend(Sign));
        normalizers.Add(new Replace(Pattern.Literal(file, " "), Sign));
        BpeMerges merges = BpeMerges.FromScores(file, vocabulary, settings.Scores, settings.IsText);
        return new SentencePiece(
            new NormalizerSequence(normalizers),
            null,
            new BpeModel(vocabulary, merges, new BpeSettings(settings.Unknown, FuseUnknown: true, ByteFallback: true)),
            SpacesAgain(file, settings.AddsSpace));
    }

    /// <summary>The likeliest tokens by score (T5, ALBERT).</summary>
    public static SentencePiece Unigram(string file, Vocabulary vocabulary, SentencePieceSettings settings, bool byteFallback) => new(
        new NormalizerSequence(Cleaning(file, settings)),
        new Metaspace(Sign[0], settings.AddsSpace ? PrependScheme.Always : PrependScheme.Never, split: true),
        new UnigramModel(file, vocabulary, [.. settings.Scores.Select(score => (double)score)], settings.Unknown, byteFallback),
        SpacesAgain(file, settings.AddsSpace));

    private static List<Normalizer> Cleaning(string file, SentencePieceSettings settings)
    {
        var normalizers = new List<Normalizer>();
        if (Precompiled.Read(file, settings.Charsmap) is { } map)
            normalizers.Add(map);
        if (settings.RemovesExtraSpaces)
        {
            normalizers.Add(new Strip(left: true, right: true));
            normalizers.Add(new Replace(Pattern.Parse(file, " {2,}"), " "));
        }

        return normalizers;
    }

    private static DecodeSequence SpacesAgain(string file, bool addsSpace)
    {
        var steps = new List<DecodeStep> { new ReplaceDecode(Pattern.Literal(file, Sign), " "), new ByteFallbackDecode(), new FuseDecode() };
        if (addsSpace)
            steps.Add(new StripDecode(' ', 1, 0));
        return new DecodeSequence(steps);
    }
}
