using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Decoders;
using Fairlead.Engine.Tokenizers.Models;
using Fairlead.Engine.Tokenizers.Normalizers;
using Fairlead.Engine.Tokenizers.Patterns;
using Fairlead.Engine.Tokenizers.PostProcessors;
using Fairlead.Engine.Tokenizers.PreTokenizers;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Gguf;

/// <summary>Builds a tokenizer from the vocabulary in a GGUF file, so that it makes the tokens that llama.cpp makes of the same file.</summary>
/// <remarks>
/// <c>tokenizer.ggml.model</c>: <c>gpt2</c> is byte-level BPE, <c>llama</c> SentencePiece's BPE with scores, <c>bert</c> WordPiece, <c>t5</c>
/// SentencePiece's Unigram. As llama.cpp, no normal form is applied to byte-level text, also where the model's own tokenizer does (Qwen).
/// </remarks>
internal sealed class GgufVocabulary
{
    private const string Prefix = "tokenizer.ggml.";

    private readonly GgufFile _file;
    private readonly string[] _tokens;
    private readonly TokenType[] _types;
    private readonly Vocabulary _vocabulary;

    private GgufVocabulary(GgufFile file, Func<string, TokenType, string>? rename = null)
    {
        _file = file;
        _tokens = file.Texts(Prefix + "tokens") ?? throw Missing("tokens");
        if (_tokens.Length > Vocabulary.MostTokens)
            throw file.Refuse(Prefix + "tokens", $"{_tokens.Length} tokens; at most {Vocabulary.MostTokens} are read");
        int[] types = file.Integers(Prefix + "token_type") ?? Enumerable.Repeat((int)TokenType.Normal, _tokens.Length).ToArray();
        if (types.Length < _tokens.Length)
            throw file.Refuse(Prefix + "token_type", $"{types.Length} types for {_tokens.Length} tokens");
        _types = [.. types.Take(_tokens.Length).Select(type => (TokenType)type)];
        _vocabulary = new Vocabulary(file.Name, _tokens.Length);
        for (int id = 0; id < _tokens.Length; id++)
            _vocabulary.Add(rename?.Invoke(_tokens[id], _types[id]) ?? _tokens[id], id);
    }

    // llama_token_type
    private enum TokenType
    {
        Undefined = 0,
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    /// <exception cref="ModelFileException">The file has no vocabulary, a broken one, or one of a kind that is not supported.</exception>
    public static TokenizerParts Read(GgufFile file) => file.Text(Prefix + "model") switch
    {
        "gpt2" => new GgufVocabulary(file).ByteLevel(),
        "llama" => new GgufVocabulary(file).ScoredMerges(),
        "bert" => new GgufVocabulary(file, WordPieceName).WordPiece(),
        "t5" => new GgufVocabulary(file).Unigram(),
        null => throw new ModelFileException(file.Name, null, "the file has no tokenizer.ggml.model: it holds no vocabulary"),
        var other => throw file.Refuse(Prefix + "model", $"the vocabulary is of the kind {Excerpt.Of(other)}, which is not supported; gpt2, llama, bert and t5 are"),
    };

    private TokenizerParts ByteLevel()
    {
        string pre = _file.Text(Prefix + "pre") ?? "default";
        string[] patterns = GgufSplitPatterns.Named(pre)
            ?? throw _file.Refuse(Prefix + "pre", $"the pre-tokenizer {Excerpt.Of(pre)} is not supported; a folder with the model's tokenizer.json would do");
        string[] list = _file.Texts(Prefix + "merges") ?? throw Missing("merges");
        BpeMerges merges = BpeMerges.FromList(_file.Name, _vocabulary, [.. list.Select(Halves)], "");
        int begin = Special("bos", 11), end = Special("eos", 11);
        return Parts(
            normalizer: null,
            new PreTokenizerSequence([.. patterns.Select(pattern => new Split(Pattern.Parse(_file.Name, pattern), DelimiterBehavior.Isolated, invert: false)), new ByteLevel(addPrefixSpace: false, useRegex: false)]),
            new BpeModel(_vocabulary, merges, new BpeSettings(IgnoreMerges: GgufSplitPatterns.IgnoresMerges(pre))),
            Around(GgufSplitPatterns.AddsBeginOfText(pre), begin, byDefaultEnd: false, end),
            new ByteLevelDecode(),
            begin,
            end);
    }

    // The first space that is not the first character: a token may itself be a space.
    private (string, string) Halves(string merge, int index)
    {
        int space = merge.Length < 2 ? -1 : merge.IndexOf(' ', 1);
        return space > 0
            ? (CodePoints.Repaired(merge[..space]), CodePoints.Repaired(merge[(space + 1)..]))
            : throw _file.Refuse(Prefix + "merges", $"merge {index} is not two tokens with a space between them");
    }

    private TokenizerParts ScoredMerges()
    {
        int begin = Special("bos", 1), end = Special("eos", 2);
        SentencePiece pipeline = SentencePiece.Bpe(_file.Name, _vocabulary, SentencePieceSettings(addsSpace: true, Special("unknown", 0)));
        return Parts(pipeline, Around(byDefaultBegin: true, begin, byDefaultEnd: false, end), begin, end);
    }

    private TokenizerParts Unigram()
    {
        int begin = Special("bos", -1), end = Special("eos", 1);
        SentencePiece pipeline = SentencePiece.Unigram(_file.Name, _vocabulary, SentencePieceSettings(addsSpace: false, Special("unknown", 2)), byteFallback: false);
        return Parts(pipeline, Around(byDefaultBegin: false, begin, byDefaultEnd: true, end), begin, end);
    }

