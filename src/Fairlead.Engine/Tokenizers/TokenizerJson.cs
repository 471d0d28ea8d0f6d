using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Decoders;
using Fairlead.Engine.Tokenizers.Models;
using Fairlead.Engine.Tokenizers.Normalizers;
using Fairlead.Engine.Tokenizers.Patterns;
using Fairlead.Engine.Tokenizers.PostProcessors;
using Fairlead.Engine.Tokenizers.PreTokenizers;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers;

/// <summary>Builds a tokenizer from a <c>tokenizer.json</c>. A component of an unknown type is refused by its name.</summary>
internal static class TokenizerJson
{
    private const int MostSteps = 64; // of a sequence; real ones have up to nine

    public static TokenizerParts Read(string file, ReadOnlySpan<byte> json, TokenizerOverrides overrides)
    {
        JsonPart root = JsonPart.Parse(file, json);
        TokenModel model = ModelJson.Read(root["model"]);
        Normalizer? normalizer = root["normalizer"] is { IsPresent: true } part ? ReadNormalizer(part, 0) : null;
        List<AddedToken> addedTokens = ReadAddedTokens(root["added_tokens"], model.Vocabulary, overrides);
        var added = new AddedTokens(file, addedTokens, normalizer);
        string TextOf(int id) => added.Find(id)?.Content ?? model.Vocabulary.TextOf(id) ?? "";
        int? IdOf(string? text) => text is null ? null : added.IdOf(text) ?? (model.Vocabulary.TryGet(text, out int id) ? id : null);

        PostProcessor? postProcessor = root["post_processor"] is { IsPresent: true } post ? ReadPostProcessor(post, TextOf, 0) : null;
        if (overrides.AddBeginOfText is not null || overrides.AddEndOfText is not null)
            postProcessor = Around(file, postProcessor, overrides, IdOf);

        return new TokenizerParts(
            added,
            normalizer,
            root["pre_tokenizer"] is { IsPresent: true } pre ? ReadPreTokenizer(pre, 0) : null,
            model,
            postProcessor,
            root["decoder"] is { IsPresent: true } decoder ? ReadDecoder(decoder, 0) : null,
            Math.Max(model.Vocabulary.Size, addedTokens.Count == 0 ? 0 : addedTokens.Max(token => token.Id) + 1),
            IdOf(overrides.BeginOfText),
            IdOf(overrides.EndOfText),
            root["truncation"] is { IsPresent: true } truncation ? truncation["max_length"].Number(int.MaxValue, 0, int.MaxValue) : null,
            root["padding"] is { IsPresent: true } padding ? padding["pad_id"].Number(0, 0, Vocabulary.MostTokens) : null);
    }

    // add_bos_token and add_eos_token make Transformers write a template of its own. What BERT and RoBERTa put around a text is not meant.
    private static PostProcessor? Around(string file, PostProcessor? given, TokenizerOverrides overrides, Func<string?, int?> idOf)
    {
        if (given is ClassifierProcessor)
            return given;
        int Wanted(bool? add, string? token, string key) => add != true ? -1 : idOf(token)
            ?? throw new ModelFileException(file, null, $"tokenizer_config.json asks for the {key} around texts, but {(token is null ? "names none" : $"{token} is not in the vocabulary")}");
        return TemplateProcessor.Around(
            Wanted(overrides.AddBeginOfText, overrides.BeginOfText, "bos_token"),
            Wanted(overrides.AddEndOfText, overrides.EndOfText, "eos_token"));
    }

    private static List<AddedToken> ReadAddedTokens(JsonPart list, Vocabulary vocabulary, TokenizerOverrides overrides)
    {
        var tokens = new List<AddedToken>();
        foreach (JsonPart item in list.IsPresent ? list.Items() : [])
        {
            string content = CodePoints.Repaired(item["content"].Text());
            bool special = item["special"].Flag(false);
            tokens.Add(new AddedToken(
                // The model's own number counts where it knows the text.
                vocabulary.TryGet(content, out int known) ? known : item["id"].Number(-1, 0, Vocabulary.MostTokens - 1) is >= 0 and var id ? id : throw item.Refusal("has no id"),
                content,
                special,
                item["normalized"].Flag(!special),
                item["lstrip"].Flag(false),
                item["rstrip"].Flag(false),
                item["single_word"].Flag(false)));
        }

        var numbers = tokens.Select(token => token.Id).ToHashSet();
        tokens.AddRange(overrides.AddedTokens.Where(token => numbers.Add(token.Id)));
        return tokens;
    }

