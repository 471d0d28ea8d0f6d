using Fairlead.Engine.Formats;
using Fairlead.Engine.Tokenizers.Decoders;
using Fairlead.Engine.Tokenizers.Gguf;
using Fairlead.Engine.Tokenizers.Models;
using Fairlead.Engine.Tokenizers.Normalizers;
using Fairlead.Engine.Tokenizers.Older;
using Fairlead.Engine.Tokenizers.PostProcessors;
using Fairlead.Engine.Tokenizers.PreTokenizers;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers;

/// <summary>A model's tokenizer: text to tokens and back, exactly as Hugging Face's <c>tokenizers</c> (0.22) does it from the same file.</summary>
/// <remarks>
/// A text passes: added tokens are cut out → normalizer → pre-tokenizer cuts pieces → the model makes tokens of each → post-processor adds
/// special tokens. Immutable and safe for any number of threads. Unpaired surrogates in a text count as U+FFFD.
/// Truncation and padding that a file declares are exposed and not applied, as Transformers does unless asked: the length that fits is the
/// model's business, and padding the batch's.
/// </remarks>
public sealed class Tokenizer
{
    private readonly AddedTokens _added;
    private readonly Normalizer? _normalizer;
    private readonly PreTokenizer? _preTokenizer;
    private readonly TokenModel _model;
    private readonly PostProcessor? _postProcessor;
    private readonly DecodeStep _decoder;
    private readonly Lazy<byte[][]> _bytes;

    internal Tokenizer(TokenizerParts parts)
    {
        _added = parts.Added;
        _normalizer = parts.Normalizer;
        _preTokenizer = parts.PreTokenizer;
        _model = parts.Model;
        _postProcessor = parts.PostProcessor;
        _decoder = parts.Decoder ?? new SpacedDecode();
        VocabularySize = parts.VocabularySize;
        BeginOfText = parts.BeginOfText;
        EndOfText = parts.EndOfText;
        MaxLength = parts.MaxLength;
        PaddingToken = parts.PaddingToken;
        _bytes = new Lazy<byte[][]>(AllBytes);
    }

    /// <summary>One more than the largest token number. A model's head may be larger: numbers beyond have no token.</summary>
    public int VocabularySize { get; }

    /// <summary>Number of the token that begins a text, where <c>tokenizer_config.json</c> or the GGUF file names one.</summary>
    public int? BeginOfText { get; }

    /// <summary>Number of the token that ends a text, where <c>tokenizer_config.json</c> or the GGUF file names one.</summary>
    public int? EndOfText { get; }

    /// <summary>Length in tokens at which the file says to truncate; null where it says nothing. Not applied by <see cref="Encode(string, bool)"/>.</summary>
    public int? MaxLength { get; }

    /// <summary>Number of the token with which the file says to pad; null where it says nothing.</summary>
    public int? PaddingToken { get; }

    /// <summary>
    /// The tokenizer of a model: its <c>tokenizer.json</c> with <c>tokenizer_config.json</c>, the vocabulary of its GGUF file, or one of the
    /// older files: <c>tokenizer.model</c>, <c>vocab.json</c> with <c>merges.txt</c>, <c>vocab.txt</c>.
    /// </summary>
    /// <exception cref="ModelFileException">There is none, or it is refused.</exception>
    public static Tokenizer Of(ModelFolder folder)
    {
        TokenizerOverrides overrides = folder.TokenizerConfig is { } config ? TokenizerOverrides.From(config) : new TokenizerOverrides();
        if (folder.TokenizerJson is { } json)
            return FromJson(folder.NameOf("tokenizer.json"), json, overrides);
        return folder.Gguf is { } gguf ? FromGguf(gguf) : new Tokenizer(OlderFiles.Read(folder, overrides));
    }

