using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Fairlead.Engine.Formats;
using Fairlead.Engine.Kernels.Packed;

namespace Fairlead.Engine.Loading;

/// <summary>What stands before the matrices in a pack: all that decides which bytes they are, and a checksum of each chunk of them.</summary>
/// <remarks>
/// Little-endian. 56 bytes: magic, version of the file, <see cref="PackedLayout.Version"/>, kernels, quantising, bytes of the header, bytes of the matrices, bytes of a chunk, number of source
/// files, number of parts, 4 zeros. Then each source file: path, length, time, node. Then each part: the tensor's name, its type, the type and form it has become, whether it is
/// stored the other way round, outputs, inputs, offset, bytes. Then a checksum for each chunk; then zeros to the end of a page, whose last 32 bytes hold the header's own checksum.
/// <para>
/// Nothing of a file's header is ever interpreted. The header that the file must have is made from the plan, and the two are compared: sizes and offsets that a
/// file names are thus never used.
/// </para>
/// </remarks>
internal sealed class PackHeader
{
    /// <summary>Bytes that have one checksum together; the last chunk is shorter.</summary>
    public const int ChunkBytes = 4 << 20;

    private const int FileVersion = 1;
    private const int FixedBytes = 56;
    private const int Page = 4096;

    /// <summary>Fields of the fixed part, for the word that says which of them differs.</summary>
    private static readonly (int At, int Bytes, string Refusal)[] s_fields =
    [
        (0, 8, "it is no pack of weights"),
        (8, 4, "it is of another version of the file format"),
        (12, 4, "its matrices are laid out as another version of this program did"),
        (16, 4, "it was packed for other kernels"),
        (20, 4, "it was quantised otherwise"),
    ];

    private readonly byte[] _bytes;
    private readonly int _partsAt;
    private readonly int _sumsAt;

    private PackHeader(byte[] bytes, int partsAt, int sumsAt, long dataBytes) => (_bytes, _partsAt, _sumsAt, DataBytes) = (bytes, partsAt, sumsAt, dataBytes);

    /// <summary>Bytes of the header: where the matrices begin.</summary>
    public int Length => _bytes.Length;

    /// <summary>Bytes of the matrices.</summary>
    public long DataBytes { get; }

    /// <summary>Bytes of the whole file.</summary>
    public long FileBytes => Length + DataBytes;

    /// <summary>Chunks of the matrices.</summary>
    public int Chunks => ChunksOf(DataBytes);

    /// <summary>The header itself; whole once every checksum is set and <see cref="Seal()"/> was called, or it was taken over from a file.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The header of a pack of what <paramref name="plan"/> makes of <paramref name="sources"/>, without its checksums.</summary>
    public static PackHeader Of(PackPlan plan, ImmutableArray<FileStamp> sources)
    {
        using var whole = new MemoryStream();
        using var to = new BinaryWriter(whole, Encoding.UTF8);
        to.Write("FAIRPACK"u8);
        to.Write(FileVersion);
        to.Write(PackedLayout.Version);
        to.Write((int)plan.Family);
        to.Write(plan.Quantize is { } type ? (int)type : -1);
        to.Write(0L); // the header's length, when it is known
        to.Write(plan.PackedBytes);
        to.Write(ChunkBytes);
        to.Write(sources.Length);
        to.Write(plan.Parts.Length);
        to.Write(0);
        foreach (FileStamp source in sources)
        {
            to.Write(source.Path);
            to.Write(source.Length);
            to.Write(source.Written);
            to.Write(source.Node);
        }

        int partsAt = (int)whole.Length;
        foreach (PackedPart part in plan.Parts)
        {
            to.Write(part.From.Weight.Name ?? "");
            to.Write((int)part.From.Weight.Type);
            to.Write((int)part.Type);
            to.Write((int)part.Format);
            to.Write(part.From.Transposed);
            to.Write(part.From.Outputs);
            to.Write(part.From.Inputs);
            to.Write(part.Offset);
            to.Write(part.Bytes);
        }

        int sumsAt = (int)whole.Length;
        int length = (sumsAt + (ChunksOf(plan.PackedBytes) * sizeof(uint)) + Checksum.Step + Page - 1) / Page * Page;
        whole.SetLength(length);
        byte[] bytes = whole.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), length);
        return new PackHeader(bytes, partsAt, sumsAt, plan.PackedBytes);
    }

    /// <summary>Takes the checksums of a file's header over, where the rest of it is this one.</summary>
    /// <param name="read">Of the file, from its beginning: <see cref="Length"/> bytes, or all that there are.</param>
    /// <returns>Null, or why the file is another's, for the middle of a sentence.</returns>
    public string? TakeSums(ReadOnlySpan<byte> read)
    {
        foreach ((int at, int bytes, string refusal) in s_fields)
        {
            if (read.Length < at + bytes || !read.Slice(at, bytes).SequenceEqual(_bytes.AsSpan(at, bytes)))
                return refusal;
        }

        if (read.Length < Length)
            return $"it ends within its header, after {read.Length} bytes";
        if (!read[..Length][^Checksum.Step..].SequenceEqual(Seal(read[..Length])))
            return "its header is damaged";
        if (!read[FixedBytes.._partsAt].SequenceEqual(_bytes.AsSpan(FixedBytes.._partsAt)))
            return "it was packed from other files than those that lie there now";
        if (!read[.._sumsAt].SequenceEqual(_bytes.AsSpan(.._sumsAt)))
            return "it holds other matrices";
        read[..Length].CopyTo(_bytes);
        return null;
    }

    /// <summary>The checksum of chunk <paramref name="chunk"/>.</summary>
    public uint Sum(int chunk) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(_sumsAt + (chunk * sizeof(uint))));

    /// <summary>Sets it.</summary>
    public void SetSum(int chunk, uint sum) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(_sumsAt + (chunk * sizeof(uint))), sum);

    /// <summary>Sets the header's own checksum, when all others are.</summary>
    public void Seal() => Seal(_bytes).CopyTo(_bytes.AsSpan()[^Checksum.Step..]);

    /// <summary>Bytes of chunk <paramref name="chunk"/>.</summary>
    public int BytesOf(int chunk) => (int)Math.Min(ChunkBytes, DataBytes - ((long)chunk * ChunkBytes));

    private static int ChunksOf(long bytes) => checked((int)((bytes + ChunkBytes - 1) / ChunkBytes));

    /// <summary>The last bytes of a header: its checksum, filled up with zeros.</summary>
    private static byte[] Seal(ReadOnlySpan<byte> header)
    {
        byte[] seal = new byte[Checksum.Step];
        BinaryPrimitives.WriteUInt32LittleEndian(seal, Checksum.Of(header[..^Checksum.Step]));
        return seal;
    }
}
