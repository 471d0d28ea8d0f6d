using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Fairlead.Engine.Tensors;

namespace Fairlead.Engine.Formats;

/// <summary>One tensor of a GGUF file.</summary>
/// <param name="Type">How its values are stored.</param>
/// <param name="Shape">Outermost dimension first (the file has them the other way round).</param>
/// <param name="Offset">First byte, from the beginning of the file.</param>
/// <param name="Bytes">Its length.</param>
public sealed record GgufTensor(ElementType Type, ImmutableArray<long> Shape, long Offset, long Bytes);

/// <summary>A GGUF file, version 2 or 3, mapped: metadata and tensors. Format: ggml's docs/gguf.md.</summary>
/// <remarks>
/// Checked whole before anything is handed out: magic, version, at most <see cref="MaxKeys"/> keys and <see cref="MaxTensors"/> tensors, texts
/// of at most 1 MiB, lists that hold no lists, at most four dimensions of at most 2³¹−1, sizes in 128 bits, an alignment that is a power of
/// two up to 4096, every tensor inside the file and none over another. Values stay in the mapping until they are asked for, so opening
/// allocates names and little else.
/// </remarks>
public sealed unsafe class GgufFile : IDisposable
{
    /// <summary>Most metadata keys; real files have 20 to 60.</summary>
    public const int MaxKeys = 65_536;

    /// <summary>Most tensors; the largest published models have some 2,000.</summary>
    public const int MaxTensors = 65_536;

    /// <summary>Longest text, 1 MiB; the longest real ones are chat templates of 20 kB.</summary>
    public const int MaxTextBytes = 1 << 20;

    /// <summary>Most values in a list; the longest real ones are merges, some 500,000.</summary>
    public const int MaxListLength = 1 << 24;

    private readonly MappedFile _file;
    private readonly Dictionary<string, GgufValue> _metadata;
    private readonly Dictionary<string, GgufTensor> _tensors;

    private GgufFile(MappedFile file, int version, Dictionary<string, GgufValue> metadata, Dictionary<string, GgufTensor> tensors)
    {
        _file = file;
        Version = version;
        _metadata = metadata;
        _tensors = tensors;
    }

    /// <summary>The name that error messages use.</summary>
    public string Name => _file.Name;

    /// <summary>The file as it was when it was opened.</summary>
    public FileStamp Stamp => _file.Stamp;

    /// <summary>All that stands before the first tensor, which holds the metadata and with it the vocabulary.</summary>
    internal ReadOnlySpan<byte> Header
    {
        get
        {
            long end = _file.Length;
            foreach (GgufTensor tensor in _tensors.Values)
                end = Math.Min(end, tensor.Offset);
            return _file.Slice(0, (int)Math.Min(end, int.MaxValue));
        }
    }

    /// <summary>2 or 3; they differ in nothing that is read here.</summary>
    public int Version { get; }

    /// <summary>Every metadata key, in the order of the file.</summary>
    public IReadOnlyCollection<string> Keys => _metadata.Keys;

    /// <summary>Every tensor by its name in the file.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors => _tensors;

