using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
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
    private readonly Dictionary<string, Value> _metadata;
    private readonly Dictionary<string, GgufTensor> _tensors;

    private GgufFile(MappedFile file, int version, Dictionary<string, Value> metadata, Dictionary<string, GgufTensor> tensors)
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
            return new Reader(file).Read();
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
        bool found = _metadata.TryGetValue(key, out Value value);
        (type, isList) = (value.Type, value.IsList);
        return found;
    }

    /// <summary>A text, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no text.</exception>
    public string? Text(string key)
    {
        if (!TrySingle(key, out Value value))
            return null;
        if (value.Type != GgufType.Text)
            throw Mismatch(key, value, "a text");
        return TextAt(value.Offset, out _);
    }

    /// <summary>A whole number of any width, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no whole number, or none of 63 bits.</exception>
    public long? Integer(string key) => TrySingle(key, out Value value) ? IntegerAt(key, value, value.Offset) : null;

    /// <summary>A number of any type, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no number, or not finite.</exception>
    public double? Number(string key) => TrySingle(key, out Value value) ? NumberAt(key, value, value.Offset) : null;

    /// <summary>True or false, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is neither.</exception>
    public bool? Flag(string key)
    {
        if (!TrySingle(key, out Value value))
            return null;
        return value.Type == GgufType.Boolean ? *At(value.Offset) == 1 : throw Mismatch(key, value, "true or false");
    }

    /// <summary>A list of texts, or null where the file has no such key.</summary>
    /// <exception cref="ModelFileException">The value is no list of texts.</exception>
    public string[]? Texts(string key)
    {
        if (!TryList(key, out Value value))
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
        if (!TryList(key, out Value value))
            return null;
        int size = SizeOf(value.Type), count = value.Count;
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
        if (!TryList(key, out Value value))
            return null;
        int size = SizeOf(value.Type), count = value.Count;
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++)
            numbers[i] = (float)NumberAt(key, value, value.Offset + ((long)i * size));
        return numbers;
    }

    /// <summary>A refusal of this file that blames the value of <paramref name="key"/>.</summary>
    public ModelFileException Refuse(string key, string reason) =>
        new(Name, _metadata.TryGetValue(key, out Value value) ? value.Offset : null, $"{Excerpt.Of(key)}: {reason}");

    /// <summary>Unmaps the file; every view into it is dead from here on.</summary>
    public void Dispose() => _file.Dispose();

    private bool TrySingle(string key, out Value value) =>
        _metadata.TryGetValue(key, out value) && (!value.IsList ? true : throw Mismatch(key, value, "a single value"));

    private bool TryList(string key, out Value value) =>
        _metadata.TryGetValue(key, out value) && (value.IsList ? true : throw Mismatch(key, value, "a list"));

    private ModelFileException Mismatch(string key, Value value, string wanted) =>
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

    private long IntegerAt(string key, Value value, long offset) => value.Type switch
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

    private double NumberAt(string key, Value value, long offset)
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

    private static int SizeOf(GgufType type) => type switch
    {
        GgufType.UInt8 or GgufType.Int8 or GgufType.Boolean => 1,
        GgufType.UInt16 or GgufType.Int16 => 2,
        GgufType.UInt32 or GgufType.Int32 or GgufType.Float32 => 4,
        _ => 8,
    };

    /// <summary>Where a value lies: <paramref name="Offset"/> is its first byte, in a list the first element's.</summary>
    private readonly record struct Value(GgufType Type, bool IsList, int Count, long Offset);

    private sealed class Reader(MappedFile file)
    {
        private long _at;

        public GgufFile Read()
        {
            ReadOnlySpan<byte> head = file.Slice(0, (int)Math.Min(file.Length, 32));
            if (!head.StartsWith("GGUF"u8))
            {
                string guess = FileKind.Guess(head) ?? (head.Length > 8 && head[8] == (byte)'{' ? "this looks like safetensors: its name should end in .safetensors" : "the file does not begin with those letters");
                throw new ModelFileException(file.Name, 0, $"not GGUF: {guess}");
            }

            _at = 4;
            uint version = UInt32("the version");
            if (version is not (2 or 3))
            {
                throw new ModelFileException(file.Name, 4, version switch
                {
                    1 => "GGUF version 1, from before August 2023; versions 2 and 3 are read. Convert the model again",
                    _ when (version & 0xFFFF) == 0 && version != 0 => "a big-endian GGUF file; only little-endian ones are read",
                    _ => $"GGUF version {version}; versions 2 and 3 are read",
                });
            }

            ulong tensors = UInt64("the number of tensors"), keys = UInt64("the number of keys");
            if (tensors > MaxTensors)
                throw new ModelFileException(file.Name, 8, $"{tensors} tensors are announced; at most {MaxTensors} are read");
            if (keys > MaxKeys)
                throw new ModelFileException(file.Name, 16, $"{keys} metadata keys are announced; at most {MaxKeys} are read");

            var metadata = new Dictionary<string, Value>(StringComparer.Ordinal);
            for (ulong i = 0; i < keys; i++)
            {
                long at = _at;
                string key = Text("a key");
                if (!metadata.TryAdd(key, ReadValue(key)))
                    throw new ModelFileException(file.Name, at, $"the key {Excerpt.Of(key)} stands twice");
            }

            return new GgufFile(file, (int)version, metadata, ReadTensors((int)tensors, Alignment(metadata)));
        }

        private int Alignment(Dictionary<string, Value> metadata)
        {
            if (!metadata.TryGetValue("general.alignment", out Value value))
                return 32; // the default of the specification
            uint alignment = value is { Type: GgufType.UInt32, IsList: false } ? BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(value.Offset, 4)) : 0;
            return alignment is > 0 and <= 4096 && uint.IsPow2(alignment)
                ? (int)alignment
                : throw new ModelFileException(file.Name, value.Offset, "general.alignment must be a power of two from 1 to 4096, as UInt32");
        }

        private Dictionary<string, GgufTensor> ReadTensors(int count, int alignment)
        {
            var announced = new List<(string Name, long At, ElementType Type, ImmutableArray<long> Shape, ulong Offset, long Bytes)>();
            for (int i = 0; i < count; i++)
                announced.Add(ReadTensor(alignment));

            // The data begins at the next multiple of the alignment; a file that holds a vocabulary alone may end before.
            long start = (_at + alignment - 1) / alignment * alignment;
            var tensors = new Dictionary<string, GgufTensor>(announced.Count, StringComparer.Ordinal);
            foreach ((string name, long at, ElementType type, ImmutableArray<long> shape, ulong offset, long bytes) in announced)
            {
                if ((Int128)start + offset + bytes > file.Length)
                    throw new ModelFileException(file.Name, at, $"tensor {Excerpt.Of(name)} needs the bytes {(Int128)start + offset} to {(Int128)start + offset + bytes}, but the file ends at byte {file.Length}: the download is incomplete");
                if (!tensors.TryAdd(name, new GgufTensor(type, shape, start + (long)offset, bytes)))
                    throw new ModelFileException(file.Name, at, $"tensor {Excerpt.Of(name)} stands twice");
            }

            KeyValuePair<string, GgufTensor>[] order = [.. tensors];
            Array.Sort(order, static (a, b) => a.Value.Offset.CompareTo(b.Value.Offset));
            for (int i = 1; i < order.Length; i++)
            {
                if (order[i].Value.Offset < order[i - 1].Value.Offset + order[i - 1].Value.Bytes)
                    throw new ModelFileException(file.Name, order[i].Value.Offset, $"tensor {Excerpt.Of(order[i].Key)} begins inside {Excerpt.Of(order[i - 1].Key)}");
            }

            return tensors;
        }

        private (string Name, long At, ElementType Type, ImmutableArray<long> Shape, ulong Offset, long Bytes) ReadTensor(int alignment)
        {
            long at = _at;
            string name = Text("the name of a tensor");
            uint dimensions = UInt32("a number of dimensions");
            if (dimensions > 4)
                throw new ModelFileException(file.Name, at, $"tensor {Excerpt.Of(name)} has {dimensions} dimensions; at most 4 are read");
            long[] shape = new long[dimensions];
            Int128 values = 1;
            for (int i = 0; i < shape.Length; i++)
            {
                ulong dimension = UInt64("a dimension");
                if (dimension is 0 or > int.MaxValue)
                    throw new ModelFileException(file.Name, at, $"tensor {Excerpt.Of(name)} has a dimension of {dimension}; 1 to {int.MaxValue} are read");
                shape[shape.Length - 1 - i] = (long)dimension;
                values *= dimension; // four times 31 bits
            }

            uint number = UInt32("a type");
            ElementType type = GgmlTypes.Readable(number) ?? throw new ModelFileException(file.Name, at, $"tensor {Excerpt.Of(name)} is of type {GgmlTypes.Refusal(number)}");
            ulong offset = UInt64("an offset");
            if (offset % (ulong)alignment != 0)
                throw new ModelFileException(file.Name, at, $"tensor {Excerpt.Of(name)} begins at {offset}, no multiple of the alignment {alignment}");
            BlockLayout layout = BlockLayout.Of(type);
            long columns = shape.Length == 0 ? 1 : shape[^1];
            if (columns % layout.Values != 0)
                throw new ModelFileException(file.Name, at, $"tensor {Excerpt.Of(name)} has rows of {columns} values, no whole number of {type} blocks of {layout.Values}");
            Int128 bytes = values / layout.Values * layout.Bytes;
            if (bytes > file.Length)
                throw new ModelFileException(file.Name, at, $"tensor {Excerpt.Of(name)} needs {bytes} bytes, but the file has only {file.Length}");
            TensorLimits.Check(file.Name, at, name, [.. shape]);
            return (name, at, type, [.. shape], offset, (long)bytes);
        }

        private Value ReadValue(string key)
        {
            long at = _at;
            GgufType type = Type(UInt32("a type"), key, at);
            if (type != GgufType.Array)
            {
                Value value = new(type, false, 1, _at);
                Skip(key, type, 1);
                return value;
            }

            type = Type(UInt32("the type of a list"), key, at);
            if (type == GgufType.Array)
                throw new ModelFileException(file.Name, at, $"{Excerpt.Of(key)} is a list of lists, which no model needs");
            ulong count = UInt64("the length of a list");
            if (count > MaxListLength)
                throw new ModelFileException(file.Name, at, $"{Excerpt.Of(key)} announces {count} values; at most {MaxListLength} are read");
            Value list = new(type, true, (int)count, _at);
            Skip(key, type, (int)count);
            return list;
        }

        private GgufType Type(uint number, string key, long at) => number <= (uint)GgufType.Float64
            ? (GgufType)number
            : throw new ModelFileException(file.Name, at, $"{Excerpt.Of(key)} has the unknown value type {number}");

        private void Skip(string key, GgufType type, int count)
        {
            if (type == GgufType.Text)
            {
                for (int i = 0; i < count; i++)
                    _ = TextBytes(key);
                return;
            }

            long bytes = (long)count * SizeOf(type);
            if (bytes > file.Length - _at)
                throw new ModelFileException(file.Name, _at, $"{Excerpt.Of(key)} needs {bytes} bytes, but the file ends at byte {file.Length}");
            if (type == GgufType.Boolean && file.Slice(_at, count).IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var odd)
                throw new ModelFileException(file.Name, _at + odd, $"{Excerpt.Of(key)} is neither true nor false");
            _at += bytes;
        }

        private string Text(string what) => Encoding.UTF8.GetString(TextBytes(what));

        private ReadOnlySpan<byte> TextBytes(string what)
        {
            long at = _at;
            ulong length = UInt64(what);
            if (length > MaxTextBytes)
                throw new ModelFileException(file.Name, at, $"{Excerpt.Of(what)}: a text of {length} bytes is announced; at most {MaxTextBytes} are read");
            ReadOnlySpan<byte> text = Take((int)length, what);
            return Utf8.IsValid(text) ? text : throw new ModelFileException(file.Name, at + 8, $"{Excerpt.Of(what)}: not valid UTF-8");
        }

        private uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

        private ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

        private ReadOnlySpan<byte> Take(int bytes, string what)
        {
            if (bytes > file.Length - _at)
                throw new ModelFileException(file.Name, _at, $"the file ends inside {Excerpt.Of(what)}: the download is incomplete");
            ReadOnlySpan<byte> taken = file.Slice(_at, bytes);
            _at += bytes;
            return taken;
        }
    }
}
