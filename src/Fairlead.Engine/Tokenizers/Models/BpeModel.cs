using System.Text;
using Fairlead.Engine.Tokenizers.Unicode;

namespace Fairlead.Engine.Tokenizers.Models;

/// <summary>What a BPE model may ask for besides vocabulary and merges.</summary>
/// <param name="UnknownToken">Number of the token for characters outside the vocabulary; −1: they are dropped.</param>
/// <param name="ContinuingPrefix">Before every symbol of a word but the first, when it is looked up.</param>
/// <param name="WordSuffix">Behind the last symbol of a word: <c>&lt;/w&gt;</c>.</param>
/// <param name="FuseUnknown">Unknown characters next to each other are one token.</param>
/// <param name="ByteFallback">Unknown characters become the tokens of their bytes, if the vocabulary has them.</param>
/// <param name="IgnoreMerges">A piece that is a token is that token, whatever the merges say.</param>
internal sealed record BpeSettings(
    int UnknownToken = -1,
    string ContinuingPrefix = "",
    string WordSuffix = "",
    bool FuseUnknown = false,
    bool ByteFallback = false,
    bool IgnoreMerges = false);

/// <summary><c>BPE</c>: from single characters up, always the merge of the lowest rank, the leftmost first (Sennrich 2016).</summary>
/// <remarks>
/// Ranks come from the order of the merges, or from scores, where SentencePiece trained the model. Short pieces are merged by looking for the
/// lowest rank over and over, long ones through a heap, so that ten million characters without a border cost n·log n. Words are
/// remembered in a table of fixed size.
/// </remarks>
internal sealed class BpeModel : TokenModel
{
    private const int ShortPiece = 48; // symbols; above it a heap is faster than looking through all of them
    private const int PairBits = 1 << 20;

    private readonly BpeSettings _settings;
    private readonly BpeMerges _merges;
    private readonly int[] _bmp = new int[0x10000]; // number of the token that is this one character; −1
    private readonly Dictionary<int, int> _astral = [];
    private readonly int[]? _bytes;
    private readonly bool _everyByte;
    private readonly WordCache _cache = new();
    private readonly ulong[]? _joined; // null: pieces are never cut

    public BpeModel(Vocabulary vocabulary, BpeMerges merges, BpeSettings settings) : base(vocabulary)
    {
        _settings = settings;
        _merges = merges;
        _bytes = settings.ByteFallback ? vocabulary.ByteTokens() : null;
        _everyByte = _bytes is not null && Array.TrueForAll(_bytes, static id => id >= 0);
        Array.Fill(_bmp, -1);
        foreach ((string token, int id) in vocabulary.Tokens)
        {
            if (token.Length is 1)
                _bmp[token[0]] = id;
            else if (token.Length == 2 && char.IsSurrogatePair(token[0], token[1]))
                _astral[char.ConvertToUtf32(token[0], token[1])] = id;
        }

        foreach ((int codePoint, int symbol) in merges.Strangers)
        {
            if (codePoint <= 0xFFFF)
                _bmp[codePoint] = symbol;
            else
                _astral[codePoint] = symbol;
        }

        if (settings.ContinuingPrefix.Length == 0 && settings.WordSuffix.Length == 0)
            _joined = JoinedPairs();
    }

    public override void Tokenize(ReadOnlySpan<char> piece, List<ModelToken> into)
    {
        if (_settings.IgnoreMerges && Vocabulary.TryGet(piece, out int whole))
        {
            into.Add(new ModelToken(whole, 0, piece.Length));
            return;
        }

        if (piece.Length <= WordCache.LongestWord)
        {
            Word(piece, 0, into);
            return;
        }

        // A long piece falls apart where no merge can ever join its neighbours: for a model without pre-tokenizer that is between words.
        int begun = 0;
        for (int at = 1; _joined is not null && at < piece.Length; at++)
        {
            if (IsBorder(piece, at))
            {
                Word(piece[begun..at], begun, into);
                begun = at;
            }
        }

        Word(piece[begun..], begun, into);
    }

    // The tokens of a stretch that begins at `offset` of its piece.
    private void Word(ReadOnlySpan<char> word, int offset, List<ModelToken> into)
    {
        ReadOnlySpan<ModelToken> known = _cache.Find(word);
        if (!known.IsEmpty)
        {
            foreach (ModelToken token in known)
                into.Add(offset == 0 ? token : token with { Start = token.Start + offset, End = token.End + offset });
            return;
        }

        int before = into.Count;
        Merge(word, into);
        _cache.Remember(word, into, before);
        for (int i = before; offset != 0 && i < into.Count; i++)
            into[i] = into[i] with { Start = into[i].Start + offset, End = into[i].End + offset };
    }

    private void Merge(ReadOnlySpan<char> word, List<ModelToken> into)
    {
        int capacity = word.Length + (_bytes is null ? 0 : word.Length * 2);
        Span<Symbol> symbols = capacity <= 256 ? stackalloc Symbol[256] : new Symbol[capacity];
        int count = Symbols(word, symbols);
        symbols = symbols[..count];
        count = count <= ShortPiece ? MergeByLooking(symbols) : BpeHeap.Merge(symbols, _merges);
        foreach (Symbol symbol in symbols[..count])
        {
            if (symbol.Id < Vocabulary.Size)
                into.Add(new ModelToken(symbol.Id, symbol.Start, symbol.End));
            else
                AddStranger(word[symbol.Start..symbol.End], symbol, into);
        }
    }