    internal static Normalizer? ReadNormalizer(JsonPart part, int depth)
    {
        switch (part.Type)
        {
            case "Sequence":
                return new NormalizerSequence([.. Steps(part["normalizers"], depth).Select(step => ReadNormalizer(step, depth + 1)).OfType<Normalizer>()]);
            case "NFC":
                return new UnicodeForm(NormalizationKind.Nfc);
            case "NFD":
                return new UnicodeForm(NormalizationKind.Nfd);
            case "NFKC":
                return new UnicodeForm(NormalizationKind.Nfkc);
            case "NFKD":
                return new UnicodeForm(NormalizationKind.Nfkd);
            case "Lowercase":
                return new Lowercase();
            case "BertNormalizer":
                bool lowercase = part["lowercase"].Flag(true);
                return new BertNormalizer(part["clean_text"].Flag(true), part["handle_chinese_chars"].Flag(true), part["strip_accents"].Flag(lowercase), lowercase);
            case "Replace":
                return new Replace(ReadPattern(part["pattern"]), part["content"].Text());
            case "Prepend":
                return new Prepend(part["prepend"].Text());
            case "Strip":
                return new Strip(part["strip_left"].Flag(true), part["strip_right"].Flag(true));
            case "StripAccents":
                return new StripAccents();
            case "Nmt":
                return new Nmt();
            case "ByteLevel":
                return new ByteLevelNormalizer();
            case "Precompiled":
                JsonPart map = part["precompiled_charsmap"];
                if (!map.IsPresent)
                    return null;
                byte[] bytes = new byte[map.Text().Length];
                return Convert.TryFromBase64String(map.Text(), bytes, out int length)
                    ? Precompiled.Read(part.File, bytes.AsSpan(0, length))
                    : throw map.Refusal("is not base64");
            default:
                throw part.Unsupported("normalizer");
        }
    }

    internal static PreTokenizer ReadPreTokenizer(JsonPart part, int depth)
    {
        switch (part.Type)
        {
            case "Sequence":
                return new PreTokenizerSequence([.. Steps(part["pretokenizers"], depth).Select(step => ReadPreTokenizer(step, depth + 1))]);
            case "ByteLevel":
                return new ByteLevel(part["add_prefix_space"].Flag(true), part["use_regex"].Flag(true));
            case "Split":
                return new Split(ReadPattern(part["pattern"]), ReadBehavior(part["behavior"], null), part["invert"].Flag(false));
            case "Metaspace":
                return new Metaspace(part["replacement"].Character('▁'), ReadPrepend(part), part["split"].Flag(true));
            case "BertPreTokenizer":
                return SmallPreTokenizers.Bert;
            case "Digits":
                return SmallPreTokenizers.Digits(part["individual_digits"].Flag(false));
            case "Punctuation":
                return SmallPreTokenizers.Punctuation(ReadBehavior(part["behavior"], DelimiterBehavior.Isolated));
            case "Whitespace":
                return SmallPreTokenizers.Whitespace;
            case "WhitespaceSplit":
                return SmallPreTokenizers.WhitespaceSplit;
            case "UnicodeScripts":
                return new UnicodeScripts();
            case "FixedLength":
                return new FixedLength(part["length"].Number(5, 1, int.MaxValue));
            case "CharDelimiterSplit":
                return SmallPreTokenizers.CharDelimiterSplit(part["delimiter"].Character(-1) is >= 0 and var delimiter ? delimiter : throw part.Refusal("names no delimiter"));
            default:
                throw part.Unsupported("pre-tokenizer");
        }
    }

    private static PostProcessor ReadPostProcessor(JsonPart part, Func<int, string> textOf, int depth)
    {
        switch (part.Type)
        {
            case "Sequence":
                return new PostProcessorSequence([.. Steps(part["processors"], depth).Select(step => ReadPostProcessor(step, textOf, depth + 1))]);
            case "ByteLevel":
                return part["trim_offsets"].Flag(true) ? new OffsetTrim(part["add_prefix_space"].Flag(true), textOf) : new PostProcessorSequence([]);
            case "TemplateProcessing":
                return new TemplateProcessor(ReadTemplate(part, "single", 1), ReadTemplate(part, "pair", 2));
            case "BertProcessing":
                return new ClassifierProcessor(ReadNamed(part["cls"]), ReadNamed(part["sep"]), isRoberta: false, null);
            case "RobertaProcessing":
                return new ClassifierProcessor(ReadNamed(part["cls"]), ReadNamed(part["sep"]), isRoberta: true,
                    part["trim_offsets"].Flag(true) ? new OffsetTrim(part["add_prefix_space"].Flag(true), textOf) : null);
            default:
                throw part.Unsupported("post-processor");
        }
    }

