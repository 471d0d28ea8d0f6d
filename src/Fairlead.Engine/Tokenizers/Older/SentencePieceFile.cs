using System.Buffers.Binary;
using Fairlead.Engine.Formats;

namespace Fairlead.Engine.Tokenizers.Older;

/// <summary>A <c>tokenizer.model</c>: SentencePiece's own file, a protocol buffer (<c>sentencepiece_model.proto</c>).</summary>
internal sealed class SentencePieceFile
{
    private readonly string _file;
    private readonly List<(string Text, float Score, PieceType Type)> _pieces = [];
    private byte[] _charsmap = [];
    private bool _addsSpace = true;
    private bool _removesExtraSpaces = true;
    private int _unknown;

    private SentencePieceFile(string file, int expected)
    {
        _file = file;
        Vocabulary = new Vocabulary(file, expected);
    }

    private enum PieceType
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    public Vocabulary Vocabulary { get; }

    public bool IsUnigram { get; private set; } = true;

    public bool ByteFallback { get; private set; }

    public int Begin { get; private set; } = 1;

    public int End { get; private set; } = 2;

    public SentencePieceSettings Settings => new(
        [.. _pieces.Select(piece => piece.Score)],
        _unknown,
        id => _pieces[id].Type is PieceType.Normal or PieceType.UserDefined,
        _addsSpace,
        _removesExtraSpaces,
        _charsmap);

    /// <summary>The tokens that are found in the text itself.</summary>
    public IReadOnlyList<AddedToken> AddedTokens =>
    [
        .. _pieces.Select((piece, id) => (piece, id))
            .Where(one => one.piece.Type is PieceType.Unknown or PieceType.Control or PieceType.UserDefined)
            .Select(one => new AddedToken(one.id, Vocabulary.TextOf(one.id)!, Special: one.piece.Type != PieceType.UserDefined)),
    ];

    /// <exception cref="ModelFileException">The file is no such protocol buffer, or of a model type other than Unigram and BPE.</exception>
    public static SentencePieceFile Read(string file, ReadOnlySpan<byte> bytes)
    {
        var model = new SentencePieceFile(file, 1 << 15);
        var fields = new Fields(file, bytes);
        while (fields.Next(out int number, out _, out ReadOnlySpan<byte> part))
        {
            switch (number)
            {
                case 1:
                    model.ReadPiece(part);
                    break;
                case 2:
                    model.ReadTrainer(part);
                    break;
                case 3:
                    model.ReadNormalizer(part);
                    break;
            }
        }

        int count = model._pieces.Count;
        if (count == 0)
            throw new ModelFileException(file, null, "the file has no pieces: it is no SentencePiece model");
        if (model._unknown >= count)
            throw new ModelFileException(file, null, $"unk_id is {model._unknown} in a vocabulary of {count}");
        model.Begin = model.Begin < count ? model.Begin : -1;
        model.End = model.End < count ? model.End : -1;
        return model;
    }

    private void ReadPiece(ReadOnlySpan<byte> bytes)
    {
        string text = "";
        float score = 0;
        PieceType type = PieceType.Normal;
        var fields = new Fields(_file, bytes);
        while (fields.Next(out int number, out long value, out ReadOnlySpan<byte> part))
        {
            switch (number)
            {
                case 1:
                    text = System.Text.Encoding.UTF8.GetString(part);
                    break;
                case 2:
                    score = BitConverter.Int32BitsToSingle((int)value);
                    break;
                case 3:
                    type = (PieceType)value;
                    break;
            }
        }

        if (!float.IsFinite(score))
            throw new ModelFileException(_file, null, $"piece {_pieces.Count} has a score that is no number");
        Vocabulary.Add(text, _pieces.Count);
        _pieces.Add((text, score, type));
    }

    private void ReadTrainer(ReadOnlySpan<byte> bytes)
    {
        var fields = new Fields(_file, bytes);
        while (fields.Next(out int number, out long value, out _))
        {
            switch (number)
            {
                case 3:
                    IsUnigram = value switch
                    {
                        1 => true,
                        2 => false,
                        _ => throw new ModelFileException(_file, null, $"the model is of type {value}; Unigram (1) and BPE (2) are supported"),
                    };
                    break;
                case 35:
                    ByteFallback = value != 0;
                    break;
                case 40:
                    _unknown = Number(value);
                    break;
                case 41:
                    Begin = Number(value);
                    break;
                case 42:
                    End = Number(value);
                    break;
            }
        }
    }

    private void ReadNormalizer(ReadOnlySpan<byte> bytes)
    {
        var fields = new Fields(_file, bytes);
        while (fields.Next(out int number, out long value, out ReadOnlySpan<byte> part))
        {
            switch (number)
            {
                case 2:
                    _charsmap = part.ToArray();
                    break;
                case 3:
                    _addsSpace = value != 0;
                    break;
                case 4:
                    _removesExtraSpaces = value != 0;
                    break;
            }
        }
    }

    private static int Number(long value) => value is >= 0 and < Vocabulary.MostTokens ? (int)value : -1;

    // The fields of a message, one after the other: a number, or bytes.
    private ref struct Fields(string file, ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _left = bytes;

        public bool Next(out int number, out long value, out ReadOnlySpan<byte> part)
        {
            number = 0;
            value = 0;
            part = default;
            if (_left.IsEmpty)
                return false;
            ulong tag = Varint();
            number = (int)Math.Min(tag >> 3, int.MaxValue);
            switch (tag & 7)
            {
                case 0:
                    value = unchecked((long)Varint());
                    return true;
                case 1:
                    value = BinaryPrimitives.ReadInt64LittleEndian(Take(8));
                    return true;
                case 2:
                    part = Take(Varint());
                    return true;
                case 5:
                    value = BinaryPrimitives.ReadInt32LittleEndian(Take(4));
                    return true;
                default:
                    throw new ModelFileException(file, null, $"field {number} is of wire type {tag & 7}: the file is no SentencePiece model");
            }
        }

        private ReadOnlySpan<byte> Take(ulong length)
        {
            if (length > (ulong)_left.Length)
                throw new ModelFileException(file, null, "the file ends in the middle of a field");
            ReadOnlySpan<byte> taken = _left[..(int)length];
            _left = _left[(int)length..];
            return taken;
        }

        private ulong Varint()
        {
            ulong value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                byte next = Take(1)[0];
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80)
                    return value;
            }

            throw new ModelFileException(file, null, "a number is longer than 64 bits: the file is no SentencePiece model");
        }
    }
}