    /// <summary>Maps the file and checks its header whole.</summary>
    /// <exception cref="ModelFileException">It is not GGUF, breaks a rule above, or holds a tensor of a type that is not read.</exception>
    public static GgufFile Open(string path, string? name = null)
    {
        MappedFile file = MappedFile.Open(path, name);
        try
        {
            var (version, metadata, tensors) = GgufHeader.Read(file);
            return new GgufFile(file, version, metadata, tensors);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name (as the file spells it), or false where it has none.</summary>
    public bool TryGet(string name, out TensorView tensor)
    {
        if (!_tensors.TryGetValue(name, out GgufTensor? found))
        {
            tensor = default;
            return false;
        }

        tensor = new TensorView(found.Type, found.Shape, _file.Pointer + found.Offset);
        return true;
    }

    /// <summary>Whether the file has that key, and the type of its value; for a list the type of its elements.</summary>
    public bool TryGetType(string key, out GgufType type, out bool isList)
    {
        bool found = _metadata.TryGetValue(key, out GgufValue value);
        (type, isList) = (value.Type, value.IsList);
        return found;
    }

    /// <summary>A text, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no text.</exception>
    public string? Text(string key)
    {
        if (!TrySingle(key, out GgufValue value))
            return null;
        if (value.Type != GgufType.Text)
            throw Mismatch(key, value, "a text");
        return TextAt(value.Offset, out _);
    }

    /// <summary>A whole number of any width, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no whole number, or none of 63 bits.</exception>
    public long? Integer(string key) => TrySingle(key, out GgufValue value) ? IntegerAt(key, value, value.Offset) : null;

    /// <summary>A number of any type, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no number, or not finite.</exception>
    public double? Number(string key) => TrySingle(key, out GgufValue value) ? NumberAt(key, value, value.Offset) : null;

    /// <summary>True or false, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is neither.</exception>
    public bool? Flag(string key)
    {
        if (!TrySingle(key, out GgufValue value))
            return null;
        return value.Type == GgufType.Boolean ? *At(value.Offset) == 1 : throw Mismatch(key, value, "true or false");
    }

    /// <summary>A list of texts, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no list of texts.</exception>
    public string[]? Texts(string key)
    {
        if (!TryList(key, out GgufValue value))
            return null;
        if (value.Type != GgufType.Text)
            throw Mismatch(key, value, "a list of texts");
        string[] texts = new string[value.Count];
        long at = value.Offset;
        for (int i = 0; i < texts.Length; i++)
            texts[i] = TextAt(at, out at);
        return texts;
    }

    /// <summary>A list of whole numbers of 32 bits, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no such list.</exception>
    public int[]? Integers(string key)
    {
        if (!TryList(key, out GgufValue value))
            return null;
        int size = value.ElementBytes, count = value.Count;
        int[] numbers = new int[count];
        for (int i = 0; i < count; i++)
        {
            long number = IntegerAt(key, value, value.Offset + ((long)i * size));
            numbers[i] = number is >= int.MinValue and <= int.MaxValue ? (int)number : throw Mismatch(key, value, "a list of whole numbers of 32 bits");
        }

        return numbers;
    }

    /// <summary>A list of finite numbers, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no such list.</exception>
    public float[]? Numbers(string key)
    {
        if (!TryList(key, out GgufValue value))
            return null;
        int size = value.ElementBytes, count = value.Count;
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++)
            numbers[i] = (float)NumberAt(key, value, value.Offset + ((long)i * size));
        return numbers;
    }

    /// <summary>A refusal of this file that blames the value of <paramref name="key"/>.</summary>
    public ModelFileException Refuse(string key, string reason) =>
        new(Name, _metadata.TryGetValue(key, out GgufValue value) ? value.Offset : null, $"{Excerpt.Of(key)}: {reason}");

    /// <summary>Unmaps the file; every view into it is dead from here on.</summary>
    public void Dispose() => _file.Dispose();

    private bool TrySingle(string key, out GgufValue value) =>
        _metadata.TryGetValue(key, out value) && (!value.IsList ? true : throw Mismatch(key, value, "a single value"));

    private bool TryList(string key, out GgufValue value) =>
        _metadata.TryGetValue(key, out value) && (value.IsList ? true : throw Mismatch(key, value, "a list"));

    private ModelFileException Mismatch(string key, GgufValue value, string wanted) =>
        Refuse(key, $"{wanted} is wanted, this is {(value.IsList ? $"a list of {value.Count} values of type {value.Type}" : $"of type {value.Type}")}");

    // The header has been walked from end to end when these run: every value lies inside the mapping.
    private byte* At(long offset) => _file.Pointer + offset;

    private ReadOnlySpan<byte> Bytes(long offset, int length) => new(At(offset), length);

    private string TextAt(long offset, out long next)
    {
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(Bytes(offset, 8));
        next = offset + 8 + length;
        return Encoding.UTF8.GetString(Bytes(offset + 8, length));
    }

    private long IntegerAt(string key, GgufValue value, long offset) => value.Type switch
    {
        GgufType.UInt8 => *At(offset),
        GgufType.Int8 => (sbyte)*At(offset),
        GgufType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(offset, 2)),
        GgufType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(Bytes(offset, 2)),
        GgufType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(offset, 4)),
        GgufType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(Bytes(offset, 4)),
        GgufType.UInt64 when BinaryPrimitives.ReadInt64LittleEndian(Bytes(offset, 8)) < 0 => throw Refuse(key, "the number needs more than 63 bits"),
        GgufType.UInt64 or GgufType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(Bytes(offset, 8)),
        _ => throw Mismatch(key, value, "a whole number"),
    };

    private double NumberAt(string key, GgufValue value, long offset)
    {
        double number = value.Type switch
        {
            // through its shortest decimal form: 1e-5f is the 1e-5 that stood in config.json, not 9.99999974e-6
            GgufType.Float32 => ShortestDecimal(BinaryPrimitives.ReadSingleLittleEndian(Bytes(offset, 4))),
            GgufType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(Bytes(offset, 8)),
            _ => IntegerAt(key, value, offset),
        };
        return double.IsFinite(number) ? number : throw Refuse(key, $"{number} is no number that can be used");
    }

    private static double ShortestDecimal(float number) =>
        double.Parse(number.ToString("R", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);
}