    // ["[SEP]", 102]
    private static int ReadNamed(JsonPart pair) => pair.At(1).Number(0, 0, Vocabulary.MostTokens - 1);

    private static List<TemplatePart> ReadTemplate(JsonPart part, string which, int texts)
    {
        var tokens = new Dictionary<string, int[]>(StringComparer.Ordinal);
        foreach ((string name, JsonPart token) in part["special_tokens"] is { IsPresent: true } special ? special.Members() : [])
            tokens[name] = [.. token["ids"].Items().Select(id => id.Number(0, 0, Vocabulary.MostTokens - 1))];
        var template = new List<TemplatePart>();
        foreach (JsonPart item in part[which].IsPresent ? Steps(part[which], 0) : [])
        {
            JsonPart sequence = item["Sequence"];
            JsonPart token = item["SpecialToken"];
            if (sequence.IsPresent)
            {
                int index = sequence["id"].Text() switch
                {
                    "A" => 0,
                    "B" when texts == 2 => 1,
                    var other => throw sequence.Refusal($"asks for the text {other}"),
                };
                template.Add(new TemplatePart(index, sequence["type_id"].Number(0, 0, 1_000), []));
            }
            else
            {
                string name = token["id"].Text();
                template.Add(new TemplatePart(-1, token["type_id"].Number(0, 0, 1_000), tokens.TryGetValue(name, out int[]? ids) ? ids : throw token.Refusal($"names {name}, which special_tokens lacks")));
            }
        }

        return template;
    }

    private static DecodeStep ReadDecoder(JsonPart part, int depth)
    {
        switch (part.Type)
        {
            case "Sequence":
                return new DecodeSequence([.. Steps(part["decoders"], depth).Select(step => ReadDecoder(step, depth + 1))]);
            case "ByteLevel":
                return new ByteLevelDecode();
            case "ByteFallback":
                return new ByteFallbackDecode();
            case "Fuse":
                return new FuseDecode();
            case "Strip":
                return new StripDecode(part["content"].Character(' '), part["start"].Number(0, 0, int.MaxValue), part["stop"].Number(0, 0, int.MaxValue));
            case "Replace":
                return new ReplaceDecode(ReadPattern(part["pattern"]), part["content"].Text());
            case "Metaspace":
                return new MetaspaceDecode(part["replacement"].Character('▁'), ReadPrepend(part) != PrependScheme.Never);
            case "WordPiece":
                return new WordPieceDecode(part["prefix"].Text("##"), part["cleanup"].Flag(true));
            case "BPEDecoder":
                return new SuffixDecode(part["suffix"].Text("</w>"));
            case "CTC":
                return new CtcDecode(part["pad_token"].Text("<pad>"), part["word_delimiter_token"].Text("|"), part["cleanup"].Flag(true));
            default:
                throw part.Unsupported("decoder");
        }
    }

    private static IEnumerable<JsonPart> Steps(JsonPart list, int depth)
    {
        if (depth > 8)
            throw list.Refusal("nests sequences more than eight deep");
        return list.Count <= MostSteps ? list.Items() : throw list.Refusal($"has {list.Count} steps; at most {MostSteps} are supported");
    }

    private static Pattern ReadPattern(JsonPart part)
    {
        if (part["Regex"] is { IsPresent: true } regex)
            return Pattern.Parse(part.File, regex.Text());
        return Pattern.Literal(part.File, part["String"].Text());
    }

    private static DelimiterBehavior ReadBehavior(JsonPart part, DelimiterBehavior? otherwise)
    {
        if (!part.IsPresent && otherwise is { } given)
            return given;
        return part.Text() switch
        {
            "Removed" => DelimiterBehavior.Removed,
            "Isolated" => DelimiterBehavior.Isolated,
            "MergedWithPrevious" => DelimiterBehavior.MergedWithPrevious,
            "MergedWithNext" => DelimiterBehavior.MergedWithNext,
            "Contiguous" => DelimiterBehavior.Contiguous,
            var other => throw part.Refusal($"is {other}, a behavior that is not supported"),
        };
    }

    // Newer files say prepend_scheme, older ones add_prefix_space.
    private static PrependScheme ReadPrepend(JsonPart part)
    {
        bool prefix = part["add_prefix_space"].Flag(true);
        if (!part["prepend_scheme"].IsPresent)
            return prefix ? PrependScheme.Always : PrependScheme.Never;
        PrependScheme scheme = part["prepend_scheme"].Text() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            var other => throw part.Refusal($"has the prepend_scheme {other}, which is not supported"),
        };
        return prefix || scheme == PrependScheme.Never ? scheme : throw part.Refusal("says add_prefix_space false and a prepend_scheme that prepends");
    }
}
