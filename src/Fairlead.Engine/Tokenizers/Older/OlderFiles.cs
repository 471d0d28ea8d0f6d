using System.Collections.Immutable;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Decoders;
using Fairlead.Engine.Tokenizers.Models;
using Fairlead.Engine.Tokenizers.Normalizers;
using Fairlead.Engine.Tokenizers.Patterns;
using Fairlead.Engine.Tokenizers.PostProcessors;
using Fairlead.Engine.Tokenizers.PreTokenizers;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Older;

/// <summary>Builds a tokenizer from the files that models had before <c>tokenizer.json</c>, as the class in <c>tokenizer_config.json</c> reads them.</summary>
/// <remarks>
/// These files hold a vocabulary and leave the rest to the program that reads them. So only classes whose rest is known are read: BERT's,
/// GPT-2's, RoBERTa's, Qwen2's, Llama's and T5's; another one is refused by its name rather than read as if it were one of these.
/// </remarks>
internal sealed class OlderFiles
{
    private const int MostBytes = 64 << 20; // the largest, Gemma's tokenizer.model, has 4 MB

    /// <summary>The files, of which a model has some.</summary>
    public static readonly ImmutableArray<string> Names = ["tokenizer.model", "vocab.json", "merges.txt", "vocab.txt"];

    private readonly ModelFolder _folder;
    private readonly TokenizerOverrides _overrides;
    private readonly string _class;

    private OlderFiles(ModelFolder folder, TokenizerOverrides overrides)
    {
        _folder = folder;
        _overrides = overrides;
        _class = overrides.TokenizerClass ?? "";
    }

    /// <exception cref="ModelFileException">There is no such file, or one that is malformed or of an unknown class.</exception>
    public static TokenizerParts Read(ModelFolder folder, TokenizerOverrides overrides)
    {
        var files = new OlderFiles(folder, overrides);
        if (folder.ReadFile("tokenizer.model", MostBytes) is { } model)
            return files.SentencePieceModel(folder.NameOf("tokenizer.model"), model);
        if (folder.ReadFile("vocab.json", MostBytes) is { } vocabulary && folder.ReadFile("merges.txt", MostBytes) is { } merges)
            return files.ByteLevelMerges(vocabulary, merges);
        if (folder.ReadFile("vocab.txt", MostBytes) is { } words)
            return files.Words(folder.NameOf("vocab.txt"), words);
        throw new ModelFileException(folder.Path, null,
            "there is no tokenizer.json beside the weights, and none of the files that may stand in for it: tokenizer.model, vocab.json with merges.txt, vocab.txt");
    }

    private TokenizerParts Words(string file, byte[] text)
    {
        if (_class is not ("" or "BertTokenizer" or "DistilBertTokenizer" or "ElectraTokenizer" or "PreTrainedTokenizer"))
            throw UnknownClass(file);
        string[] lines = Lines(file, text);
        var vocabulary = new Vocabulary(file, lines.Length);
        for (int id = 0; id < lines.Length; id++)
            vocabulary.Add(lines[id], id);
        bool lowercase = _overrides.Flags.GetValueOrDefault("do_lower_case", true);
        string unknown = Named("unk_token", "[UNK]"), cls = Named("cls_token", "[CLS]"), sep = Named("sep_token", "[SEP]");
        return Parts(
            file,
            [unknown, cls, sep, Named("pad_token", "[PAD]"), Named("mask_token", "[MASK]")],
            new BertNormalizer(cleanText: true, _overrides.Flags.GetValueOrDefault("tokenize_chinese_chars", true), _overrides.Flags.GetValueOrDefault("strip_accents", lowercase), lowercase),
            SmallPreTokenizers.Bert,
            new WordPieceModel(file, vocabulary, unknown, "##", 100),
            new ClassifierProcessor(Needed(file, vocabulary, cls), Needed(file, vocabulary, sep), isRoberta: false, null),
            new WordPieceDecode("##", cleanup: true));
    }

    private TokenizerParts ByteLevelMerges(byte[] vocabularyJson, byte[] mergesText)
    {
        string file = _folder.NameOf("vocab.json"), mergesFile = _folder.NameOf("merges.txt");
        var vocabulary = new Vocabulary(file, 1 << 15);
        foreach ((string token, JsonPart id) in JsonPart.Parse(file, vocabularyJson).Members())
            vocabulary.Add(token, id.Number());
        var merges = new List<(string, string)>();
        foreach (string line in Lines(mergesFile, mergesText))
        {
            if (line.StartsWith("#version", StringComparison.Ordinal) || line.Length == 0)
                continue;
            string[] halves = line.Split(' ');
            merges.Add(halves.Length == 2 ? (halves[0], halves[1]) : throw new ModelFileException(mergesFile, null, $"merge {merges.Count} is not two tokens with a space between them"));
        }

        bool prefixSpace = _overrides.Flags.GetValueOrDefault("add_prefix_space", false);
        bool isQwen = _class == "Qwen2Tokenizer";
        if (!isQwen && _class is not ("" or "GPT2Tokenizer" or "RobertaTokenizer" or "BartTokenizer" or "LongformerTokenizer"))
            throw UnknownClass(file);
        PreTokenizer cut = !isQwen ? new ByteLevel(prefixSpace, useRegex: true) : new PreTokenizerSequence(
        [
            new Split(Pattern.Parse(file, Gguf.GgufSplitPatterns.Named("qwen2")![0]), DelimiterBehavior.Isolated, invert: false),
            new ByteLevel(addPrefixSpace: false, useRegex: false),
        ]);
        bool isRoberta = _class is "RobertaTokenizer" or "BartTokenizer" or "LongformerTokenizer";
        string[] special = isRoberta
            ? [Named("cls_token", "<s>"), Named("sep_token", "</s>"), Named("unk_token", "<unk>"), Named("pad_token", "<pad>"), Named("mask_token", "<mask>")]
            : [.. _overrides.OtherTokens.Values, _overrides.EndOfText ?? "<|endoftext|>"];
        string TextOf(int id) => vocabulary.TextOf(id) ?? "";
        return Parts(
            file,
            special,
            isQwen ? new UnicodeForm(NormalizationKind.Nfc) : null,
            cut,
            new BpeModel(vocabulary, BpeMerges.FromList(mergesFile, vocabulary, merges, ""), new BpeSettings()),
            isRoberta
                ? new ClassifierProcessor(Needed(file, vocabulary, special[0]), Needed(file, vocabulary, special[1]), isRoberta: true, new OffsetTrim(prefixSpace, TextOf))
                : Around(file, vocabulary, byDefaultBegin: false, byDefaultEnd: false, -1, -1),
            new ByteLevelDecode());
    }

