namespace Fairlead.Engine.Formats;

/// <summary>Reads a GGUF file from its first byte to where its tensors begin, and checks all of it on the way.</summary>
internal static class GgufHeader
{
    /// <exception cref="ModelFileException">It is not GGUF, breaks a rule of <see cref="GgufFile"/>, or holds a tensor of a type that is not read.</exception>
    public static (int Version, Dictionary<string, GgufValue> Metadata, Dictionary<string, GgufTensor> Tensors) Read(MappedFile mapped)
    {
        CheckKind(mapped);
        GgufCursor file = new(mapped);
        _ = file.UInt32("the letters GGUF");
        int version = ReadVersion(file);
        ulong tensors = file.UInt64("the number of tensors"), keys = file.UInt64("the number of keys");
        if (tensors > GgufFile.MaxTensors)
            throw file.Refuse(8, $"{tensors} tensors are announced; at most {GgufFile.MaxTensors} are read");
        if (keys > GgufFile.MaxKeys)
            throw file.Refuse(16, $"{keys} metadata keys are announced; at most {GgufFile.MaxKeys} are read");

        var metadata = new Dictionary<string, GgufValue>(StringComparer.Ordinal);
        for (ulong i = 0; i < keys; i++)
        {
            long at = file.At;
            string key = file.Text("a key");
            if (!metadata.TryAdd(key, ReadValue(file, key)))
                throw file.Refuse(at, $"the key {Excerpt.Of(key)} stands twice");
        }

        return (version, metadata, GgufTensorTable.Read(file, (int)tensors, Alignment(file, metadata)));
    }

    private static void CheckKind(MappedFile file)
    {
        ReadOnlySpan<byte> head = file.Slice(0, (int)Math.Min(file.Length, 32));
        if (head.StartsWith("GGUF"u8))
            return;
        string guess = FileKind.Guess(head) ?? (head.Length > 8 && head[8] == (byte)'{' ? "this looks like safetensors: its name should end in .safetensors" : "the file does not begin with those letters");
        throw new ModelFileException(file.Name, 0, $"not GGUF: {guess}");
    }

    private static int ReadVersion(GgufCursor file)
    {
        uint version = file.UInt32("the version");
        return version is 2 or 3 ? (int)version : throw file.Refuse(4, version switch
        {
            1 => "GGUF version 1, from before August 2023; versions 2 and 3 are read. Convert the model again",
            _ when (version & 0xFFFF) == 0 && version != 0 => "a big-endian GGUF file; only little-endian ones are read",
            _ => $"GGUF version {version}; versions 2 and 3 are read",
        });
    }

    private static int Alignment(GgufCursor file, Dictionary<string, GgufValue> metadata)
    {
        if (!metadata.TryGetValue("general.alignment", out GgufValue value))
            return 32; // the default of the specification
        uint alignment = value is { Type: GgufType.UInt32, IsList: false } ? file.UInt32At(value.Offset) : 0;
        return alignment is > 0 and <= 4096 && uint.IsPow2(alignment)
            ? (int)alignment
            : throw file.Refuse(value.Offset, "general.alignment must be a power of two from 1 to 4096, as UInt32");
    }

    private static GgufValue ReadValue(GgufCursor file, string key)
    {
        long at = file.At;
        GgufType type = TypeOf(file, file.UInt32("a type"), key, at);
        if (type != GgufType.Array)
        {
            GgufValue value = new(type, false, 1, file.At);
            Skip(file, key, type, 1);
            return value;
        }

        type = TypeOf(file, file.UInt32("the type of a list"), key, at);
        if (type == GgufType.Array)
            throw file.Refuse(at, $"{Excerpt.Of(key)} is a list of lists, which no model needs");
        ulong count = file.UInt64("the length of a list");
        if (count > GgufFile.MaxListLength)
            throw file.Refuse(at, $"{Excerpt.Of(key)} announces {count} values; at most {GgufFile.MaxListLength} are read");
        GgufValue list = new(type, true, (int)count, file.At);
        Skip(file, key, type, (int)count);
        return list;
    }

    private static GgufType TypeOf(GgufCursor file, uint number, string key, long at) => number <= (uint)GgufType.Float64
        ? (GgufType)number
        : throw file.Refuse(at, $"{Excerpt.Of(key)} has the unknown value type {number}");

    private static void Skip(GgufCursor file, string key, GgufType type, int count)
    {
        if (type == GgufType.Text)
        {
            for (int i = 0; i < count; i++)
                _ = file.TextBytes(key);
            return;
        }

        long at = file.At;
        ReadOnlySpan<byte> skipped = file.Skip((long)count * GgufValue.SizeOf(type), key);
        if (type == GgufType.Boolean && skipped.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var odd)
            throw file.Refuse(at + odd, $"{Excerpt.Of(key)} is neither true nor false");
    }
}
