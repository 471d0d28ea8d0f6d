using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Fairlead.Engine.Formats;

/// <summary>A GGUF file as it is read from its first byte on: numbers and texts, each inside the file or refused with what it was to be.</summary>
internal sealed class GgufCursor(MappedFile file)
{
    /// <summary>The byte that is read next.</summary>
    public long At { get; private set; }

    /// <summary>For messages.</summary>
    public string Name => file.Name;

    /// <summary>Bytes of the file.</summary>
    public long Length => file.Length;

    /// <summary>A number at a place that was read already.</summary>
    public uint UInt32At(long offset) => BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(offset, 4));

    /// <summary>A refusal that blames a byte.</summary>
    public ModelFileException Refuse(long at, string reason) => new(file.Name, at, reason);

    /// <param name="what">What it is to be, for its refusal.</param>
    public string Text(string what) => Encoding.UTF8.GetString(TextBytes(what));

    /// <summary>A text's bytes, which are valid UTF-8.</summary>
    public ReadOnlySpan<byte> TextBytes(string what)
    {
        long at = At;
        ulong length = UInt64(what);
        if (length > GgufFile.MaxTextBytes)
            throw Refuse(at, $"{Excerpt.Of(what)}: a text of {length} bytes is announced; at most {GgufFile.MaxTextBytes} are read");
        ReadOnlySpan<byte> text = Take((int)length, what);
        return Utf8.IsValid(text) ? text : throw Refuse(at + 8, $"{Excerpt.Of(what)}: not valid UTF-8");
    }

    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

    public ReadOnlySpan<byte> Take(int bytes, string what)
    {
        if (bytes > file.Length - At)
            throw Refuse(At, $"the file ends inside {Excerpt.Of(what)}: the download is incomplete");
        ReadOnlySpan<byte> taken = file.Slice(At, bytes);
        At += bytes;
        return taken;
    }

    /// <summary>Goes over the numbers of a value, at most <see cref="int.MaxValue"/> bytes; what it has gone over.</summary>
    public ReadOnlySpan<byte> Skip(long bytes, string key)
    {
        if (bytes > file.Length - At)
            throw Refuse(At, $"{Excerpt.Of(key)} needs {bytes} bytes, but the file ends at byte {file.Length}");
        ReadOnlySpan<byte> skipped = file.Slice(At, (int)bytes);
        At += bytes;
        return skipped;
    }
}