    private TokenizerParts SentencePieceModel(string file, byte[] bytes)
    {
        bool endsText = _class == "T5Tokenizer";
        if (!endsText && _class is not ("" or "LlamaTokenizer" or "CodeLlamaTokenizer" or "GemmaTokenizer" or "PreTrainedTokenizer"))
            throw UnknownClass(file);
        SentencePieceFile model = SentencePieceFile.Read(file, bytes);
        SentencePiece pipeline = model.IsUnigram
            ? SentencePiece.Unigram(file, model.Vocabulary, model.Settings, model.ByteFallback)
            : SentencePiece.Bpe(file, model.Vocabulary, model.Settings);
        return Parts(
            file,
            [],
            pipeline.Normalizer,
            pipeline.PreTokenizer,
            pipeline.Model,
            Around(file, model.Vocabulary, byDefaultBegin: !endsText, byDefaultEnd: endsText, model.Begin, model.End),
            pipeline.Decoder,
            model.AddedTokens,
            model.Begin,
            model.End);
    }

    private TokenizerParts Parts(
        string file, IReadOnlyList<string> special, Normalizer? normalizer, PreTokenizer? preTokenizer, TokenModel model, PostProcessor postProcessor, DecodeStep decoder,
        IReadOnlyList<AddedToken>? given = null, int begin = -1, int end = -1)
    {
        var tokens = new List<AddedToken>(given ?? []);
        var numbers = tokens.Select(token => token.Id).ToHashSet();
        // What the configuration says about a token counts before what its kind is known for.
        tokens.AddRange(_overrides.AddedTokens.Where(token => numbers.Add(token.Id)));
        foreach (string text in special)
        {
            if (model.Vocabulary.TryGet(text, out int id) && numbers.Add(id))
                tokens.Add(new AddedToken(id, text, Special: true, LeftStrip: text == "<mask>")); // RoBERTa's mask takes the space before it along
        }

        var added = new AddedTokens(file, tokens, normalizer);
        int? IdOf(string? text) => text is null ? null : added.IdOf(text) ?? (model.Vocabulary.TryGet(text, out int id) ? id : null);
        return new TokenizerParts(
            added, normalizer, preTokenizer, model, postProcessor, decoder,
            Math.Max(model.Vocabulary.Size, tokens.Count == 0 ? 0 : tokens.Max(token => token.Id) + 1),
            IdOf(_overrides.BeginOfText) ?? (begin < 0 ? null : begin),
            IdOf(_overrides.EndOfText) ?? (end < 0 ? null : end));
    }

    private TemplateProcessor Around(string file, Vocabulary vocabulary, bool byDefaultBegin, bool byDefaultEnd, int begin, int end) => TemplateProcessor.Around(
        _overrides.AddBeginOfText ?? byDefaultBegin ? Wanted(file, vocabulary, _overrides.BeginOfText, begin, "bos_token") : -1,
        _overrides.AddEndOfText ?? byDefaultEnd ? Wanted(file, vocabulary, _overrides.EndOfText, end, "eos_token") : -1);

    private static int Wanted(string file, Vocabulary vocabulary, string? text, int otherwise, string key)
    {
        if (text is not null)
            return Needed(file, vocabulary, text);
        return otherwise >= 0 ? otherwise : throw new ModelFileException(file, null, $"texts get a {key}, and nothing names it");
    }

    private static int Needed(string file, Vocabulary vocabulary, string token) =>
        vocabulary.TryGet(token, out int id) ? id : throw new ModelFileException(file, null, $"the vocabulary has no {token}");

    private string Named(string key, string otherwise) => CodePoints.Repaired(_overrides.OtherTokens.GetValueOrDefault(key, otherwise));

    private ModelFileException UnknownClass(string file) =>
        new(file, null, $"the tokenizer is of the class {Excerpt.Of(_class)}, which is not supported in this form; a tokenizer.json beside it would do");

    private static string[] Lines(string file, byte[] text)
    {
        if (!System.Text.Unicode.Utf8.IsValid(text))
            throw new ModelFileException(file, null, "the file is not UTF-8");
        string[] lines = System.Text.Encoding.UTF8.GetString(text).Split('\n');
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }
}