    /// <summary>Reads a <c>tokenizer.json</c>.</summary>
    /// <param name="fileName">The file's name, for messages.</param>
    /// <param name="overrides">What <c>tokenizer_config.json</c> says, if there is one.</param>
    /// <exception cref="ModelFileException">The file is malformed or uses a component that is not supported; the message names it.</exception>
    public static Tokenizer FromJson(string fileName, ReadOnlySpan<byte> tokenizerJson, TokenizerOverrides? overrides = null) =>
        new(TokenizerJson.Read(fileName, tokenizerJson, overrides ?? new TokenizerOverrides()));

    /// <summary>Reads the vocabulary of a GGUF file; the file may be disposed afterwards.</summary>
    /// <exception cref="ModelFileException">The file has none, or one of a kind that is not supported; the message names it.</exception>
    public static Tokenizer FromGguf(GgufFile file) => new(GgufVocabulary.Read(file));

    /// <summary>Tokens of a text.</summary>
    /// <param name="addSpecialTokens">Put the special tokens around it that the file asks for. Those that stand in the text are recognised either way.</param>
    public Encoding Encode(string text, bool addSpecialTokens) => Encode(text, addSpecialTokens, int.MaxValue);

    /// <summary>Tokens of a text, at most <paramref name="maxTokens"/> with the special tokens, of which none is lost: the text's end is.</summary>
    public Encoding Encode(string text, bool addSpecialTokens, int maxTokens)
    {
        EncodingDraft draft = Draft(text, typeId: 0);
        draft.Truncate(Math.Max(0, maxTokens - (addSpecialTokens ? _postProcessor?.Added(pair: false) ?? 0 : 0)));
        return Finish([draft], addSpecialTokens);
    }

    /// <summary>Tokens of two texts as one input. Offsets count in each text from its own beginning.</summary>
    public Encoding EncodePair(string first, string second, bool addSpecialTokens) => EncodePair(first, second, addSpecialTokens, int.MaxValue);

    /// <summary>Tokens of two texts, at most <paramref name="maxTokens"/>: the longer text loses its end first (<c>longest_first</c>).</summary>
    public Encoding EncodePair(string first, string second, bool addSpecialTokens, int maxTokens)
    {
        EncodingDraft a = Draft(first, typeId: 0);
        EncodingDraft b = Draft(second, typeId: 1);
        int room = Math.Max(0, maxTokens - (addSpecialTokens ? _postProcessor?.Added(pair: true) ?? 0 : 0));
        if ((long)a.Count + b.Count > room)
        {
            // Both to the same length, or the shorter one whole and the longer one what is left.
            int shorter = Math.Min(Math.Min(a.Count, b.Count), room / 2);
            if (a.Count <= b.Count)
            {
                a.Truncate(shorter);
                b.Truncate(room - a.Count);
            }
            else
            {
                b.Truncate(shorter);
                a.Truncate(room - b.Count);
            }
        }

        return Finish([a, b], addSpecialTokens);
    }

    /// <summary>The text of tokens. Numbers without a token are passed over.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens)
    {
        StreamDecoder decoder = NewStreamDecoder(skipSpecialTokens);
        foreach (int id in ids)
            decoder.Push(id);
        return decoder.Flush();
    }

    /// <summary>A decoder for one text whose tokens come one by one.</summary>
    public StreamDecoder NewStreamDecoder(bool skipSpecialTokens) => new(this, _decoder, skipSpecialTokens);

    /// <summary>Number of the token of that text; null where there is none.</summary>
    public int? IdOf(string token) => _added.IdOf(token) ?? (_model.Vocabulary.TryGet(token, out int id) ? id : null);

    /// <summary>Text of a token as the vocabulary writes it; empty for a number without one.</summary>
    public string TokenOf(int id) => TextOf(id) ?? "";

    /// <summary>Whether the token is a control token rather than text.</summary>
    public bool IsSpecial(int id) => _added.Find(id) is { Special: true };

    /// <summary>
    /// The bytes that a token adds in the middle of a text; empty for special tokens and for numbers without a token. Those of a byte-level
    /// or byte token may be part of a character.
    /// </summary>
    public ReadOnlyMemory<byte> BytesOf(int id) => (uint)id < (uint)VocabularySize ? _bytes.Value[id] : ReadOnlyMemory<byte>.Empty;