    private SentencePieceSettings SentencePieceSettings(bool addsSpace, int unknown) => new(
        Scores(),
        unknown,
        id => _types[id] is TokenType.Normal or TokenType.UserDefined or TokenType.Undefined,
        _file.Flag(Prefix + "add_space_prefix") ?? addsSpace,
        _file.Flag(Prefix + "remove_extra_whitespaces") ?? false,
        [.. (_file.Integers(Prefix + "precompiled_charsmap") ?? []).Select(value => unchecked((byte)value))]);

    private TokenizerParts WordPiece()
    {
        int cls = Special("cls", Special("bos", 101)), sep = Special("seperator", 102), unknown = Special("unknown", 100);
        bool lowercase = _file.Flag(Prefix + "normalizer.lowercase") ?? true;
        return Parts(
            new BertNormalizer(cleanText: true, handleChineseChars: true, _file.Flag(Prefix + "normalizer.strip_accents") ?? lowercase, lowercase),
            SmallPreTokenizers.Bert,
            new WordPieceModel(_file.Name, _vocabulary, _vocabulary.TextOf(unknown) ?? throw _file.Refuse(Prefix + "unknown_token_id", "the vocabulary has no unknown token"), "##", 100),
            new ClassifierProcessor(cls, sep, isRoberta: false, null),
            new WordPieceDecode("##", cleanup: true),
            cls,
            sep);
    }

    // The converter marks words where BERT marks their continuations: ▁the and ing for the and ##ing.
    private static string WordPieceName(string token, TokenType type) => type != TokenType.Normal ? token
        : token.StartsWith(SentencePiece.Sign, StringComparison.Ordinal) && token.Length > 1 ? token[1..]
        : "##" + token;

    private TokenizerParts Parts(SentencePiece pipeline, PostProcessor postProcessor, int begin, int end) =>
        Parts(pipeline.Normalizer, pipeline.PreTokenizer, pipeline.Model, postProcessor, pipeline.Decoder, begin, end);

    private TokenizerParts Parts(
        Normalizer? normalizer, PreTokenizer? preTokenizer, TokenModel model, PostProcessor postProcessor, DecodeStep decoder, int begin, int end) =>
        new(
            new AddedTokens(_file.Name, AddedTokens(), normalizer: null),
            normalizer,
            preTokenizer,
            model,
            postProcessor,
            decoder,
            _tokens.Length,
            begin < 0 ? null : begin,
            end < 0 ? null : end,
            PaddingToken: Special("padding", -1) is >= 0 and var padding ? padding : null);

    private List<AddedToken> AddedTokens()
    {
        // GGUF has no place for a token's flags. llama.cpp knows these by the model's name, and so must we.
        string name = (_file.Text("general.name") ?? "").ToLowerInvariant();
        bool isPhi3 = name.Contains("phi-3", StringComparison.Ordinal) || name.Contains("phi3", StringComparison.Ordinal);
        bool stripsMask = _file.Text(Prefix + "pre") is "jina-v2-de" or "jina-v2-es" or "jina-v2-code"
            || _file.Text("general.architecture") is "nomic-bert-moe" or "jina-bert-v3";
        var added = new List<AddedToken>();
        for (int id = 0; id < _tokens.Length; id++)
        {
            if (_types[id] is not (TokenType.Control or TokenType.UserDefined or TokenType.Unknown))
                continue;
            string text = _vocabulary.TextOf(id)!;
            added.Add(new AddedToken(id, text,
                Special: _types[id] != TokenType.UserDefined,
                LeftStrip: stripsMask && text == "<mask>",
                RightStrip: isPhi3 && text is not ("<unk>" or "<s>" or "<|endoftext|>")));
        }

        return added;
    }

    private TemplateProcessor Around(bool byDefaultBegin, int begin, bool byDefaultEnd, int end)
    {
        bool addBegin = _file.Flag(Prefix + "add_bos_token") ?? byDefaultBegin;
        bool addEnd = _file.Flag(Prefix + "add_eos_token") ?? byDefaultEnd;
        if (addBegin && begin < 0)
            throw _file.Refuse(Prefix + "add_bos_token", "asks for a begin-of-text token, and bos_token_id names none");
        if (addEnd && end < 0)
            throw _file.Refuse(Prefix + "add_eos_token", "asks for an end-of-text token, and eos_token_id names none");
        return TemplateProcessor.Around(addBegin ? begin : -1, addEnd ? end : -1);
    }

    // A special token's number: the file's, or llama.cpp's default where the vocabulary has it; −1 for none.
    private int Special(string name, int otherwise)
    {
        string key = Prefix + name + "_token_id";
        if (_file.Integer(key) is { } id)
            return id >= 0 && id < _tokens.Length ? (int)id : throw _file.Refuse(key, $"token {id} of a vocabulary of {_tokens.Length}");
        return otherwise < _tokens.Length ? otherwise : -1;
    }

    private float[] Scores()
    {
        float[] scores = _file.Numbers(Prefix + "scores") ?? throw Missing("scores");
        return scores.Length >= _tokens.Length
            ? scores[.._tokens.Length]
            : throw _file.Refuse(Prefix + "scores", $"{scores.Length} scores for {_tokens.Length} tokens");
    }

    private ModelFileException Missing(string what) => new(_file.Name, null, $"the file has no {Prefix}{what}");
}