    // The single characters, before anything is merged.
    private int Symbols(ReadOnlySpan<char> word, Span<Symbol> symbols)
    {
        int count = 0;
        int unknownStart = -1, unknownEnd = 0; // an unknown token that may still grow
        Span<byte> utf8 = stackalloc byte[4];
        for (int at = 0; at < word.Length;)
        {
            int codePoint = CodePoints.At(word, at, out int length);
            int end = at + length;
            int id = IdOf(codePoint, isFirst: at == 0, isLast: end == word.Length);
            if (id >= 0)
            {
                FlushUnknown(symbols, ref count, ref unknownStart, unknownEnd);
                symbols[count++] = new Symbol(id, at, end);
            }
            else if (_bytes is not null && TryBytes(codePoint, utf8, out int bytes))
            {
                foreach (byte value in utf8[..bytes])
                    symbols[count++] = new Symbol(_bytes[value], at, end);
            }
            else if (_settings.UnknownToken >= 0)
            {
                if (!_settings.FuseUnknown)
                    FlushUnknown(symbols, ref count, ref unknownStart, unknownEnd);
                unknownStart = unknownStart < 0 ? at : unknownStart;
                unknownEnd = end;
            }

            at = end;
        }

        FlushUnknown(symbols, ref count, ref unknownStart, unknownEnd);
        return count;
    }

    private void FlushUnknown(Span<Symbol> symbols, ref int count, ref int start, int end)
    {
        if (start < 0)
            return;
        symbols[count++] = new Symbol(_settings.UnknownToken, start, end);
        start = -1;
    }

    private int IdOf(int codePoint, bool isFirst, bool isLast)
    {
        if ((isFirst || _settings.ContinuingPrefix.Length == 0) && (!isLast || _settings.WordSuffix.Length == 0))
            return codePoint <= 0xFFFF ? _bmp[codePoint] : _astral.GetValueOrDefault(codePoint, -1);
        string text = (isFirst ? "" : _settings.ContinuingPrefix) + char.ConvertFromUtf32(codePoint) + (isLast ? _settings.WordSuffix : "");
        return Vocabulary.TryGet(text, out int id) ? id : -1;
    }

    private bool TryBytes(int codePoint, Span<byte> utf8, out int count)
    {
        count = new Rune(codePoint).EncodeToUtf8(utf8);
        foreach (byte value in utf8[..count])
        {
            if (_bytes![value] < 0)
                return false;
        }

        return true;
    }

    // A character that only merges know, and that found none: as if it were unknown.
    private void AddStranger(ReadOnlySpan<char> text, Symbol symbol, List<ModelToken> into)
    {
        Span<byte> utf8 = stackalloc byte[4];
        if (_bytes is not null && TryBytes(CodePoints.At(text, 0, out _), utf8, out int count))
        {
            foreach (byte value in utf8[..count])
                into.Add(new ModelToken(_bytes[value], symbol.Start, symbol.End));
        }
        else if (_settings.UnknownToken >= 0)
        {
            into.Add(new ModelToken(_settings.UnknownToken, symbol.Start, symbol.End));
        }
    }

    private int MergeByLooking(Span<Symbol> symbols)
    {
        int count = symbols.Length;
        Span<int> ranks = stackalloc int[ShortPiece];
        Span<int> merged = stackalloc int[ShortPiece];
        for (int i = 0; i + 1 < count; i++)
            ranks[i] = _merges.RankOf(symbols[i].Id, symbols[i + 1].Id, out merged[i]);
        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i + 1 < count; i++)
            {
                if (ranks[i] < ranks[best])
                    best = i;
            }

            if (ranks[best] == BpeMerges.None)
                break;
            symbols[best] = new Symbol(merged[best], symbols[best].Start, symbols[best + 1].End);
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            ranks[(best + 1)..(count - 1)].CopyTo(ranks[best..]);
            merged[(best + 1)..(count - 1)].CopyTo(merged[best..]);
            count--;
            if (best + 1 < count)
                ranks[best] = _merges.RankOf(symbols[best].Id, symbols[best + 1].Id, out merged[best]);
            if (best > 0)
                ranks[best - 1] = _merges.RankOf(symbols[best - 1].Id, symbols[best].Id, out merged[best - 1]);
        }

        return count;
    }

    private bool IsBorder(ReadOnlySpan<char> piece, int at)
    {
        (char left, char right) = (piece[at - 1], piece[at]);
        if (char.IsLowSurrogate(right))
            return false;
        int bit = PairBit(left, right);
        if ((_joined![bit >> 6] >> (bit & 63) & 1) != 0)
            return false;
        // Unknown neighbours may be fused, unless bytes stand in for every one of them.
        return _everyByte || _bmp[left] >= 0 || _bmp[right] >= 0;
    }

    // Which neighbours stand next to each other inside any merged token. Hashed into 2^20 bits: a wrong "yes" only cuts less often.
    private ulong[]? JoinedPairs()
    {
        ulong[] joined = new ulong[PairBits / 64];
        foreach (int id in _merges.Products)
        {
            string text = Vocabulary.TextOf(id) ?? "";
            if (_bytes is not null && text.StartsWith("<0x", StringComparison.Ordinal))
                return null; // bytes that take part in merges: their neighbours are not known by their text
            for (int i = 1; i < text.Length; i++)
            {
                int bit = PairBit(text[i - 1], text[i]);
                joined[bit >> 6] |= 1UL << (bit & 63);
            }
        }

        return joined;
    }

    private static int PairBit(char left, char right) => (int)(((uint)left * 0x9E3779B1 ^ (uint)right * 0x85EBCA77) >> 12);
}

/// <summary>A stretch of a word while it is merged.</summary>
internal readonly record struct Symbol(int Id, int Start, int End);