    internal string? TextOf(int id) => _added.Find(id)?.Content ?? _model.Vocabulary.TextOf(id);

    internal bool IsSpecialText(string token) => _added.IsSpecial(token);

    private byte[][] AllBytes()
    {
        byte[][] all = new byte[VocabularySize][];
        for (int id = 0; id < all.Length; id++)
        {
            if (TextOf(id) is not { } text || IsSpecialText(text))
            {
                all[id] = [];
                continue;
            }

            TokenBytes middle = _decoder.Middle(new TokenBytes(text, null));
            all[id] = middle.Bytes ?? System.Text.Encoding.UTF8.GetBytes(middle.Text);
        }

        return all;
    }

    private Encoding Finish(List<EncodingDraft> parts, bool addSpecialTokens)
    {
        _postProcessor?.Apply(parts, addSpecialTokens);
        for (int i = 1; i < parts.Count; i++)
            parts[0].Add(parts[i], typeId: null);
        return parts[0].Build();
    }

    private EncodingDraft Draft(string text, int typeId)
    {
        text = CodePoints.Repaired(text);
        var draft = new EncodingDraft();
        var parts = new List<AddedTokens.Part>();
        _added.CutRaw(text, parts);
        foreach (AddedTokens.Part part in parts)
        {
            if (part.Id >= 0)
                draft.Add(part.Id, part.Start, part.End, typeId);
            else
                Stretch(AlignedText.Of(text.AsMemory(part.Start, part.End - part.Start), part.Start), draft, typeId);
        }

        if (CodePoints.HasSurrogates(text))
            CountCharacters(text, draft);
        return draft;
    }

    // What lies between two added tokens of the text as it came.
    private void Stretch(AlignedText raw, EncodingDraft draft, int typeId)
    {
        AlignedText text = _normalizer?.Apply(raw) ?? raw;
        var parts = new List<AddedTokens.Part>();
        _added.CutNormalized(text.Span, parts);
        foreach (AddedTokens.Part part in parts)
        {
            if (part.Id >= 0)
                draft.Add(part.Id, text.StartOf(part.Start), text.EndOf(part.End - 1), typeId);
            else
                Pieces(text.Slice(part.Start, part.End), draft, typeId);
        }
    }

    private void Pieces(AlignedText text, EncodingDraft draft, int typeId)
    {
        var pieces = new PieceList(text);
        _preTokenizer?.Apply(pieces);
        var tokens = new List<ModelToken>();
        AlignedText cut = pieces.Text;
        for (int i = 0; i < pieces.Count; i++)
        {
            (int start, int end) = pieces[i];
            ReadOnlySpan<char> piece = cut.Span[start..end];
            tokens.Clear();
            _model.Tokenize(piece, tokens);
            foreach (ModelToken token in tokens)
            {
                draft.Add(token.Id, cut.StartOf(start + token.Start), cut.EndOf(start + token.End - 1), typeId,
                    token.IsText ? piece[token.Start..token.End].ToString() : null);
            }
        }
    }

    // So far offsets count UTF-16 units; Hugging Face counts characters.
    private static void CountCharacters(string text, EncodingDraft draft)
    {
        int[] before = new int[text.Length + 1];
        int count = 0;
        for (int i = 0; i < text.Length; i++)
        {
            before[i] = count;
            count += char.IsHighSurrogate(text[i]) ? 0 : 1; // of a pair, the second half counts
        }

        before[text.Length] = count;
        for (int i = 0; i < draft.Count; i++)
            draft.Offsets[i] = (before[draft.Offsets[i].Start], before[draft.Offsets[i].End]);
    }
}

/// <summary>What a tokenizer is made of.</summary>
internal sealed record TokenizerParts(
    AddedTokens Added,
    Normalizer? Normalizer,
    PreTokenizer? PreTokenizer,
    TokenModel Model,
    PostProcessor? PostProcessor,
    DecodeStep? Decoder,
    int VocabularySize,
    int? BeginOfText,
    int? EndOfText,
    int? MaxLength = null,
    int? PaddingToken = null);
